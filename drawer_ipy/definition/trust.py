"""``verify`` of a button: which authorities are trusted for a server's certificate."""

from __future__ import annotations

import ssl
from pathlib import Path

from drawer_ipy.common.bad_value import BadValue

_WORDS = {"true": True, "false": False, "yes": True, "no": False, "on": True, "off": False}
_WRITE = "write `true`, `false`, or the path of a PEM file with the certificates of authorities"

Trust = bool | ssl.SSLContext
"""True to trust the system's authorities, False to disable the check, a context for a file of authorities."""


def read_verify(verify: bool | str) -> Trust:
    """Read `verify`.

    Args:
        verify: true, false, or a file, relative to the working folder, with the only trusted authorities.

    Raises:
        BadValue: it is not valid.
    """
    if isinstance(verify, bool):
        return verify
    text = verify.strip()
    if text.lower() in _WORDS:
        word = str(_WORDS[text.lower()]).lower()
        raise BadValue(f"{verify!r} is read as the name of a file", f"write `{word}` without quotes")
    if not text:
        raise BadValue("it is empty", _WRITE)
    path = Path(text).expanduser()
    try:
        if path.is_dir():
            raise BadValue(f"{path} is a folder", _WRITE)
        context = ssl.create_default_context(cafile=path)
    except ssl.SSLError:
        raise BadValue(f"{path} contains no PEM certificate", _WRITE) from None
    except OSError as error:
        raise BadValue(f"{path} cannot be read ({error.strerror or error})", _WRITE) from None
    context.set_alpn_protocols(("http/1.1",))
    return context
