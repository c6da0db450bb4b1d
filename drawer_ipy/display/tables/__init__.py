"""The interactive table of a notebook: a page asks the kernel for the rows that it shows."""
