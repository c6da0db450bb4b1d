"""What one press of a request button is made with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from drawer_ipy.buttons.http.request import Request


class BoundRequest(NamedTuple):
    """A request whose places are filled, all but those of batteries and the environment.

    Attributes:
        values: the arguments by name.
        request: what they come to.
        save: the file that the body goes into; ``None`` when it is an output.
        at: the cursor, page number or offset of this page; ``None`` where pages have none.
        is_followed: whether the address is one that an earlier page named.
        is_abroad: whether that address is at another origin, so that the button's credentials stay behind.
    """

    values: Mapping[str, Any]
    request: Request
    save: Path | None = None
    at: Any = None
    is_followed: bool = False
    is_abroad: bool = False

    def following(self, request: Request, *, is_abroad: bool) -> BoundRequest:
        """The press of a page or part that this one, or one before it, led to."""
        return self._replace(request=request, is_followed=not is_abroad, is_abroad=is_abroad)
