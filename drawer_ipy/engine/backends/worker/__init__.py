"""The program of a worker process; ``main`` is where it begins.

Its modules import nothing else of drawer_ipy but ``common.error_parts``, which imports nothing.
"""
