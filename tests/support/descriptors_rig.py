"""The file descriptors of this process."""

from __future__ import annotations

import gc
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

_OF_LOOPS = ("socket:", "anon_inode:[event")
"""How the files of event loops and connections are called; earlier tests may close theirs meanwhile."""


@contextmanager
def same_descriptors() -> Iterator[None]:
    """Check that the block leaves no file or pipe open that it opened, and closes no other."""
    gc.collect()  # closes what earlier tests have left, which might be collected in the block
    before = _open_files()
    yield
    after = _open_files()
    assert after == before, f"left open: {after - before}, closed: {before - after}"


def _open_files() -> Counter[str]:
    # A descriptor's number may change, since the watchdog opens a larger file when there are many scripts.
    paths = [f"/dev/fd/{number}" for number in os.listdir("/dev/fd")]
    files = [os.path.realpath(path) for path in paths if os.path.exists(path)]  # not the listing itself
    return Counter(file for file in files if not os.path.basename(file).startswith(_OF_LOOPS))
