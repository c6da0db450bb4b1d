"""How the next page of an API is requested: ``follow`` beyond fields and selectors, and ``items``."""

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
    """The address of the next page is in the Link header, as ``rel="next"`` (RFC 8288)."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """The answer says what to send along to have the next page.

    Attributes:
        path: where in the answer; ``None`` where a header says it.
        header: the name of that header.
        into: the parameter that takes it.
    """

    path: JsonPath | None
    header: str
    into: str


@dataclass(frozen=True, slots=True)
class Counted:
    """The pages, or the items, are counted by a parameter until there are none.

    Attributes:
        into: the parameter.
        items: whether it counts items and not pages.
        start: its first value; ``None`` for what the request says, else the usual.
        by: how much is added each time; ``None`` for 1, or as many items as there were.
    """

    into: str
    items: bool
    start: int | None
    by: int | None

    @property
    def usual_start(self) -> int:
        """Its first value unless another is given."""
        return 0 if self.items else 1


Rule = JsonPath | NextLink | Cursor | Counted


def read_paging(follow: str | Follow, *, field_named_link: bool) -> tuple[Rule | None, list[Trouble]]:
    """What `follow` asks for, and what is wrong with it by path below it.

    ``None`` without troubles where it is a field or a selector.

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
                yield Trouble((key,), f"`{key}` goes with `page` or `offset`, not with `cursor`", "remove it")
        if not follow.into.strip():
            hint = "name an argument, a query parameter or a field of the body: `into: after`"
            yield Trouble((), "`follow` says where the cursor is, and not where it goes", hint)
        if not follow.cursor.strip().lower().startswith(_HEADER):
            try:
                read_json_path(follow.cursor)
            except BadValue as error:
                yield _trouble(("cursor",), error)
    elif follow.into:
        hint = f"`{given[0]}: {follow.into}` says it already"
        yield Trouble(("into",), "`into` goes with `cursor`", hint)


def _of_mapping(follow: Follow) -> Rule:
    if follow.cursor:
        cursor = follow.cursor.strip()
        if cursor.lower().startswith(_HEADER):
            return Cursor(None, cursor[len(_HEADER) :].strip(), follow.into.strip())
        return Cursor(read_json_path(cursor), "", follow.into.strip())
    name = follow.page or follow.offset
    return Counted(name.strip(), bool(follow.offset), follow.start, follow.by)


def read_items(items: str) -> tuple[JsonPath | None, list[Trouble]]:
    """Where the items of a page are, and what is wrong with that."""
    if not items.strip():
        return None, []
    try:
        return read_json_path(items), []
    except BadValue as error:
        return None, [_trouble(("items",), error)]


def _trouble(path: tuple[str, ...], error: BadValue) -> Trouble:
    return Trouble(path, error.message, error.hint)
