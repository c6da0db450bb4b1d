"""Pages of an API, selected by a parameter: a cursor from the response, a page number, an offset."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal
from urllib.parse import quote_plus, unquote_plus

from yarl import URL

from drawer_ipy.buttons.arguments import shorten, to_text
from drawer_ipy.buttons.base import Outcome
from drawer_ipy.buttons.http.bound import BoundRequest
from drawer_ipy.buttons.http.following import JoinedPages, PagesInTurn, status_of
from drawer_ipy.buttons.http.request import Request
from drawer_ipy.definition.extract import Asked
from drawer_ipy.definition.follow import Counted, Cursor
from drawer_ipy.definition.media import read_media
from drawer_ipy.definition.models import ButtonSpec
from drawer_ipy.errors import Code, ErrorInfo, UsageError

_FAILED_STATUS = 400
_ITEMS_HINT = "specify where its items are: `items: json:data`"


@dataclass(frozen=True, slots=True)
class Parameter:
    """The parameter that gets the cursor or the count.

    Attributes:
        name: its name; for a field of a JSON body the dotted path to it.
        where: whether it is an argument of the button, in the query, or in the body.
    """

    name: str
    where: Literal["argument", "query", "json", "form"]

    @classmethod
    def of(cls, into: str, spec: ButtonSpec, arguments: tuple[str, ...]) -> Parameter:
        """Return the parameter that `into` names: an argument, a field of a body with fields, or the query.

        ``query.NAME`` and ``body.NAME`` select one explicitly.
        """
        content_type = next((v for n, v in spec.headers.items() if n.strip().lower() == "content-type"), "")
        kind = read_media(content_type).kind
        in_body: Literal["json", "form"] = "form" if kind == "form" else "json"
        has_fields = isinstance(spec.body, Mapping) and kind in ("json", "form", "text") and not spec.files
        prefix, _, rest = into.partition(".")
        if into in arguments:
            return cls(into, "argument")
        if prefix == "query" and rest:
            return cls(rest, "query")
        if prefix == "body" and rest and not has_fields:
            raise UsageError(f"button {spec.name!r}: follow: {into!r} is in the body, which has no fields")
        if has_fields and not (prefix != "body" and into in spec.query):
            return cls(rest if prefix == "body" and rest else into, in_body)
        return cls(into, "query")

    def put(self, request: Request, value: Any) -> Request:
        """Return `request` with `value` for this parameter."""
        text = to_text(value, self.name)
        if self.where == "query":
            address = with_parameter(request.address or str(request.url), self.name, text)
            return replace(request, url=URL(address, encoded=True), address=address)
        if self.where == "form" and isinstance(request.body, bytes):
            return replace(
                request, body=_with_pair(request.body.decode("ascii"), self.name, text).encode("ascii")
            )
        if self.where == "json" and isinstance(request.body, bytes):
            body = json.loads(request.body)
            _set(body, self.name.split("."), value)
            return replace(request, body=json.dumps(body, ensure_ascii=False).encode())
        return request

    def now(self, request: Request) -> int | None:
        """Return the integer that the query of `request` has for it, ``None`` if there is none."""
        found = request.url.query.get(self.name, "") if self.where == "query" else ""
        return int(found) if found.isascii() and found.isdigit() and len(found) < 19 else None


def with_parameter(address: str, name: str, value: str) -> str:
    """Return `address` with `value` as the only value of `name` in its query; the rest is unchanged."""
    rest, sharp, fragment = address.partition("#")
    path, _, query = rest.partition("?")
    return f"{path}?{_with_pair(query, name, value)}{sharp}{fragment}"


def _with_pair(pairs: str, name: str, value: str) -> str:
    made, out, there = f"{quote_plus(name)}={quote_plus(value)}", [], False
    for pair in filter(None, pairs.split("&")):
        if unquote_plus(pair.partition("=")[0]) != name:
            out.append(pair)
        elif not there:
            out.append(made)
            there = True
    return "&".join(out if there else [*out, made])


def _set(body: Any, path: list[str], value: Any) -> None:
    for name in path[:-1]:
        body = body.setdefault(name, {}) if isinstance(body, dict) else {}
    if isinstance(body, dict):
        body[path[-1]] = value


class PagesByParameter(PagesInTurn):
    """Fetch page after page of an API, by a cursor, a page number or an offset.

    Args:
        name: the name of the button.
        asked: what to extract, with a :class:`Cursor` or :class:`Counted` to follow.
        parameter: the parameter that gets the cursor or the count.
        again: returns what to press with, for a value of that parameter.
    """

    def __init__(
        self,
        name: str,
        asked: Asked,
        parameter: Parameter,
        again: Callable[[BoundRequest, Any], BoundRequest],
    ) -> None:
        super().__init__(name, asked)
        self._parameter = parameter
        self._again = again

    async def press(
        self,
        bound: BoundRequest,
        one: Callable[[BoundRequest], Awaitable[Outcome]],
        log: Callable[[str], None] | None,
    ) -> Outcome:
        """See :meth:`PagesInTurn.press`."""
        listing, first, before = JoinedPages(), bound, None
        value, seen = bound.at, set[tuple[type, Any]]()
        while True:
            outcome = await one(bound)
            if outcome.error is not None:
                return self._broken(listing, outcome)
            entries = self._entries(outcome.output)
            ended = self._end(outcome, entries, before, listing)
            if ended is not None:
                return ended
            self._add(listing, outcome)
            found = self._next(value, outcome, entries, listing)
            if isinstance(found, Outcome):
                return found
            if (type(found), found) in seen:
                note = f"page {listing.count} leads back to {self._parameter.name}={found!r}; paging stopped"
                return self._whole(listing, note)
            seen.add((type(found), found))
            if listing.count >= self._asked.most:
                return self._whole(listing, self._bounded(found))
            value, before = found, entries
            bound = self._again(first, value)
            if log is not None:
                log(f"page {listing.count + 1}: {self._parameter.name}={value}")

    def _end(
        self, outcome: Outcome, entries: list[Any] | None, before: list[Any] | None, listing: JoinedPages
    ) -> Outcome | None:
        """Return the final outcome if this page is not one to add; ``None`` if it is."""
        if listing.count and outcome.about is not None and outcome.about["status"] >= _FAILED_STATUS:
            return self._whole(listing)  # a failure that `ok_status` allows: there is no such page
        if isinstance(self._asked.follow, Counted):
            if entries is None:
                failed = self._failed(outcome, f"{_kind_of_output(outcome.output)}, not a list", _ITEMS_HINT)
                return self._broken(listing, failed)
            if not entries:
                if not listing.count:
                    self._add(listing, outcome)
                return self._whole(listing)
        if listing.count and entries and _same(entries, before):
            return self._broken(listing, self._failed(outcome, self._ignored()))
        return None

    def _next(self, value: Any, outcome: Outcome, entries: list[Any] | None, listing: JoinedPages) -> Any:
        """Return the next value of the parameter, or the final outcome if paging ends or cannot continue."""
        rule = self._asked.follow
        if isinstance(rule, Counted):
            step = rule.by or (len(entries or ()) if rule.items else 1)
            return int(value) + step
        found: Any = outcome.next
        if found is None or found is False or found == "":
            return self._whole(listing)
        if isinstance(found, str | int | float) and found is not True:
            return found
        where = rule.path.text if isinstance(rule, Cursor) and rule.path is not None else "the header"
        listing.count -= 1
        return self._broken(listing, self._failed(outcome, f"{where} is not a cursor but {shorten(found)}"))

    def _entries(self, output: Any) -> list[Any] | None:
        """Return the items of one page; ``None`` if it has no list of them."""
        if output is None:
            return []
        if isinstance(output, list):
            return output
        if self._asked.extraction is not None and isinstance(output, Mapping):
            lists = [value for value in output.values() if isinstance(value, list)]
            return [entry for value in lists for entry in value] if lists else None
        return None

    def _ignored(self) -> str:
        where = {"argument": "argument", "query": "query parameter"}.get(self._parameter.where, "field")
        return f"the same items came again: the server seems to ignore the {where} {self._parameter.name!r}"

    def _failed(self, outcome: Outcome, message: str, hint: str = "") -> Outcome:
        info = ErrorInfo(Code.EXTRACT_ERROR, message, hint, status=status_of(outcome))
        return Outcome(status="error", error=info, exit_code=1, about=outcome.about)


def _kind_of_output(output: Any) -> str:
    keys = f" with {', '.join(map(str, list(output)[:8]))}" if isinstance(output, Mapping) else ""
    what = "a mapping" if isinstance(output, Mapping) else shorten(output)
    return f"the response is {what}{keys}"


def _same(entries: list[Any], before: list[Any] | None) -> bool:
    try:
        return before is not None and bool(entries == before)
    except Exception:  # comparing items may raise anything
        return False
