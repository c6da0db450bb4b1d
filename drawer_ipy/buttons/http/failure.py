"""A request without a complete response, and the errors that need no knowledge of the HTTP library."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from drawer_ipy.errors import Code, DrawerError, ErrorInfo


class RequestFailed(DrawerError):
    """A request failed without a complete response, or was not sent.

    Attributes:
        timed_out: whether it took too long.
        sent: whether the server may have started to act on it.
        final: whether a retry would fail in the same way.
        detail: the exception behind it, for stderr.
        status: the status code of a proxy that refused to forward the request, otherwise ``None``.
        retry_after: seconds that the server asked to wait; ``None`` if it did not.
    """

    default_code: ClassVar[str] = Code.HTTP_ERROR

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        remediation: str = "",
        sent: bool = True,
        final: bool = False,
        detail: str = "",
        status: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, code=code, remediation=remediation)
        self.timed_out: bool = self.code == Code.TIMEOUT
        self.sent = sent
        self.final = final
        self.detail = detail
        self.status = status
        self.retry_after = retry_after

    def info(self) -> ErrorInfo:
        """See the base class."""
        return replace(super().info(), status=self.status)


def timed_out(seconds: float | None, what: str) -> RequestFailed:
    """Return the error for a request, written as ``GET https://...``, that exceeded its timeout."""
    return RequestFailed(
        f"timed out after {seconds:g} s: {what}",
        code=Code.TIMEOUT,
        remediation="raise `timeout_seconds` of the step or the button if the server needs longer",
    )


def too_large(limit: int, what: str) -> RequestFailed:
    """Return the error for a response that exceeds the button's limit."""
    return RequestFailed(
        f"the response to {what} is longer than {limit:,} bytes",
        remediation="raise `max_response_bytes` of the button (up to 2 GiB)",
        final=True,
    )
