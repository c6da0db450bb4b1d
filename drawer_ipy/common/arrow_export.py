"""Tables of other libraries as tables of pyarrow."""

from __future__ import annotations

from typing import Any


def arrow_table(pyarrow: Any, value: Any) -> Any:
    """Return `value`, which exports Arrow, as a table of `pyarrow`. Raises what `value` raises."""
    if hasattr(value, "to_arrow_table"):  # DuckDB, whose versions before 1.2 export no stream to pyarrow
        return value.to_arrow_table()
    return pyarrow.table(value)
