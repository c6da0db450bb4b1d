"""Runs on disk: one SQLite file per run, written while it runs and read in any later process."""
