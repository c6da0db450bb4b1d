"""A server of another origin than a page's, which permits pages to read some of its addresses (CORS)."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from threaded_server import serving


class _Handler(BaseHTTPRequestHandler):
    def _reply(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        kind = self.path.split("/")[1].partition("?")[0]
        if kind == "slow":
            time.sleep(2)
        self.send_response(302 if kind == "moved" else 200)
        if kind == "moved":
            self.send_header("Location", "/open")
        if kind != "closed":
            self.send_header("Access-Control-Allow-Origin", "*")
            self.send_header("Access-Control-Allow-Headers", "X-Key, Content-Type")
            self.send_header("Access-Control-Allow-Methods", "GET, POST, PUT")
        said = {"method": self.command, "key": self.headers.get("X-Key"), "body": body.decode()}
        reply = b"x" * 100_000 if kind == "long" else json.dumps(said).encode()
        self.send_header("Content-Type", "text/plain" if kind == "long" else "application/json")
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        if self.command != "OPTIONS":
            self.wfile.write(reply)

    do_GET = do_POST = do_PUT = do_OPTIONS = _reply  # names of the base class

    def log_message(self, *_args: Any) -> None:
        """Write nothing."""


@contextmanager
def other_origin() -> Iterator[str]:
    """Serve until the block ends; gives the origin."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.handle_error = lambda *_args: None  # type: ignore[method-assign]  # a request that was stopped
    with serving(server) as address:
        yield address
