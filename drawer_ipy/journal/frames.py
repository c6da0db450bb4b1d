"""Data frames and arrays as bytes: Arrow's IPC format for tables and series, ``.npy`` for arrays of numpy.

Both formats are read without a pickle, so a file of another user may have them. A value is stored like this
only if what is read back is the same, with its type, index, dtypes and metadata. A library is imported only
for a value that it has made, or to read one.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from drawer_ipy.common.user_code import pass_on_interrupt
from drawer_ipy.journal.same_frames import same_frame, same_scalar, same_series

_MODULE = "drawer_ipy.journal.frames"

Encoded = tuple[str, bytes, Any]
"""The kind of a value, its bytes, and the name of a series."""


def reduced_frame(value: Any) -> tuple[Any, ...] | None:
    """Return how pickle is to store a frame or an array; ``None`` if `value` is to be pickled as usual."""
    kind = type(value)
    encoder = _ENCODERS.get(kind.__module__.partition(".")[0])
    if encoder is None:
        return None
    try:
        found = encoder(value)
    except Exception as error:  # the format does not have the type of a column
        pass_on_interrupt(error)
        return None
    return None if found is None else (frame_of, found)


def frame_of(kind: str, data: bytes, name: Any = None) -> Any:
    """Return the value of :func:`reduced_frame`.

    Raises:
        ImportError: its library is not installed.
        Exception: the bytes are damaged.
    """
    if type(kind) is not str or type(data) is not bytes:
        raise TypeError("a damaged value")
    return _DECODERS[kind](data, name)


def foreign_frame_of(kind: str, data: bytes, name: Any = None) -> Any:
    """Return the value of :func:`reduced_frame` from a file of another user.

    Raises:
        ImportError: a library that is needed to read or check it is not installed.
        Exception: the bytes are damaged.
    """
    if type(kind) is str and type(data) is bytes and kind.startswith("polars"):
        data = _checked_for_polars(data)
    return frame_of(kind, data, name)


FRAME_MAKERS: dict[tuple[str, str], Callable[..., Any]] = {(_MODULE, "frame_of"): frame_of}
FOREIGN_FRAME_MAKERS: dict[tuple[str, str], Callable[..., Any]] = {(_MODULE, "frame_of"): foreign_frame_of}
"""What makes frames and arrays, by module and name."""


# numpy


def _encode_numpy(value: Any) -> Encoded | None:
    import numpy

    if type(value) is numpy.ndarray and not value.dtype.hasobject:
        data = _to_npy(value)
        back = _of_npy(data, None)
        same = repr(back.dtype) == repr(value.dtype) and back.shape == value.shape
        return ("array", data, None) if same else None
    if isinstance(value, numpy.generic) and not value.dtype.hasobject:
        data = _to_npy(numpy.asarray(value))
        return ("scalar", data, None) if same_scalar(value, _of_npy(data, None)[()]) else None
    return None


def _to_npy(array: Any) -> bytes:
    import numpy

    out = io.BytesIO()
    numpy.save(out, array, allow_pickle=False)
    return out.getvalue()


def _of_npy(data: bytes, _name: Any) -> Any:
    import numpy

    return numpy.load(io.BytesIO(data), allow_pickle=False)


# pyarrow


def _encode_pyarrow(value: Any) -> Encoded | None:
    import pyarrow

    kind = type(value)
    words = {pyarrow.Table: "table", pyarrow.RecordBatch: "batch", pyarrow.ChunkedArray: "chunks"}
    word = words.get(kind) or ("entries" if isinstance(value, pyarrow.Array) else None)
    if word is None:
        return None
    data = _arrow_bytes(value)
    back = _DECODERS[word](data, None)
    # Compared as bytes, since Arrow takes NaN as different from itself.
    same = type(back) is kind and _type_of(back) == _type_of(value) and _arrow_bytes(back) == data
    return (word, data, None) if same else None


def _type_of(value: Any) -> Any:
    schema = getattr(value, "schema", None)
    if schema is None:
        return value.type
    return schema, schema.metadata, [field.metadata for field in schema]


def _arrow_bytes(value: Any) -> bytes:
    import pyarrow

    if isinstance(value, pyarrow.ChunkedArray):
        value = pyarrow.Table.from_arrays([value], names=[""])
    elif isinstance(value, pyarrow.Array):
        value = pyarrow.RecordBatch.from_arrays([value], names=[""])
    out = pyarrow.BufferOutputStream()
    with pyarrow.ipc.new_stream(out, value.schema) as writer:
        writer.write(value)
    data: bytes = out.getvalue().to_pybytes()
    return data


def _of_arrow(data: bytes, _name: Any) -> Any:
    table = _safe_pyarrow().ipc.open_stream(data).read_all()
    table.validate(full=True)
    return table


def _safe_pyarrow() -> Any:
    import pyarrow

    if int(pyarrow.__version__.partition(".")[0]) < 15:
        raise ImportError("pyarrow before version 15 may run code of a table that it reads")
    return pyarrow


def _batch_of(data: bytes, _name: Any) -> Any:
    batch = _safe_pyarrow().ipc.open_stream(data).read_next_batch()
    batch.validate(full=True)
    return batch


# pandas


def _encode_pandas(value: Any) -> Encoded | None:
    import pandas

    if type(value) is pandas.DataFrame:
        data = _pandas_bytes(value)
        return ("pandas", data, None) if same_frame(value, _frame_of_pandas(data, None)) else None
    if type(value) is pandas.Series:
        data = _pandas_bytes(value.to_frame(_COLUMN))
        found = _series_of_pandas(data, value.name)
        return ("pandas series", data, value.name) if same_series(value, found) else None
    return None


_COLUMN = "values"


def _pandas_bytes(frame: Any) -> bytes:
    import pyarrow

    return _arrow_bytes(pyarrow.Table.from_pandas(frame))


def _frame_of_pandas(data: bytes, _name: Any) -> Any:
    return _of_arrow(data, None).to_pandas()


def _series_of_pandas(data: bytes, name: Any) -> Any:
    return _frame_of_pandas(data, None)[_COLUMN].rename(name)


# polars


def _encode_polars(value: Any) -> Encoded | None:
    import polars

    kind = type(value)
    if kind not in (polars.DataFrame, polars.Series):
        return None
    frame = value if kind is polars.DataFrame else value.to_frame()
    out = io.BytesIO()
    frame.write_ipc(out)
    data = out.getvalue()
    back = _frame_of_polars(data, None)
    same = back.schema == frame.schema and back.shape == frame.shape and back.equals(frame, null_equal=True)
    if not same:
        return None
    return ("polars" if kind is polars.DataFrame else "polars series", data, None)


def _frame_of_polars(data: bytes, _name: Any) -> Any:
    import polars

    return polars.read_ipc(io.BytesIO(data))


def _checked_for_polars(data: bytes) -> bytes:
    """Return a frame of another user as pyarrow writes it, since polars itself does not check its input."""
    pyarrow = _safe_pyarrow()
    table = pyarrow.ipc.open_file(data).read_all()
    table.validate(full=True)
    out = pyarrow.BufferOutputStream()
    with pyarrow.ipc.new_file(out, table.schema) as writer:
        writer.write(table)
    checked: bytes = out.getvalue().to_pybytes()
    return checked


_ENCODERS: dict[str, Callable[[Any], Encoded | None]] = {
    "numpy": _encode_numpy,
    "pyarrow": _encode_pyarrow,
    "pandas": _encode_pandas,
    "polars": _encode_polars,
}

_DECODERS: dict[str, Callable[[bytes, Any], Any]] = {
    "array": _of_npy,
    "scalar": lambda data, name: _of_npy(data, name)[()],
    "table": _of_arrow,
    "batch": _batch_of,
    "chunks": lambda data, name: _of_arrow(data, name).column(0),
    "entries": lambda data, name: _batch_of(data, name).column(0),
    "pandas": _frame_of_pandas,
    "pandas series": _series_of_pandas,
    "polars": _frame_of_polars,
    "polars series": lambda data, name: _frame_of_polars(data, name).to_series(0),
}
