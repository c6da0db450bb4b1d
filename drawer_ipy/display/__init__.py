"""Displays of a run: its progress while it runs, and its results as a table.

Nothing here is imported before it is needed. A display listens to a run's events; the engine does not know
about displays.
"""
