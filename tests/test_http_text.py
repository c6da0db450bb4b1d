"""The encoding in which a body is read: the declared one, or else a guess from its bytes."""

from __future__ import annotations

import codecs
import importlib

import pytest

from drawer_ipy.buttons.http.body_types import decode

JAPANESE = "これは日本語の文章です。文字コードの判定がうまく働くかどうかを確かめるために書いています。"
CHINESE = "这是一段中文文字,用来检查编码识别是否正确。今天天气很好,我们去公园散步,看到了很多花。"
KOREAN = "이것은 한국어 문장입니다. 문자 인코딩을 올바르게 인식하는지 확인하기 위한 글입니다."
RUSSIAN = "Это русский текст, который нужен, чтобы проверить определение кодировки."
GREEK = "Αυτό είναι ένα ελληνικό κείμενο για τον έλεγχο της κωδικοποίησης."
HEBREW = "זהו טקסט בעברית לבדיקת זיהוי הקידוד. היום מזג האוויר נעים ויצאנו לטייל בפארק."
CZECH = "Příliš žluťoučký kůň úpěl ďábelské ódy. Ševčík šel večer do města, aby si koupil nové boty."
FRENCH = "Ce n’est pas la première fois que les élèves préfèrent passer l’été au bord de la mer."
GERMAN = "Übergrößenträger fahren über Köln nach Düsseldorf, wo schöne Bücher ausgestellt sind."
PAGE = '<html><head><title>{0}</title></head><body class="a">{0}<a href="/x">{0}</a></body></html>'


@pytest.mark.parametrize("page", ["{0}", PAGE, PAGE * 400], ids=["text", "page", "long page"])
@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (JAPANESE, "shift_jis"),
        (JAPANESE, "euc_jp"),
        (CHINESE, "gbk"),
        (KOREAN, "euc_kr"),
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "koi8_r"),
        (GREEK, "cp1253"),
        (HEBREW, "cp1255"),
        (CZECH, "cp1250"),
        (FRENCH, "cp1252"),
        (GERMAN, "latin-1"),
    ],
)
def test_an_undeclared_encoding_is_detected(text: str, encoding: str, page: str) -> None:
    text = page.format(text)
    assert decode("text/html", "", text.encode(encoding)) == text
    assert decode("text/plain", "", text.encode(encoding)) == text


@pytest.mark.parametrize("text", ["é", "naïve", "¥ 5", "© 2024", "Zoë", "São Paulo", "", "plain"])
def test_short_undeclared_text_is_read_as_windows_1252(text: str) -> None:
    assert decode("text/html", "", text.encode("cp1252")) == text


@pytest.mark.parametrize(
    ("kind", "charset", "body", "text"),
    [
        ("text/html", "", RUSSIAN.encode(), RUSSIAN),
        ("text/html", "cp1252", "naïve €".encode("cp1252"), "naïve €"),
        ("text/html", "utf-8", "é".encode("latin-1"), "�"),
        ("text/html", "no-such", RUSSIAN.encode(), RUSSIAN),
        ("text/html", "utf-8", codecs.BOM_UTF16_LE + "я".encode("utf-16-le"), "я"),
        ("text/html", "", b'<meta charset="utf-16">\xd1\x8f', '<meta charset="utf-16">я'),
        ("application/xml", "", '<?xml version="1.0" encoding="koi8-r"?>я'.encode("koi8-r"), None),
        ("application/json", "", b'"\xe9"', '"�"'),  # JSON is UTF-8, so nothing is guessed
    ],
)
def test_a_declared_encoding_takes_precedence(kind: str, charset: str, body: bytes, text: str | None) -> None:
    found = decode(kind, charset, body)
    assert found == text if text is not None else found.endswith("я")


def test_without_the_optional_library_the_fallback_is_windows_1252(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", absent)
    assert decode("text/html", "", "Déjà vu".encode("cp1252")) == "Déjà vu"
