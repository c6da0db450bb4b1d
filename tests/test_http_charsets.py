"""Encodings with the labels of the Encoding Standard, and the encodings that pages declare."""

from __future__ import annotations

import time

import pytest

from drawer_ipy.buttons.http.body_types import decode, is_binary, read_text
from drawer_ipy.buttons.http.charsets import decode_as, find_encoding

WESTERN = (
    "ansi_x3.4-1968 ascii cp1252 cp819 csisolatin1 ibm819 iso-8859-1 iso-ir-100 iso8859-1 iso88591 "
    "iso_8859-1 iso_8859-1:1987 l1 latin1 us-ascii windows-1252 x-cp1252"
)


@pytest.mark.parametrize("label", [*WESTERN.split(), " ISO-8859-1\t", "Latin1"])
def test_labels_of_latin_1_mean_windows_1252(label: str) -> None:
    assert decode("text/html", label, b"\x80 \x93x\x94 \xe9 \x81") == "€ “x” é \x81"


@pytest.mark.parametrize(
    ("label", "body", "text"),
    [
        ("gb2312", "中文€".encode("gbk", "ignore") + b"\x80 \xa8\xbc", "中文€ ḿ"),
        ("gb_2312-80", "镕".encode("gbk"), "镕"),
        ("gb18030", "中😀".encode("gb18030"), "中😀"),
        ("sjis", b"\x87\x40 \x81\x60", "① ～"),
        ("windows-31j", b"\xfa\x40", "ⅰ"),
        ("x-euc-jp", b"\xad\xa1 \xa1\xc1 \xfc\xe2 \x8e\xb1 \x8f\xb0\xa1", "① ～ 髙 ｱ 丂"),
        ("csiso2022jp", b"a\x1b$BF|-!\x1b(Bb\x1b(I1\x1b(J\\", "a日①bｱ¥"),
        ("iso-2022-jp", b"\x1b$BF|\nplain", None),
        ("big5", b"\xa4\xa4 \xa1\x45 \x87\x40", "中 ‧ 䏰"),
        ("ks_c_5601-1987", b"\xc7\xd1\x8cc", "한똠"),
        ("koi8-ru", b"\xae\xbe", "ўЎ"),
        ("tis-620", b"\xa1\x80\x99", "ก€\x99"),
        ("visual", b"\xe0", "א"),
        ("logical", b"\xe0", "א"),
        ("iso-8859-9", b"\xfe\x80", "ş€"),
        ("windows-1255", b"\xca", "\u05ba"),
        ("x-mac-ukrainian", b"\x80", "А"),
        ("unicode", "я".encode("utf-16-le"), "я"),
        ("unicodefffe", "я".encode("utf-16-be"), "я"),
        ("utf-16", "я".encode("utf-16-le"), "я"),
        ("unicode-1-1-utf-8", "я".encode(), "я"),
        ("x-user-defined", b"a\x80\xff", "a\uf780\uf7ff"),
        ("iso-2022-kr", b"<p>x</p>", "\ufffd"),
        ("hz-gb-2312", b"", ""),
    ],
)
def test_a_label_has_the_meaning_that_it_has_in_browsers(label: str, body: bytes, text: str | None) -> None:
    found = decode("text/html", label, body)
    assert found == text if text is not None else found.startswith("日\n")


@pytest.mark.parametrize(
    "label",
    [
        "punycode",
        "utf-7",
        "idna",
        "unicode_escape",
        "rot13",
        "zlib",
        "hex",
        "cp437",
        "utf-32",
        "no-such",
        "undefined",
    ],
)
def test_a_server_cannot_choose_an_arbitrary_codec_of_python(label: str) -> None:
    body = b"+ADw-script+AD4- \\u003cb\\u003e abc-" + b"a" * 200_000
    began = time.monotonic()
    assert find_encoding(label) == ""
    assert decode("text/html", label, body) == body.decode()
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    ("encoding", "body"),
    [("euc-jp", b"\xff\xa1" * 200_000), ("big5", b"\xff\x81" * 200_000), ("gbk", b"\x80\xff" * 200_000)],
)
def test_invalid_bytes_are_decoded_quickly(encoding: str, body: bytes) -> None:
    began = time.monotonic()
    decode_as(encoding, body)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("piece", [b"<meta ", b"<!--", b"<meta charset='", b"<a x=", b"<", b"<html a='b'>"])
def test_a_page_of_unclosed_tags_is_read_quickly(piece: bytes) -> None:
    began = time.monotonic()
    read_text("text/html", "", piece * 300_000)
    assert time.monotonic() - began < 3


@pytest.mark.parametrize(
    ("page", "encoding"),
    [
        (b'<meta charset="koi8-r">', "koi8-r"),
        (b"<meta charset = 'koi8-r'>", "koi8-r"),
        (b"<META CHARSET=KOI8-R>", "koi8-r"),
        (b"<meta name=x charset=koi8-r/>", "windows-1252"),  # the value is `koi8-r/`
        (b"<meta/charset=koi8-r>", "koi8-r"),
        (b'<meta http-equiv="Content-Type" content="text/html; charset=koi8-r">', "koi8-r"),
        (b"<meta content=\"text/html; charset = 'koi8-r'\" http-equiv=content-type>", "koi8-r"),
        (b'<meta content="text/html; charset=koi8-r">', "windows-1252"),
        (b'<meta http-equiv=refresh content="0; charset=koi8-r">', "windows-1252"),
        (b'<meta content="charset charset=koi8-r" http-equiv=content-type>', "koi8-r"),
        (b'<meta charset=no-such><meta charset="koi8-r">', "koi8-r"),
        (b"<meta charset=koi8-r charset=utf-8>", "koi8-r"),
        (b'<meta charset="koi8-r', "windows-1252"),
        (b"<!-- <meta charset=iso-8859-2> --><meta charset=koi8-r>", "koi8-r"),
        (b"<!--><meta charset=koi8-r>", "koi8-r"),
        (b'<p title="<meta charset=iso-8859-2>"><meta charset=koi8-r>', "koi8-r"),
        (b"<metax charset=iso-8859-2><meta charset=koi8-r>", "koi8-r"),
        (b"<!x <meta charset=iso-8859-2 ><meta charset=koi8-r>", "koi8-r"),
        (b"<a <meta charset=koi8-r>", "windows-1252"),
        (b"<meta charset=utf-16le>", "utf-8"),
        (b"<meta charset=x-user-defined>", "windows-1252"),
        (b"<!--" + b"x" * 2000 + b"--><meta charset=koi8-r>", "koi8-r"),
        (b"x" * 1024 + b"<script><meta charset=iso-8859-2></script><meta charset=koi8-r>", "koi8-r"),
        (b"x" * 1024 + b"<textarea><meta charset=koi8-r></textarea>", "windows-1252"),
        (b'<?xml version="1.0" encoding="koi8-r"?><html>', "koi8-r"),
        (b"<p>none</p>", "windows-1252"),
    ],
)
@pytest.mark.parametrize(("kind", "charset"), [("text/html", ""), ("text/html", "no-such"), ("", "")])
def test_a_page_is_read_in_the_encoding_that_it_declares(
    kind: str, charset: str, page: bytes, encoding: str
) -> None:
    if not kind and not page.startswith(b"<?xml"):
        page = b"<html>" + page
    body = page + b" \xc3\xa9\xe9"
    assert decode(kind, charset, body).endswith((b" \xc3\xa9\xe9").decode(encoding, "replace"))


@pytest.mark.parametrize("kind", ["application/xml", "text/xml", "application/atom+xml", "text/plain", ""])
def test_the_encoding_of_an_xml_declaration_is_used(kind: str) -> None:
    for encoding in ("koi8-r", "windows-1251", "utf-16"):
        body = f'<?xml version="1.0" encoding="{encoding}"?><a>я</a>'.encode(encoding)
        assert decode(kind, "", body).endswith("<a>я</a>")
    wide = '<?xml version="1.0"?><a>я</a>'.encode("utf-16-le")
    assert decode(kind, "", wide).endswith("<a>я</a>")


def test_a_byte_order_mark_overrides_all_other_declarations() -> None:
    assert decode("text/html", "iso-8859-1", b"\xef\xbb\xbf<meta charset=koi8-r>\xd1\x8f").endswith(">я")
    assert decode("text/html", "utf-8", b"\xfe\xff\x04\x4f") == "я"


@pytest.mark.parametrize(
    ("body", "binary"),
    [
        (b"", False),
        ("é".encode("latin-1"), False),
        ("<html>é".encode("latin-1"), False),
        ("я".encode("utf-16"), False),
        (b"a\0b", True),
        (b"%PDF-1.7 \xe9", True),
        (b"GIF89a \xe9", True),
        (b"\x89PNG\r\n\x1a\n\xe9", True),
        (b"\x1f\x8b\x08\xff", True),
    ],
)
def test_a_body_without_a_type_is_inspected(body: bytes, binary: bool) -> None:
    assert is_binary("", "", body) is binary


@pytest.mark.parametrize(
    ("charset", "body", "lost"),
    [
        ("utf-8", b"a\xff\xfe", 2),
        ("utf-8", "\ufffd".encode() + b"\xff", 1),
        ("utf-8", "\ufffd".encode(), 0),
        ("windows-1252", bytes(range(256)), 0),
        ("windows-1253", b"\xd2", 1),
        ("shift_jis", b"\x81", 1),
        ("", "naïve".encode("latin-1"), 0),
    ],
)
def test_undecodable_bytes_are_counted(charset: str, body: bytes, lost: int) -> None:
    assert read_text("text/plain", charset, body).lost == lost
