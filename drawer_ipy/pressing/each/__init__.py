"""``each``: one button for every item, as a drawer of one ``for_each`` step."""
