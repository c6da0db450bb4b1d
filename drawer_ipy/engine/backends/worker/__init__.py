"""The program of a worker process; ``main`` is where it begins. It imports nothing of drawer_ipy."""
