"""The values of a row as an array of numpy."""

from __future__ import annotations

from typing import Any

from drawer_ipy.results.export.kinds import are_ints, are_numbers, fit_float


def row_array(values: list[Any], dtype: Any = None) -> Any:
    """Return the values of one row: floats or integers if all are numbers, else objects.

    numpy joins the rows of a table to an array of a type that fits all of them. Integers that a float cannot
    hold stay objects, so that other rows do not round them.
    """
    import numpy

    kinds = set(map(type, values))
    if are_numbers(kinds) and fit_float(values, kinds):
        made = numpy.array(values, "int64" if are_ints(kinds) else "float64")
    else:
        made = numpy.empty(len(values), object)
        for place, value in enumerate(values):  # one by one, since lists must not become dimensions
            made[place] = value
    return made if dtype is None else made.astype(dtype)
