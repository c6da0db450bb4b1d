"""The data that one press of a request button needs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from drawer_ipy.buttons.http.request import Request


class BoundRequest(NamedTuple):
    """A request with its arguments filled in, but without batteries and environment variables.

    Attributes:
        values: the arguments by name.
        request: the request made from them.
        save: the file to save the body to; ``None`` if the body is the output.
        at: the cursor, page number or offset of this page; ``None`` if pages have none.
        is_followed: whether an earlier page named the address.
        is_abroad: whether the address has another origin, so that the button's credentials are not sent.
    """

    values: Mapping[str, Any]
    request: Request
    save: Path | None = None
    at: Any = None
    is_followed: bool = False
    is_abroad: bool = False

    def following(self, request: Request, *, is_abroad: bool) -> BoundRequest:
        """Return the press of the page or part that this page, or an earlier one, links to."""
        return self._replace(request=request, is_followed=not is_abroad, is_abroad=is_abroad)
