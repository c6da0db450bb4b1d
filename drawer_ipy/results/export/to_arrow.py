"""Convert columns of pandas and polars to pyarrow."""

from __future__ import annotations

from typing import Any

from drawer_ipy.results.export.arrow import arrow_array
from drawer_ipy.results.export.native import library_of, values_of


def as_arrow(column: Any, pa: Any) -> Any:
    """Return an array, from a column of any library; `pa` is the pyarrow module."""
    library = library_of(column)
    if library == "pyarrow":
        return column
    try:
        if library == "pandas" and (found := _from_pandas(column, pa)) is not None:
            return found
        if library == "polars" and str(column.dtype) != "Object":
            return column.to_arrow()
    except (pa.ArrowException, ArithmeticError, ValueError, TypeError):
        pass  # types that Arrow does not have
    return arrow_array(values_of(column), pa)


def _from_pandas(column: Any, pa: Any) -> Any:
    import numpy
    import pandas

    dtype = column.dtype
    if isinstance(dtype, pandas.SparseDtype):
        return _from_pandas(column.sparse.to_dense(), pa)
    if isinstance(dtype, numpy.dtype):
        # Without pandas' view of missing values, by which every NaN becomes null.
        return pa.array(column.to_numpy()) if dtype.kind in "biufMm" else None
    if isinstance(dtype, pandas.PeriodDtype | pandas.IntervalDtype):
        return None
    return pa.array(column)
