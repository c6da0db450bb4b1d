"""What is written into a workspace folder: drawers, buttons and the history of runs.

:mod:`~drawer_ipy.workspace.lookup` looks things up and reads; this package writes, in the original's layout
(docs/original.md#1-storage and docs/original.md#11-history-and-secrets), so that either program can read
what the other wrote.
"""
