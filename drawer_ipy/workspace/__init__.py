"""Read and write workspace folders: drawers, buttons and the history of runs.

:mod:`~drawer_ipy.workspace.lookup` finds and reads; the other modules write, in the original's layout
(docs/original.md#1-storage and docs/original.md#11-history-and-secrets), so that both programs can read each
other's files.
"""
