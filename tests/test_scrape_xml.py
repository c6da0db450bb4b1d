"""Selectors on XML: exact names, namespaces, and the detection of XML with any content type."""

from __future__ import annotations

import asyncio
import gzip
import time
from typing import Any

import pytest
from http_rig import RawServer, answer_of, button, one_run, press, raw_server

from drawer_ipy import DefinitionError
from drawer_ipy import press as press_drawer
from drawer_ipy.buttons import Outcome
from drawer_ipy.common.notes import Note
from drawer_ipy.scrape import read_extraction
from drawer_ipy.scrape.page import ExtractError, extract
from drawer_ipy.scrape.sniff import is_xml
from drawer_ipy.scrape.spec import Manner

RSS = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:itunes="http://itunes" xmlns:media="http://media" xmlns:content="http://content">
<channel><title>Feed</title><itunes:title>Pod</itunes:title><isoCode>de</isoCode>
<item Attr="x"><itunes:title>First (pod)</itunes:title><title>First</title><pubDate>Mon</pubDate>
  <guid isPermaLink="false">1</guid><media:thumbnail url="/t.png" media:kind="k"/></item>
<item><title>Second</title><pubDate>Tue</pubDate>
  <dc:creator xmlns:dc="http://dc">Ann</dc:creator></item>
</channel></rss>"""

ATOM = """<?xml version="1.0"?>
<feed xmlns="http://www.w3.org/2005/Atom" xmlns:thr="http://thr" xml:lang="en">
<title>Blog</title>
<entry><title type="html">One</title><link href="/1" rel="alternate"/><thr:total>3</thr:total></entry>
<entry><title>Two</title><link href="/2"/></entry></feed>"""

URL = "http://h.example/feed"


def value(selector: str, page: str = RSS, namespaces: Any = None, xml: bool = True) -> Any:
    extraction, troubles = read_extraction({"it": selector}, Manner(namespaces or {}))
    assert not troubles, troubles
    return extract(extraction, page, URL, xml=xml)["it"]


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("css:pubDate[]", ["Mon", "Tue"]),
        ("css:isoCode", "de"),
        ("css:item::attr(Attr)", "x"),
        ("css:item[Attr=x] title", "First"),
        ("css:guid::attr(isPermaLink)", "false"),
        ("css:title[]", ["Feed", "First", "Second"]),
        ("css:itunes|title[]", ["Pod", "First (pod)"]),
        ("css:itunes|title::text", "Pod"),
        ("css:*|title[]", ["Feed", "Pod", "First (pod)", "First", "Second"]),
        ("css:itunes|*[]", ["Pod", "First (pod)"]),
        ("css:channel > title", "Feed"),
        ("css:item:nth-of-type(2) > pubDate", "Tue"),
        ("css:item:not(:has(media|thumbnail)) title", "Second"),
        ("css:dc|creator", "Ann"),
        ("css:media|thumbnail::attr(url)", "/t.png"),
        ("css:media|thumbnail::attr(media:kind)", "k"),
        ("css:media|thumbnail::attr(media|kind)", "k"),
        ("css:[media|kind]::attr(url)", "/t.png"),
        ("css:pubdate", None),
        ("xpath://itunes:title[]", ["Pod", "First (pod)"]),
        ("xpath://title[]", ["Feed", "First", "Second"]),
        ("xpath://*:title[]", ["Feed", "Pod", "First (pod)", "First", "Second"]),
        ("xpath:count(//item) * 2|int", 4),
        ("xpath://media:thumbnail/@media:kind", "k"),
        ("xpath://item[re:test(title, '^S')]/pubDate", "Tue"),
        ("xpath://item[title = 'Second' and pubDate]/title", "Second"),
        ("xpath://dc:creator | //isoCode", "de"),
    ],
)
def test_selectors_match_exact_names_in_a_feed(selector: str, expected: Any) -> None:
    assert value(selector) == expected


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("css:entry > title[]", ["One", "Two"]),
        ("css:title", "Blog"),
        ("css:entry:nth-of-type(2) title", "Two"),
        ("css:entry:first-child", None),
        ("css:link::attr(href)[]", ["http://h.example/1", "http://h.example/2"]),
        ("css:thr|total|int", 3),
        ("css:feed::attr(xml:lang)", "en"),
        ("css:a|entry a|title", "One"),
        ("xpath://entry[2]/title", "Two"),
        ("xpath://entry[title='Two']/link/@href", "http://h.example/2"),
        ("xpath:/feed/entry/title[@type='html']", "One"),
        ("xpath://a:entry/a:title[]", ["One", "Two"]),
        ("xpath:name(//entry[1])", "entry"),
        ("xpath://entry/title|html", '<title type="html">One</title>'),
        ("css:thr|total|html", "<thr:total>3</thr:total>"),
    ],
)
def test_selectors_match_names_in_a_default_namespace(selector: str, expected: Any) -> None:
    assert value(selector, ATOM, {"a": "http://www.w3.org/2005/Atom"}) == expected


def test_entries_of_a_feed_are_extracted() -> None:
    given = {"each": "css:entry", "title": "css:title", "url": "xpath:link/@href", "n": "xpath:thr:total|int"}
    extraction, _ = read_extraction(given)
    assert extract(extraction, ATOM, URL, xml=True) == [
        {"title": "One", "url": "http://h.example/1", "n": 3},
        {"title": "Two", "url": "http://h.example/2", "n": None},
    ]


def test_a_prefix_with_two_namespaces_matches_both() -> None:
    page = '<r><a xmlns:x="http://1"><x:t>1</x:t></a><b xmlns:x="http://2"><x:t>2</x:t></b><t>3</t></r>'
    assert value("css:x|t[]", page) == ["1", "2"]
    assert value("xpath://x:*[]", page) == ["1", "2"]
    assert value("css:x|t[]", page, {"x": "http://2"}) == ["2"]
    assert value("css:t[]", page) == ["3"]


def test_two_prefixes_of_one_namespace_are_equivalent() -> None:
    page = '<r xmlns:x="http://1" xmlns:y="http://1"><x:t>1</x:t><y:t>2</y:t></r>'
    assert value("css:x|t[]", page) == value("css:y|t[]", page) == ["1", "2"]


def test_a_nested_default_namespace_applies_to_its_elements() -> None:
    page = '<r><t>1</t><s xmlns="http://2"><t>2</t></s></r>'
    assert value("css:t[]", page) == ["1", "2"]
    assert value("css:two|t[]", page, {"two": "http://2"}) == ["2"]


def test_a_page_may_use_the_prefix_of_a_function() -> None:
    page = '<r xmlns:re="http://1"><re:t>abc</re:t></r>'
    assert value("xpath://re:t[re:test(., 'b')]", page) == "abc"


def test_one_definition_works_for_pages_with_different_namespaces() -> None:
    extraction, _ = read_extraction({"t": "css:x|t", "u": "css:u"})
    for uri in ("http://1", "http://2", "http://1"):
        page = f'<r xmlns:x="{uri}" xmlns="{uri}"><x:t>a</x:t><u>b</u></r>'
        assert extract(extraction, page, URL, xml=True) == {"t": "a", "u": "b"}
    assert extract(extraction, '<r xmlns:x="http://3"><x:t>a</x:t><u>b</u></r>', URL, xml=True)["u"] == "b"


def test_an_undeclared_prefix_is_reported_with_the_known_prefixes() -> None:
    with pytest.raises(ExtractError) as caught:
        value("css:ituns|title")
    assert "declares no namespace prefix 'ituns'; it has itunes, media, content, dc" in str(caught.value)
    assert "did you mean 'itunes'?" in str(caught.value)
    assert value("css:ituns|title", RSS, {"ituns": "http://elsewhere"}) is None


HTML = """<html><body><o:p>Word</o:p><svg viewBox="0 0 1 1"><linearGradient id="g"/><svg:rect x="1"/></svg>
<a xlink:href="/x">a</a></body></html>"""


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("css:o|p", "Word"),
        ("xpath://o:p", "Word"),
        ("css:svg::attr(viewBox)", "0 0 1 1"),
        ("css:linearGradient::attr(id)", "g"),
        ("css:svg|rect::attr(x)", "1"),
        ("css:a::attr(xlink:href)|text", "/x"),
        ("css:BODY A", "a"),
    ],
)
def test_in_html_a_prefix_is_part_of_the_name(selector: str, expected: Any) -> None:
    assert value(selector, HTML, xml=False) == expected


# Invalid selectors and namespaces


def errors_of(button_fields: str) -> list[str]:
    text = f'name: t\nbuttons:\n  get:\n    url: "http://h.example/"\n{button_fields}'
    text += "steps:\n  - {id: a, button: get}\n"
    with pytest.raises(DefinitionError) as caught:
        press_drawer(text, quiet=True)
    return [str(problem) for problem in caught.value.problems if problem.severity == "error"]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ('    extract: {a: "css:h1|flaot"}\n', "unknown type 'flaot' (did you mean 'float'?"),
        ('    extract: {a: "css:.price|txet"}\n', "unknown type 'txet'"),
        ('    extract: {a: "css:h1|title"}\n', "unknown type 'title'"),
        (
            '    namespaces: {itunes: "http://i"}\n    extract: {a: "css:ituns|title"}\n',
            "line 6, column 18: `namespaces` has no prefix 'ituns' (did you mean 'itunes'?)",
        ),
        (
            '    namespaces: {"1": "http://i"}\n    extract: {a: css:b}\n',
            "line 5, column 23: '1' is not a prefix",
        ),
        ('    namespaces: {i: ""}\n    extract: {a: css:b}\n', "the prefix 'i' needs a namespace"),
        ("    namespaces: [a]\n    extract: {a: css:b}\n", "namespaces"),
        ('    extract: {a: "xpath://foo:bar()"}\n', "this XPath expression cannot be evaluated"),
    ],
)
def test_invalid_selectors_and_namespaces_are_reported_before_a_run(fields: str, expected: str) -> None:
    problems = errors_of(fields)
    assert len(problems) == 1
    assert expected in problems[0]


@pytest.mark.parametrize("selector", ["css:geo|lat", "css:georss|point", "css:it|explicit", "css:a > x|b"])
def test_names_similar_to_types_are_not_misspelt_types(selector: str) -> None:
    assert not read_extraction({"a": selector})[1]


def test_a_transform_step_accepts_namespaces() -> None:
    step = {"id": "it", "kind": "transform", "from": repr(ATOM), "extract": {"t": "css:z|title"}}
    step["namespaces"] = {"z": "http://www.w3.org/2005/Atom"}
    assert press_drawer({"name": "t", "steps": [step]}, quiet=True).run.steps[0].output == {"t": "Blog"}


# XML under other types, and compressed


def pressed(body: bytes, content_type: str = "", **fields: Any) -> Outcome:
    async def answer(server: RawServer, path: str, writer: asyncio.StreamWriter) -> None:
        writer.write(answer_of(body, **({"Content_Type": content_type} if content_type else {})))

    async def run() -> Outcome:
        async with raw_server(answer) as server, one_run() as call:
            return await press(button(f"{server.url}/feed.xml.gz", **fields), call)

    return asyncio.run(run())


TYPES = [
    "text/html",
    "text/plain",
    "",
    "application/octet-stream",
    "text/xml",
    "application/rss+xml; charset=utf-8",
]


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("begin", ["", "\ufeff", "\r\n  ", "<!-- a feed -->\n"])
def test_a_feed_is_read_as_xml_whatever_its_type(begin: str, kind: str) -> None:
    feed = RSS if begin in ("", "\ufeff") else RSS.partition("?>\n")[2]
    outcome = pressed(f"{begin}{feed}".encode(), kind, extract={"d": "css:pubDate[]"})
    assert outcome.output == {"d": ["Mon", "Tue"]}, outcome.error


@pytest.mark.parametrize(
    "page",
    [
        '<?xml version="1.0"?><!DOCTYPE html PUBLIC "-//W3C//DTD" "x"><html><body><br/><p>a</p>',
        '<?xml version="1.0"?>\n<!-- x --><html xmlns="http://www.w3.org/1999/xhtml"><body><p>a&nbsp;</p></html>',
        "<!DOCTYPE html><title>x</title><p>a",
        "<p>a",
    ],
)
@pytest.mark.parametrize("kind", ["text/html", "application/xhtml+xml", ""])
def test_html_is_read_as_html_whatever_its_type(page: str, kind: str) -> None:
    assert pressed(page.encode(), kind, extract={"p": "css:P"}).output == {"p": "a"}
    assert not is_xml(kind, page)


@pytest.mark.parametrize(
    "kind", ["application/gzip", "application/x-gzip", "application/octet-stream", "text/xml", ""]
)
def test_a_compressed_page_is_decompressed(kind: str) -> None:
    body = gzip.compress(RSS.encode())
    assert pressed(body, kind, extract={"t": "css:itunes|title"}).output == {"t": "Pod"}
    if kind != "text/xml":
        assert pressed(body, kind).output == body  # without `extract` the output is the archive itself


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (gzip.compress(b"<r>" + b"x" * 500_000)[:-10], "is a damaged gzip file"),
        (gzip.compress(b"<r>" + b"x" * 50_000_000), "has more than 1,000,000 bytes after decompression"),
        (gzip.compress(b"\0\1\2"), "is not a page; its type is unknown"),
        (b"\x89PNG\r\n\x1a\n", "is not a page"),
    ],
    ids=["cut off", "too large", "binary", "no gzip"],
)
def test_pages_that_cannot_be_decompressed_are_reported(body: bytes, message: str) -> None:
    outcome = pressed(body, "application/gzip", extract={"t": "css:r"}, max_response_bytes=1_000_000)
    assert outcome.error is not None
    assert message in outcome.error.message


def test_a_transform_step_reads_compressed_and_mistyped_pages() -> None:
    page = {
        "bytes": gzip.compress(RSS.encode("utf-16")),
        "url": URL,
        "headers": {"content-type": "text/plain"},
    }
    step = {"id": "it", "kind": "transform", "from": "inputs.page", "extract": {"t": "css:itunes|title"}}
    drawer = {"name": "t", "inputs": ["page"], "steps": [step]}
    for given in (page, page["bytes"], {"text": RSS}, RSS, "<!-- x -->" + RSS.partition("?>")[2]):
        assert press_drawer(drawer, {"page": given}, quiet=True).run.steps[0].output == {"t": "Pod"}


# Texts that a parser might lose


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("<r><t>caf&eacute;&nbsp;x &amp; y</t></r>", "café x & y"),
        ("<r><t>AT&T &unknown; &#233;&#xe9;</t></r>", "AT&T &unknown; éé"),
        ("<r><t><![CDATA[a &nbsp; b & c]]></t></r>", "a &nbsp; b & c"),
        ('<!DOCTYPE r [<!ENTITY co "Acme">]><r><t>&co; Ltd</t></r>', "Acme Ltd"),
        ("<r><t>&lt;b&gt;</t></r>", "<b>"),
    ],
)
def test_entities_become_their_characters(page: str, expected: str) -> None:
    assert value("css:t", page) == expected


@pytest.mark.parametrize("xml", [True, False])
def test_declared_entities_cannot_expand_to_gigabytes(xml: bool) -> None:
    lines = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 12))
    page = f'<!DOCTYPE r [<!ENTITY l0 "lol">{lines}]><r a="&l11;"><t>&l11;</t></r>'
    assert len(str(value("css:t", page, xml=xml))) < 10_000_000


@pytest.mark.parametrize("xml", [True, False])
def test_nesting_too_deep_for_the_parser_causes_a_note(xml: bool) -> None:
    extraction, _ = read_extraction({"p": "css:q[]"})
    for depth, lost in ((1000, False), (5000, True)):
        notes: list[Note] = []
        page = f"<r><q>before</q>{'<div>' * depth}<q>deep</q>{'</div>' * depth}</r>"
        found = extract(extraction, page, URL, xml=xml, notes=notes)
        assert found["p"] == (["before"] if lost else ["before", "deep"])
        assert [note.text.startswith(f"{URL}: elements are nested too deeply") for note in notes] == [
            True
        ] * lost


def test_a_long_text_is_extracted_completely() -> None:
    text = "x" * 11_000_000
    assert value("css:t", f"<r><t>{text}</t></r>") == text
    assert value("css:p", f"<p>{text}</p>", xml=False) == text


def test_broken_xml_causes_a_note() -> None:
    extraction, _ = read_extraction({"t": "css:t[]"})
    notes: list[Note] = []
    assert extract(extraction, "<r><t>1</t><t>2</t", URL, xml=True, notes=notes)["t"] == ["1", "2"]
    assert len(notes) == 1
    assert notes[0].text.startswith(f"{URL}: the XML is broken in line 1")


@pytest.mark.parametrize("piece", ["<![CDATA[", "<!--", "<?x", "&", "&abc", "&#", "<a b='"])
def test_unclosed_xml_is_read_quickly(piece: str) -> None:
    began = time.monotonic()
    value("css:t", "<r>&x" + piece * 50_000)
    assert time.monotonic() - began < 5
