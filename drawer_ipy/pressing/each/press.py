"""``each`` and ``aeach``: press one function, button or URL for every item, from Python."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Coroutine, Iterator, Mapping
from inspect import signature
from typing import Any, Literal

from drawer_ipy.buttons import FunctionButton, as_button, make_button
from drawer_ipy.buttons.base import Button
from drawer_ipy.common.demo_origins import running_origins
from drawer_ipy.definition import DrawerModel, load_button
from drawer_ipy.engine.rows import TableRows
from drawer_ipy.errors import ButtonNotFound, UsageError, did_you_mean
from drawer_ipy.pressing.callers import asynchronous, callers_names
from drawer_ipy.pressing.each.item_button import ItemButton
from drawer_ipy.pressing.each.loop import ITEM, EachOptions, check_items, loop_tree
from drawer_ipy.pressing.job import Job, Options
from drawer_ipy.pressing.option_docs import documents
from drawer_ipy.pressing.prepare import prepare
from drawer_ipy.pressing.press import press_job, press_job_here
from drawer_ipy.pressing.surroundings import Surroundings
from drawer_ipy.results import Results

_ITEMS = "items"

_ENDS = """
Returns:
    One row per item; ``.retry()`` presses the failed ones again.

Raises:
    DefinitionError: an option or a field is invalid; nothing has run.
    ButtonNotFound, UsageError: there is no such button, or items or columns do not fit; nothing has run.
    BackendError: the function or an argument cannot be sent to the backend; nothing has run.
    DrawerFailed, DrawerCancelled: the run did not end ok; ``.results`` contains everything.
"""


@documents(EachOptions, Options, ends=_ENDS)
def each(
    what: Callable[..., Any] | str,
    items: Any,
    *,
    parallelism: int | Literal["auto"] | None = None,
    stop: bool = False,
    retry: int = 0,
    timeout: float | None = None,
    rate: Any = None,
    cache: str | None = None,
    tolerate: int | str | None = None,
    key: str | None = None,
    backend: str | None = None,
    keep: Literal["disk"] | None = None,
    args: Mapping[str, Any] | None = None,
    name: str = "",
    save: str | os.PathLike[str] | None = None,
    resume: bool | str = False,
    changed: bool = False,
    max_age: float | None = None,
    durable: Literal["auto", "on", "strict", "off"] = "auto",
    check: bool = True,
    quiet: bool = False,
    **fields: Any,
) -> Results:
    """Press `what` for every item and wait for the results; rows are in the order of the items.

    ::

        each(fetch, urls, parallelism=8)
        each(score, df)                          # score(text, language) gets the columns of these names
        each("https://shop/{{id}}", ids, extract={"price": ".price"})

    Every item is tried, and a failure is a row; ``stop=True`` ends at the first. The run has its own event
    loop and thread, so this works whether or not a loop is running; see :func:`aeach`.

    Args:
        what: a function, the name of a button, or a URL with places such as ``{{id}}``. With one argument
            it gets the item; with several, the columns of their names from a row (of a data frame, a dict, a
            dataclass), or the entries of a tuple in order.
        items: a list, data frame, series, array, dict view, iterator, generator or async generator.
        args: arguments that are the same for all items.
        name: the run's name in views and records; the name of the function if it is empty.
        fields: fields of the request if `what` is a URL: ``extract``, ``headers``, ``method``, ...
    """
    options = EachOptions(parallelism, stop, retry, timeout, rate, cache, tolerate, key, backend, keep)
    press = Options(None, save=save, durable=durable, resume=resume, changed=changed, max_age=max_age)
    job = _job(what, items, options, args, fields, callers_names(sys._getframe(1)), name, press)
    return press_job(job, check=check, quiet=quiet, instead="await aeach(...)")


@asynchronous
@documents(EachOptions, Options)
def aeach(
    what: Callable[..., Any] | str,
    items: Any,
    *,
    parallelism: int | Literal["auto"] | None = None,
    stop: bool = False,
    retry: int = 0,
    timeout: float | None = None,
    rate: Any = None,
    cache: str | None = None,
    tolerate: int | str | None = None,
    key: str | None = None,
    backend: str | None = None,
    keep: Literal["disk"] | None = None,
    args: Mapping[str, Any] | None = None,
    name: str = "",
    save: str | os.PathLike[str] | None = None,
    resume: bool | str = False,
    changed: bool = False,
    max_age: float | None = None,
    durable: Literal["auto", "on", "strict", "off"] = "auto",
    check: bool = True,
    quiet: bool = False,
    **fields: Any,
) -> Coroutine[Any, Any, Results]:
    """Press `what` for every item on the current event loop; the async counterpart of :func:`each`.

    Objects bound to this loop (client sessions, locks) work inside async functions.

    Args:
        what: as for :func:`each`.
        items: as for :func:`each`.
        args: arguments that are the same for all items.
        name: the run's name in views and records; the name of the function if it is empty.
        fields: fields of the request if `what` is a URL: ``extract``, ``headers``, ``method``, ...

    Raises:
        asyncio.CancelledError: the caller was cancelled; everything that was started has ended.
        DrawerError: as :func:`each`.
    """
    names = callers_names(sys._getframe(1))

    async def run() -> Results:
        options = EachOptions(parallelism, stop, retry, timeout, rate, cache, tolerate, key, backend, keep)
        press = Options(None, save=save, durable=durable, resume=resume, changed=changed, max_age=max_age)
        job = _job(what, items, options, args, fields, names, name, press)
        return await press_job_here(job, check=check, quiet=quiet)

    return run()


def _job(
    what: Callable[..., Any] | str,
    items: Any,
    options: EachOptions,
    args: Mapping[str, Any] | None,
    fields: Mapping[str, Any],
    names: Mapping[str, Any],
    name: str,
    press: Options,
) -> Job:
    """Return the checked job of :func:`each`; `names` are the variables of the caller."""
    given = _Given(what, args, options, fields, names)
    around = Surroundings.of_caller(names)
    found = given.button(around)
    rows = check_items(items, _ITEMS)
    if isinstance(rows, TableRows):
        found.check_columns([str(column) for column in rows.readers])
    around.registered = _Buttons(found.name, found, given)
    tree = loop_tree(name or found.name, found.name, ITEM, _ITEMS, options)
    return prepare(tree, {_ITEMS: items}, press, around)


class _Given:
    """What is pressed, as the caller gave it."""

    def __init__(
        self,
        what: Callable[..., Any] | str,
        args: Mapping[str, Any] | None,
        options: EachOptions,
        fields: Mapping[str, Any],
        names: Mapping[str, Any],
    ) -> None:
        if not callable(what) and not isinstance(what, str):
            raise UsageError(
                f"each() needs a function, the name of a button or a URL, not {type(what).__name__}",
                remediation="write each(function, items)",
            )
        if args is not None and not isinstance(args, Mapping):
            raise UsageError(f"args must be a mapping of names to values, not {type(args).__name__}")
        if fields and not _is_url(what):
            name = next(iter(fields))
            hint = did_you_mean(name, _OPTIONS) or "only a URL takes the fields of a request"
            raise UsageError(f"each() takes no argument {name!r}", remediation=hint)
        self.what = what
        self.names = names
        self._args, self._fields = args or {}, fields
        self._rate, self._cache = options.rate, options.cache
        # The variable that holds the function: by the time of a retry it may hold a better one.
        name = getattr(what, "__name__", "")
        self._variable = name if callable(what) and names.get(name) is what else ""

    def button(self, around: Surroundings) -> ItemButton:
        """Return the button that gets the items.

        Raises:
            ButtonNotFound, DefinitionError, UsageError: as :func:`each`.
        """
        return ItemButton(self._inner(around), ITEM, self._args, self._rate)

    def _inner(self, around: Surroundings) -> Button:
        if callable(self.what):
            function = self.names.get(self._variable, self.what) if self._variable else self.what
            return self._function(function if callable(function) else self.what)
        if _is_url(self.what):
            fields = {"url": self.what, **self._fields, **({"cache": self._cache} if self._cache else {})}
            loaded = load_button(fields, name=_host(self.what))
            return make_button(loaded.button, allowed_origins=running_origins)
        catalog = around.catalog(DrawerModel.model_construct())
        found = catalog.find(self.what)
        if found is None:
            hint = did_you_mean(self.what, catalog.names()) or "give a function, or a URL with ://"
            raise ButtonNotFound(f"there is no button {self.what!r}", remediation=hint)
        if self._cache is not None:
            raise UsageError(
                "cache belongs to functions and URLs",
                remediation=f"set it where button {self.what!r} is defined",
            )
        return found

    def _function(self, function: Callable[..., Any]) -> FunctionButton:
        name = "function" if getattr(function, "__name__", "") == "<lambda>" else None
        if not _has_signature(function):  # as some builtins, which take their argument by position
            built_in, name = function, getattr(function, "__name__", "function")

            def function(item: Any) -> Any:
                return built_in(item)

        found = as_button(function, name)
        if self._cache is None:
            return found
        return FunctionButton(
            function,
            found.name,
            timeout=found.timeout,
            rate=found.rate,
            cache=self._cache,
            backend=found.backend,
        )


class _Buttons(Mapping[str, Button]):
    """The one button of a loop; a press after the first looks its function up again."""

    def __init__(self, name: str, first: ItemButton, given: _Given) -> None:
        self._name = name
        self._first: ItemButton | None = first
        self._given = given

    def __getitem__(self, name: str) -> Button:
        if name != self._name:
            raise KeyError(name)
        first, self._first = self._first, None
        return first or self._given.button(Surroundings(namespace=self._given.names))

    def __iter__(self) -> Iterator[str]:
        return iter((self._name,))

    def __len__(self) -> int:
        return 1


_OPTIONS = tuple(name for name in signature(each).parameters if name != "fields")


def _has_signature(function: Callable[..., Any]) -> bool:
    try:
        signature(function)
    except (ValueError, TypeError):
        return False
    return True


def _is_url(what: Any) -> bool:
    return isinstance(what, str) and ("://" in what or what.startswith("{{"))


def _host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0].partition(":")[0] or "request"
