"""The encodings of the web, by the labels that servers and pages use for them.

Labels have the meaning that WHATWG's Encoding Standard gives them: ``iso-8859-1`` and ``ascii`` mean
Windows-1252, ``gb2312`` means GBK. Python's codecs differ from the standard in places; this module corrects
the differences that occur in pages. A label that the standard does not define is unknown, even if Python has
a codec of that name: ``punycode`` can take minutes to decode what a server sends, and ``utf-7`` can turn text
into markup.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from functools import lru_cache

from webencodings.labels import LABELS

REPLACED = "\ufffd"
"""The replacement for bytes that the encoding has no character for."""

_WHITE = "\t\n\f\r "
_PYTHON = {
    "big5": "big5hkscs", "euc-kr": "cp949", "gbk": "gb18030", "ibm866": "cp866", "iso-8859-8-i": "iso-8859-8",
    "macintosh": "mac-roman", "shift_jis": "cp932", "windows-874": "cp874", "x-mac-cyrillic": "mac-cyrillic",
    "euc-jp": "euc_jp", "utf-16be": "utf-16-be", "utf-16le": "utf-16-le",
}  # fmt: skip
"""Python's names of encodings where they differ from the standard's."""

_WIDE = frozenset(
    {"big5", "euc-kr", "gbk", "gb18030", "shift_jis", "euc-jp", "utf-8", "utf-16be", "utf-16le"}
)
"""Encodings with several bytes per character."""

_ODD = {"koi8-u": {0xAE: "\u045e", 0xBE: "\u040e"}, "windows-1255": {0xCA: "\u05ba"}}

_JIS = str.maketrans("\u301c\u2016\u2212\u00a2\u00a3\u00ac", "\uff5e\u2225\uff0d\uffe0\uffe1\uffe2")
_BIG5 = str.maketrans(
    "\u2022\uff64\u203e\u223c\u2641\u2609\u00a5\u00a2\u00a3",
    "\u2027\ufe51\u00af\uff5e\u2295\u2299\uffe5\uffe0\uffe1",
)
_GB = str.maketrans(
    "\ue5e5\ue78d\ue78e\ue78f\ue790\ue791\ue792\ue793\ue794\ue795\ue796\ue7c7\ue81e\ue826\ue82b\ue82c\ue832\ue843"
    "\ue854\ue864",
    "\u3000\ufe10\ufe12\ufe11\ufe13\ufe14\ufe15\ufe16\ufe17\ufe18\ufe19\u1e3f\u9fb4\u9fb5\u9fb6\u9fb7\u9fb8\u9fb9"
    "\u9fba\u9fbb",
)
_HIGH = bytes(code | 0x80 if code > 0x20 else code for code in range(256))
_ESCAPES = re.compile(rb"\x1b(\([BJI]|\$[@B])")
_RECOVERING = "drawer_ipy.web"
_FEW_LOST = 1000


def find_encoding(label: str) -> str:
    """Return the standard's name of the encoding for `label`, in lower case; ``""`` if it is unknown."""
    found: str = LABELS.get(label.strip(_WHITE).lower(), "")
    return found


def decode_as(encoding: str, body: bytes) -> str:
    """Decode `body` with an encoding from :func:`find_encoding`; U+FFFD replaces undecodable bytes."""
    if encoding == "replacement":
        return REPLACED if body else ""
    if encoding == "iso-2022-jp":
        return _iso_2022_jp(body)
    if encoding not in _WIDE:
        return codecs.charmap_decode(body, "replace", _table(encoding))[0]
    codec = _PYTHON.get(encoding, encoding)
    text = body.decode(codec, "replace")
    lost = 0 if encoding.startswith("utf") else text.count(REPLACED)
    # Real text has few bytes that a codec cannot decode. A body with many is not text and would take long.
    if 0 < lost <= max(_FEW_LOST, len(text) // 50):
        text = body.decode(codec, _recovery())
    mend = {"euc-jp": _JIS, "big5": _BIG5, "gbk": _GB, "gb18030": _GB}.get(encoding)
    return text if mend is None else text.translate(mend)


@lru_cache(maxsize=64)
def _table(encoding: str) -> str:
    """Return the 256 characters of a single-byte encoding; U+FFFE marks undefined ones, as in codecs."""
    if encoding == "x-user-defined":
        return "".join(chr(code if code < 0x80 else 0xF700 + code) for code in range(256))
    name = _PYTHON.get(encoding, encoding)
    letters = [bytes([code]).decode(name, "replace") for code in range(256)]
    if encoding.startswith("windows-"):
        # Where Windows defines no character, the standard has the control character of that number.
        letters[0x80:0xA0] = [
            chr(code) if letters[code] == REPLACED else letters[code] for code in range(0x80, 0xA0)
        ]
    for code, letter in _ODD.get(encoding, {}).items():
        letters[code] = letter
    return "".join("\ufffe" if letter == REPLACED else letter for letter in letters)


@lru_cache(maxsize=1)
def _recovery() -> str:
    """Return the name of the error handler for what Python's codecs cannot decode; made on first use."""
    codecs.register_error(_RECOVERING, _recovered)
    return _RECOVERING


def _recovered(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    pair = error.object[error.start : error.start + 2]
    letter = ""
    if error.encoding == "gb18030" and pair[:1] == b"\x80":
        return "\u20ac", error.start + 1
    if error.encoding == "euc_jp":
        letter = _jis(pair)
    elif error.encoding == "big5hkscs":
        letter = _pair_in("cp950", pair)
    return (letter, error.start + 2) if letter else (REPLACED, error.end)


def _jis(pair: bytes) -> str:
    """Return the EUC-JP character of two bytes, also from rows that only Windows' Japanese encoding has."""
    if len(pair) < 2 or not (0xA1 <= pair[0] <= 0xFE and 0xA1 <= pair[1] <= 0xFE):
        return ""
    row, cell = divmod((pair[0] - 0xA1) * 94 + pair[1] - 0xA1, 188)
    shifted = (row + (0x81 if row < 0x1F else 0xC1), cell + (0x40 if cell < 0x3F else 0x41))
    return _pair_in("cp932", bytes(shifted)) if shifted[0] <= 0xFC else ""


def _pair_in(codec: str, pair: bytes) -> str:
    try:
        letter = pair.decode(codec)
    except UnicodeDecodeError:
        return ""
    return letter if len(letter) == 1 else ""


def _iso_2022_jp(body: bytes) -> str:
    """Decode seven-bit Japanese: escapes switch between characters of one byte and of two."""
    pieces = _ESCAPES.split(body)
    out = [_seven_bits(pieces[0])]
    for escape, piece in zip(pieces[1::2], pieces[2::2], strict=True):
        if piece:
            out.append(_SWITCHED[escape](piece))
    return "".join(out)


def _seven_bits(piece: bytes) -> str:
    return piece.decode("ascii", "replace")


def _two_bytes(piece: bytes) -> str:
    # In practice a line break ends a run of two-byte characters, even without an escape before it.
    return "\n".join(decode_as("euc-jp", line.translate(_HIGH)) for line in piece.split(b"\n"))


def _katakana(piece: bytes) -> str:
    return piece.translate(_HIGH).decode("cp932", "replace")


_SWITCHED: dict[bytes, Callable[[bytes], str]] = {
    b"(B": _seven_bits,
    b"(J": lambda piece: _seven_bits(piece).replace("\\", "\u00a5").replace("~", "\u203e"),
    b"(I": _katakana,
    b"$@": _two_bytes,
    b"$B": _two_bytes,
}
