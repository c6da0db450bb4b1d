"""Results as bytes, with a seal, so that only data written by this user is read."""

from __future__ import annotations

import hashlib
import hmac
import io
import pickle
import zlib
from typing import Any

from drawer_ipy.cache.trouble import CacheTrouble
from drawer_ipy.common.tracebacks import first_line

_SEAL = 16
_PLAIN, _DEFLATED = b"p", b"z"
_WORTH_DEFLATING = 1024
LARGEST = 64 * 1024 * 1024
"""Maximum size of one result in bytes; SQLite could store more, but it would not pay."""


def pack(value: Any) -> bytes:
    """Return `value` as bytes.

    Raises:
        CacheTrouble: it cannot be pickled, or exceeds :data:`LARGEST`.
    """
    out = _Bounded()
    try:
        pickle.Pickler(out, protocol=5).dump(value)
    except CacheTrouble:
        raise
    except Exception as error:  # pickling runs the code of the value's class
        kind = f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
        raise CacheTrouble(f"a {kind} that cannot be pickled ({_shortened(error)})") from None
    return out.getvalue()


def unpack(data: bytes) -> Any:
    """Return the value given to :func:`pack`. Only use it on unsealed bytes, because it can run any code.

    Raises:
        CacheTrouble: a class it needs is missing or has changed.
    """
    try:
        return pickle.loads(data)
    except Exception as error:
        raise CacheTrouble(_shortened(error)) from None


def seal(data: bytes, name: bytes, key: bytes, *, deflate: bool = True) -> bytes:
    """Return `data`, compressed if that saves space and is wanted, with a seal that is bound to `name`."""
    if deflate and len(data) > _WORTH_DEFLATING:
        smaller = zlib.compress(data, 1)
        body = _DEFLATED + smaller if len(smaller) < len(data) else _PLAIN + data
    else:
        body = _PLAIN + data
    return _seal_of(body, name, key) + body


def unseal(sealed: bytes, name: bytes, key: bytes) -> bytes | None:
    """Return the sealed data; ``None`` if the seal does not fit key and name."""
    seal_, body = sealed[:_SEAL], sealed[_SEAL:]
    if not body or not hmac.compare_digest(seal_, _seal_of(body, name, key)):
        return None
    return zlib.decompress(body[1:]) if body[:1] == _DEFLATED else body[1:]


def _seal_of(body: bytes, name: bytes, key: bytes) -> bytes:
    # A keyed BLAKE2b is a MAC by itself; `name` has a fixed length, so the input is unambiguous.
    state = hashlib.blake2b(name, key=key, digest_size=_SEAL, person=b"drawer seal")
    state.update(body)
    return state.digest()


class _Bounded(io.BytesIO):
    """A buffer that refuses to grow beyond :data:`LARGEST`."""

    def write(self, data: Any) -> int:
        if self.tell() + memoryview(data).nbytes > LARGEST:
            raise CacheTrouble(f"more than {LARGEST // 1024**2} MiB")
        return super().write(data)


def _shortened(error: Exception) -> str:
    text = first_line(error)
    return text if len(text) <= 200 else f"{text[:197]}..."
