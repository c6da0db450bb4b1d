"""Convert columns of pandas and pyarrow to polars. pyarrow is only needed for columns that it made."""

from __future__ import annotations

from typing import Any

from drawer_ipy.results.export.native import library_of, values_of
from drawer_ipy.results.export.polars_series import polars_series


def as_polars(name: str, column: Any, polars: Any) -> Any:
    """Return a Series named `name`, from a column of any library; `polars` is the module."""
    library = library_of(column)
    if library == "polars":
        return column.alias(name)
    try:
        if library == "pandas" and (found := _from_pandas(column, polars)) is not None:
            return found.alias(name)
        if library == "pyarrow":
            return polars.from_arrow(column).alias(name)
    except (Exception, polars.exceptions.PanicException):  # types that polars does not have
        pass
    return polars_series(name, values_of(column), polars)


def _from_pandas(column: Any, polars: Any) -> Any:
    import numpy
    import pandas

    dtype = column.dtype
    if isinstance(dtype, pandas.SparseDtype):
        return _from_pandas(column.sparse.to_dense(), polars)
    if isinstance(dtype, pandas.ArrowDtype):
        import pyarrow

        return polars.from_arrow(pyarrow.chunked_array(column.array.__arrow_array__()))
    if isinstance(dtype, pandas.DatetimeTZDtype):
        naive = column.dt.tz_convert("UTC").dt.tz_localize(None)
        series = _from_numpy(naive.to_numpy(), polars).dt.replace_time_zone("UTC")
        zone = str(dtype.tz)
        return series.dt.convert_time_zone(zone) if "/" in zone else series
    if isinstance(dtype, pandas.CategoricalDtype):
        return _from_categories(column, polars)
    if isinstance(dtype, pandas.StringDtype):
        return polars.Series(values_of(column), dtype=polars.String)
    if isinstance(dtype, numpy.dtype) and dtype.kind in "biufMm":
        return _from_numpy(column.to_numpy(), polars)
    if hasattr(dtype, "numpy_dtype") and dtype.kind in "biuf":  # nullable
        missing = column.isna().to_numpy(dtype=bool)
        plain = column.array.to_numpy(dtype=dtype.numpy_dtype, na_value=dtype.type(0))
        series = _from_numpy(plain, polars)
        return series.set(polars.Series(missing), None) if missing.any() else series
    return None


def _from_numpy(array: Any, polars: Any) -> Any:
    import numpy

    if array.dtype.kind in "Mm" and numpy.datetime_data(array.dtype)[0] == "s":
        array = array.astype(f"{array.dtype.kind}8[ms]")
    if array.dtype == "float16":
        array = array.astype("float32")
    return polars.Series(array)


def _from_categories(column: Any, polars: Any) -> Any:
    names = list(column.cat.categories)
    if not all(isinstance(name, str) for name in names):
        return None
    dtype = polars.Enum(names) if column.cat.ordered else polars.Categorical
    return polars.Series(values_of(column), dtype=dtype)
