"""Paging of APIs: ``follow`` with rules other than fields and selectors, and ``items``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from drawer_ipy.common.bad_value import BadValue
from drawer_ipy.definition.button_fields import Follow
from drawer_ipy.scrape.json_path import JsonPath, is_json_path, read_json_path
from drawer_ipy.scrape.spec import Trouble

LINK = "link"
_HEADER = "header:"
_ONE_OF = "write one of `{cursor: json:PATH, into: NAME}`, `{page: NAME}` and `{offset: NAME}`"


@dataclass(frozen=True, slots=True)
class NextLink:
    """Rule: the address of the next page is in the Link header, as ``rel="next"`` (RFC 8288)."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """Rule: the response has a cursor that the request for the next page must send.

    Attributes:
        path: where the body has the cursor; ``None`` if a header has it.
        header: the name of that header.
        into: the parameter that receives the cursor.
    """

    path: JsonPath | None
    header: str
    into: str


@dataclass(frozen=True, slots=True)
class Counted:
    """Rule: a parameter counts the pages or the items, until a page has no items.

    Attributes:
        into: the parameter.
        items: whether it counts items rather than pages.
        start: its first value; ``None`` for the value in the request, or else the usual one.
        by: the increment; ``None`` for 1, or the number of items of the page.
    """

    into: str
    items: bool
    start: int | None
    by: int | None

    @property
    def usual_start(self) -> int:
        """The first value if no other is given."""
        return 0 if self.items else 1


Rule = JsonPath | NextLink | Cursor | Counted


def read_paging(follow: str | Follow, *, field_named_link: bool) -> tuple[Rule | None, list[Trouble]]:
    """Read the rule of `follow`, and the problems with it by path in it.

    The rule is ``None`` and there are no troubles if `follow` is a field or a selector.

    Args:
        field_named_link: whether ``link`` is a field of ``extract``.
    """
    if isinstance(follow, Follow):
        troubles = list(_mapping_troubles(follow))
        return (None if troubles else _of_mapping(follow)), troubles
    if follow.strip().lower() == LINK and not field_named_link:
        return NextLink(), []
    if not is_json_path(follow):
        return None, []
    try:
        return read_json_path(follow), []
    except BadValue as error:
        return None, [_trouble((), error)]


def _mapping_troubles(follow: Follow) -> Iterator[Trouble]:
    given = [key for key in ("cursor", "page", "offset") if getattr(follow, key)]
    if len(given) != 1:
        which = f"both `{given[0]}` and `{given[1]}`" if given else "none of `cursor`, `page` and `offset`"
        yield Trouble((), f"`follow` has {which}", _ONE_OF)
        return
    if follow.cursor:
        for key in ("start", "by"):
            if getattr(follow, key) is not None:
                yield Trouble((key,), f"`{key}` is for `page` or `offset`, not for `cursor`", "remove it")
        if not follow.into.strip():
            hint = "name an argument, a query parameter or a field of the body: `into: after`"
            yield Trouble((), "`follow` has a `cursor`, but no `into`", hint)
        if not follow.cursor.strip().lower().startswith(_HEADER):
            try:
                read_json_path(follow.cursor)
            except BadValue as error:
                yield _trouble(("cursor",), error)
    elif follow.into:
        hint = f"`{given[0]}: {follow.into}` is enough"
        yield Trouble(("into",), "`into` is only for `cursor`", hint)


def _of_mapping(follow: Follow) -> Rule:
    if follow.cursor:
        cursor = follow.cursor.strip()
        if cursor.lower().startswith(_HEADER):
            return Cursor(None, cursor[len(_HEADER) :].strip(), follow.into.strip())
        return Cursor(read_json_path(cursor), "", follow.into.strip())
    name = follow.page or follow.offset
    return Counted(name.strip(), bool(follow.offset), follow.start, follow.by)


def read_items(items: str) -> tuple[JsonPath | None, list[Trouble]]:
    """Read the path of the items of a page, and the problems with it."""
    if not items.strip():
        return None, []
    try:
        return read_json_path(items), []
    except BadValue as error:
        return None, [_trouble(("items",), error)]


def _trouble(path: tuple[str, ...], error: BadValue) -> Trouble:
    return Trouble(path, error.message, error.hint)
