"""Where a function of a notebook stands, as IPython says it: ``Cell In[3]``, not a temporary file."""

from __future__ import annotations

import re
import sys

_PLACE = re.compile(r'File "([^"\n]+)", (?=line \d)')


def name_cells(trace: str) -> str:
    """A traceback that names cells as cells; as it is, where there is no IPython."""
    module = sys.modules.get("IPython")
    shell = None if module is None else module.get_ipython()
    if shell is None:
        return trace

    def named(found: re.Match[str]) -> str:
        cell = shell.compile.format_code_name(found[1])
        return found[0] if cell is None else f"{' '.join(cell)}, "

    return _PLACE.sub(named, trace)
