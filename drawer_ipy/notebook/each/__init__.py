"""``%%each``: the body of a loop as a cell, pressed for every item."""
