"""``python -m drawer_ipy ...`` is the command ``drawer ...``."""

from __future__ import annotations

import sys

from drawer_ipy.cli import main

if __name__ == "__main__":
    sys.exit(main())
