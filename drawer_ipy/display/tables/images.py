"""Images among the values of a table: what their bytes are, and small pictures of them."""

from __future__ import annotations

import io
import struct
import sys
from dataclasses import dataclass
from typing import Any

from drawer_ipy.common.user_code import pass_on_interrupt

MOST_BYTES = 4_000_000
"""Most bytes of an image that is sent to a page."""

MOST_PIXELS = 30_000_000
"""Most pixels of an image that is sent to a page; a small file can contain a huge picture."""

THUMBNAIL = 160
"""Most pixels of a thumbnail's longer side."""

AS_IT_IS = 24_000
"""Bytes up to which an image is its own thumbnail."""

_HEAD = 64


@dataclass(frozen=True, slots=True)
class Image:
    """The bytes of an image in a format that every browser draws.

    Attributes:
        mime: the media type, which comes from the bytes.
        data: the bytes.
        width, height: pixels.
    """

    mime: str
    data: bytes
    width: int
    height: int

    @property
    def words(self) -> str:
        """The format and size in words: ``PNG 640×480, 12,345 bytes``."""
        name = self.mime.partition("/")[2].upper()
        return f"{name} {self.width}×{self.height}, {len(self.data):,} bytes"

    @property
    def can_be_sent(self) -> bool:
        """Whether it is small enough for a page."""
        return len(self.data) <= MOST_BYTES and 0 < self.width * self.height <= MOST_PIXELS


def image_of(value: Any) -> Image | None:
    """Return the image that `value` is: the bytes of one, or a picture of PIL or matplotlib.

    Addresses of images are text: nothing is fetched.
    """
    try:
        if isinstance(value, bytes | bytearray):
            return sniff(bytes(value)) if len(value) <= MOST_BYTES * 8 else None
        if _is_of("PIL.Image", "Image", value):
            return sniff(_png_of_pil(value, MOST_PIXELS))
        if _is_of("matplotlib.figure", "Figure", value):
            out = io.BytesIO()
            value.savefig(out, format="png", dpi=72)
            return sniff(out.getvalue())
    except BaseException as error:  # a picture that cannot be drawn is shown as text
        pass_on_interrupt(error)
    return None


def may_be_image(value: Any) -> bool:
    """Whether :func:`image_of` may accept `value`; examines only its type and its first bytes."""
    if isinstance(value, bytes | bytearray):
        return _format(bytes(value[:_HEAD])) != ""
    return _is_of("PIL.Image", "Image", value) or _is_of("matplotlib.figure", "Figure", value)


def thumbnail(image: Image) -> Image | None:
    """Return a small picture of `image`; ``None`` if it is too large and PIL is not installed."""
    if not image.can_be_sent:
        return None
    if len(image.data) <= AS_IT_IS:
        return image
    try:
        from PIL import Image as pil

        with pil.open(io.BytesIO(image.data)) as opened:
            return sniff(_png_of_pil(opened, THUMBNAIL * THUMBNAIL))
    except BaseException as error:  # PIL is missing, or cannot read the image
        pass_on_interrupt(error)
        return None


def _png_of_pil(picture: Any, most_pixels: int) -> bytes:
    small = picture.copy()
    if small.width * small.height > most_pixels:
        side = max(1, int(most_pixels**0.5))
        small.thumbnail((side, side))
    if small.mode not in ("1", "L", "LA", "P", "RGB", "RGBA"):
        small = small.convert("RGBA")
    out = io.BytesIO()
    small.save(out, format="PNG")
    return out.getvalue()


def _is_of(module: str, name: str, value: Any) -> bool:
    # Without importing the library: if it is not imported, `value` is not one of its objects.
    kind = getattr(sys.modules.get(module), name, None)
    return isinstance(kind, type) and issubclass(type(value), kind)


# The formats


def sniff(data: bytes) -> Image | None:
    """Return the image in `data` if it is PNG, JPEG, GIF or WebP and its size can be read, else ``None``."""
    kind = _format(data[:_HEAD])
    try:
        size = _SIZES[kind](data) if kind else None
    except (struct.error, IndexError):
        size = None
    return Image(kind, data, *size) if size is not None and min(size) > 0 else None


def _format(head: bytes) -> str:
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return "image/gif"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return ""


def _png_size(data: bytes) -> tuple[int, int] | None:
    width, height = struct.unpack_from(">II", data, 16)
    return width, height


def _gif_size(data: bytes) -> tuple[int, int] | None:
    width, height = struct.unpack_from("<HH", data, 6)
    return width, height


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 < len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        if marker == 0xFF:  # padding
            at += 1
            continue
        (length,) = struct.unpack_from(">H", data, at + 2)
        at += 2 + max(2, length)
    return None


def _webp_size(data: bytes) -> tuple[int, int] | None:
    kind = data[12:16]
    if kind == b"VP8X":
        return (
            1 + int.from_bytes(data[24:27], "little"),
            1 + int.from_bytes(data[27:30], "little"),
        )
    if kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    return None


_SIZES = {
    "image/png": _png_size,
    "image/gif": _gif_size,
    "image/jpeg": _jpeg_size,
    "image/webp": _webp_size,
}
