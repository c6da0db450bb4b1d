"""How much processor time something takes."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable


def processor_seconds(action: Callable[[], object]) -> float:
    """The processor time of this thread for `action`, without the garbage collector's."""
    gc.collect()
    gc.disable()  # it takes longer the more objects the test session keeps
    try:
        began = time.thread_time()
        action()
        return time.thread_time() - began
    finally:
        gc.enable()
