"""Pickle by value what another process cannot import; imports cloudpickle, which is optional."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Set
from contextlib import contextmanager
from typing import Any

import cloudpickle

from drawer_ipy.buttons.function.button import FunctionButton
from drawer_ipy.engine.backends.worker.pickling import faithful_pickler

_REGISTERING = threading.Lock()
"""cloudpickle keeps the modules that are pickled by value for the whole process."""


class ValuePickler(faithful_pickler()):  # type: ignore[misc]  # made when it is needed
    """Pickles functions and classes by value.

    The mark that ``@button`` leaves on a function is replaced by its name, since the mark belongs to this
    package, which a worker need not import.
    """

    def reducer_override(self, value: Any) -> Any:
        """See :class:`pickle.Pickler`."""
        if isinstance(value, FunctionButton):
            return str, (value.name,)
        return super().reducer_override(value)


@contextmanager
def by_value(modules: Set[str]) -> Iterator[None]:
    """Inside, functions and classes of `modules` are pickled by value, as those of a notebook are."""
    with _REGISTERING:
        known = cloudpickle.list_registry_pickle_by_value()
        added = [sys.modules[name] for name in modules if name in sys.modules and name not in known]
        for module in added:
            cloudpickle.register_pickle_by_value(module)
        try:
            yield
        finally:
            for module in added:
                cloudpickle.unregister_pickle_by_value(module)
