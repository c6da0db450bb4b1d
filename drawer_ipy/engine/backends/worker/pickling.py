"""Pickling between the kernel and worker processes, by cloudpickle where plain pickle does not suffice."""

from __future__ import annotations

import functools
import io
import pickle
import types
from typing import Any


def dumps(value: Any) -> bytes:
    """Pickle `value`, by cloudpickle if plain pickle cannot. Raises what they raise."""
    try:
        return pickle.dumps(value, 5)
    except Exception:
        file = io.BytesIO()
        faithful_pickler()(file, 5).dump(value)
        return file.getvalue()


@functools.cache
def faithful_pickler() -> Any:
    """Return cloudpickle's pickler, changed so that nothing becomes something else on the way.

    cloudpickle would turn an open file into a copy of its text and a memoryview into bytes; both are refused
    here. It would also drop the file names of functions, with which tracebacks find their lines.
    """
    import cloudpickle

    class FaithfulPickler(cloudpickle.Pickler):  # type: ignore[misc]  # cloudpickle has no types
        def reducer_override(self, value: Any) -> Any:
            if isinstance(value, io.TextIOWrapper | memoryview):
                kind = "an open file" if isinstance(value, io.TextIOWrapper) else "a memoryview"
                raise pickle.PicklingError(f"cannot pickle {kind}")
            if type(value) is types.CodeType:
                make, parts = self.dispatch_table[types.CodeType](value)
                name = value.co_filename
                return make, tuple(name if part == "<dynamic-code>" else part for part in parts)
            return super().reducer_override(value)

    return FaithfulPickler


def loads(data: bytes) -> Any:
    """Unpickle `data`; a class that is here already is not changed by its pickled form."""
    if b"cloudpickle" not in data:
        return pickle.loads(data)
    return _Unpickler(io.BytesIO(data)).load()


class _Unpickler(pickle.Unpickler):
    """Leaves classes alone that exist in this process already.

    A class that is pickled by value becomes the same class again where it came from; cloudpickle would
    replace its methods by copies with globals of their own.
    """

    def find_class(self, module: str, name: str) -> Any:
        found = super().find_class(module, name)
        if name == "_class_setstate" and module.startswith("cloudpickle"):

            def set_unless_known(made: Any, state: Any) -> Any:
                known = all(key in vars(made) for key in state[0] if key != "_abc_impl")
                return made if known else found(made, state)

            return set_unless_known
        return found
