"""What people see of a run: its progress while it happens, and its results as a table.

Nothing here is imported before it is needed; a display listens to a run's events and the engine knows of
none.
"""
