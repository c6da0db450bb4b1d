"""What kind of disk a folder is on."""

from __future__ import annotations

import os
from pathlib import Path

_NETWORK = (
    "nfs",
    "cifs",
    "smb",
    "9p",
    "afs",
    "ceph",
    "gluster",
    "lustre",
    "gpfs",
    "beegfs",
    "fuse",
    "virtiofs",
)
"""Beginnings of the names of file systems that several machines may use at once."""


def is_on_network(folder: Path) -> bool:
    """Whether other machines may use the folder at the same time; False if the system does not say."""
    try:
        lines = (
            Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape").splitlines()
        )
        path = os.path.realpath(folder)
    except OSError:
        return False
    best, kind = "", ""
    for line in lines:
        before, _, after = line.partition(" - ")
        fields = before.split()
        if len(fields) < 5 or not after:
            continue
        root = fields[4].encode("utf-8", "surrogateescape").decode("unicode_escape", "replace")
        if (path == root or path.startswith(root.rstrip("/") + "/")) and len(root) >= len(best):
            best, kind = root, after.split()[0]
    return kind.startswith(_NETWORK)
