"""Images among the values of a table."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import matplotlib.figure
import PIL.Image
import pytest
from tables_rig import Asked, table

from drawer_ipy.display.tables.images import AS_IT_IS, THUMBNAIL, image_of, sniff


def encoded(kind: str, width: int = 40, height: int = 30) -> bytes:
    out = io.BytesIO()
    PIL.Image.effect_noise((width, height), 50).convert("RGB").save(out, format=kind)
    return out.getvalue()


def png_of(width: int, height: int) -> bytes:
    """A small file that claims to be a picture of this size."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + head
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))


def thumbnails(*values: Any) -> tuple[list[Any], list[bytes]]:
    """The cells of values in a table, and the buffers that are sent with them."""
    ask = Asked(table(values))
    column = ask.column("page")
    question = {"ask": "rows", "query": {}, "rows": [0, len(values)], "columns": [column, column + 1]}
    answer = ask.answers.answer(question)
    return [row[2][0] for row in answer.content["rows"]], answer.buffers


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
def test_bytes_of_an_image_are_a_thumbnail(kind: str) -> None:
    data = encoded(kind)
    found = sniff(data)
    assert found is not None
    assert (found.mime, found.width, found.height) == (f"image/{kind.lower()}", 40, 30)
    assert thumbnails(data) == ([["i", f"<{len(data)} bytes>", f"image/{kind.lower()}", 0]], [data])


@pytest.mark.parametrize(("lossless", "quality"), [(True, 90), (False, 90)])
def test_every_sort_of_webp_has_a_size(lossless: bool, quality: int) -> None:
    for mode in ("RGB", "RGBA"):
        out = io.BytesIO()
        PIL.Image.new(mode, (123, 45)).save(out, format="WEBP", lossless=lossless, quality=quality)
        found = sniff(out.getvalue())
        assert found is not None
        assert (found.width, found.height) == (123, 45)


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF....WEBPVP8 "])
def test_a_beginning_of_an_image_is_none(data: bytes) -> None:
    assert sniff(data) is None


@pytest.mark.parametrize("data", [b"plain", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"<html>", "text"])
def test_other_values_are_no_images(data: Any) -> None:
    assert image_of(data) is None
    assert thumbnails(data)[1] == []


def test_pictures_of_pil_and_figures_of_matplotlib_are_thumbnails() -> None:
    figure = matplotlib.figure.Figure(figsize=(2, 1))
    figure.subplots().plot([1, 2])
    cells, buffers = thumbnails(PIL.Image.new("CMYK", (50, 20)), figure)
    assert [cell[2] for cell in cells] == ["image/png", "image/png"]
    assert [(found.width, found.height) for data in buffers if (found := sniff(data))] == [
        (50, 20),
        (144, 72),
    ]


def test_a_large_image_is_made_smaller() -> None:
    data = encoded("PNG", 800, 600)
    assert len(data) > AS_IT_IS
    _, (small,) = thumbnails(data)
    found = sniff(small)
    assert found is not None
    assert found.width == THUMBNAIL
    assert len(small) < len(data) / 5


def test_an_image_of_too_many_pixels_is_not_sent() -> None:
    bomb = png_of(60_000, 60_000)
    assert thumbnails(bomb) == ([["i", f"<{len(bomb)} bytes>"]], [])
    assert thumbnails(png_of(0, 5))[1] == []


def test_a_picture_that_cannot_be_drawn_is_text() -> None:
    class Odd(matplotlib.figure.Figure):
        def savefig(self, *_: Any, **__: Any) -> None:
            raise RuntimeError("not drawn")

    cells, buffers = thumbnails(Odd())
    assert buffers == []
    assert cells[0][0] == "i"


def test_thumbnails_of_one_answer_are_bounded() -> None:
    data = encoded("PNG", 80, 80)
    assert len(data) <= AS_IT_IS
    cells, buffers = thumbnails(*[data] * 200)
    assert len(buffers) == 40
    assert sum(len(cell) == 4 for cell in cells) == 40


def test_an_opened_row_gets_the_whole_image() -> None:
    data = encoded("PNG", 800, 600)
    ask = Asked(table([data]))
    answer = ask.answers.answer({"ask": "image", "row": 0, "column": ask.column("page")})
    assert answer.buffers == [data]
    assert answer.content["words"] == f"PNG 800×600, {len(data):,} bytes"
