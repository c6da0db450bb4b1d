"""Convert columns of polars and pyarrow to pandas, with integers that stay integers beside nulls."""

from __future__ import annotations

from typing import Any

from drawer_ipy.results.export.native import library_of, values_of
from drawer_ipy.results.export.pandas_series import pandas_array


def as_pandas(column: Any, pandas: Any) -> Any:
    """Return what a Series is made of, from a column of any library; `pandas` is the module."""
    library = library_of(column)
    if library == "pandas":
        return column.array
    if library == "polars":
        return _from_polars(column, pandas)
    if library == "pyarrow":
        return _from_arrow(column, pandas)
    return pandas_array(column, pandas)


def _from_polars(series: Any, pandas: Any) -> Any:
    base = str(series.dtype.base_type())
    null = series.null_count() > 0
    if base in _INTS or base == "Boolean":
        if not null:
            return series.to_numpy()
        array = pandas.arrays.BooleanArray if base == "Boolean" else pandas.arrays.IntegerArray
        filled = series.fill_null(False if base == "Boolean" else 0)
        return array(filled.to_numpy().copy(), series.is_null().to_numpy().copy())
    if base in ("Float32", "Float64", "Duration"):
        return series.to_numpy()
    if base == "Datetime":
        zone = series.dtype.time_zone
        if not zone:
            return series.to_numpy()
        naive = series.dt.convert_time_zone("UTC").dt.replace_time_zone(None).to_numpy()
        return pandas.Series(naive).dt.tz_localize("UTC").dt.tz_convert(zone).array
    if base in ("Categorical", "Enum"):
        known = series.dtype.categories if base == "Enum" else series.drop_nulls().unique(maintain_order=True)
        names = [str(name) for name in known]
        return pandas.Categorical(series.to_list(), categories=names, ordered=base == "Enum")
    if base == "String":
        return _text(series.to_list(), pandas)
    return pandas_array(series.to_list(), pandas)


_INTS = tuple(f"{sign}Int{width}" for sign in ("", "U") for width in (8, 16, 32, 64))


def _from_arrow(column: Any, pandas: Any) -> Any:
    from pyarrow import types

    kind = column.type
    if types.is_integer(kind) or types.is_boolean(kind):
        if not column.null_count:
            return column.to_numpy()
        boolean = types.is_boolean(kind)
        array = pandas.arrays.BooleanArray if boolean else pandas.arrays.IntegerArray
        filled = column.fill_null(False if boolean else 0)
        return array(filled.to_numpy().copy(), column.is_null().to_numpy().copy())
    if types.is_string(kind) or types.is_large_string(kind):
        return _text(column.to_pylist(), pandas)
    if types.is_dictionary(kind):
        return pandas.Categorical(column.to_pylist(), ordered=kind.ordered, categories=_categories(column))
    if types.is_floating(kind) or (types.is_temporal(kind) and not types.is_time(kind)):
        return column.to_pandas().array
    return pandas_array(values_of(column), pandas)


def _categories(column: Any) -> list[Any]:
    return list(column.unify_dictionaries().chunk(0).dictionary.to_pylist()) if column.num_chunks else []


def _text(values: list[Any], pandas: Any) -> Any:
    return pandas.Series(values, dtype=pandas.Series(["text"]).dtype).array
