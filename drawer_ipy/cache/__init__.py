"""Results of presses kept on disk, so that the same press need not be made twice.

``canonical`` turns arguments into bytes that only equal arguments share, ``sources`` does the same for
functions, ``packing`` turns results into bytes and back, ``store`` keeps those in SQLite and never fails
a run. What a press depends on, and when its result may be used again, is for buttons and the engine.
"""

from drawer_ipy.cache.canonical import Uncacheable, canonical
from drawer_ipy.cache.store import Entry, Store, StoreInfo

__all__ = ["Entry", "Store", "StoreInfo", "Uncacheable", "canonical"]
