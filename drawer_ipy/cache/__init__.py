"""The cache: results of presses on disk, so that a press need not be repeated.

``canonical`` encodes arguments as bytes that only equal arguments share, ``sources`` does the same for
functions, ``packing`` converts results to bytes and back, and ``store`` keeps those in SQLite and never fails
a run. Buttons and the engine decide what a press depends on, and when its result may be reused.
"""

from drawer_ipy.cache.canonical import Uncacheable, canonical
from drawer_ipy.cache.store import Entry, Store, StoreInfo

__all__ = ["Entry", "Store", "StoreInfo", "Uncacheable", "canonical"]
