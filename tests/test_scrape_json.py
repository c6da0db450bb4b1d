"""JSON in scripts and attributes of pages."""

from __future__ import annotations

import time
from typing import Any

import pytest

from drawer_ipy.common.notes import Note
from drawer_ipy.scrape import read_extraction
from drawer_ipy.scrape.page import extract


def value(script: str, notes: list[Note] | None = None, page: str = "") -> Any:
    extraction, _ = read_extraction({"it": 'css:script[type="application/ld+json"]|json'})
    page = page or f'<p>x</p><script type="application/ld+json">{script}</script>'
    return extract(extraction, page, "http://h.example/", notes=notes)["it"]


@pytest.mark.parametrize(
    "script",
    [
        '{"a": [1, "b"]}',
        '\n {"a": [1, "b"]} \n',
        '\ufeff{"a": [1, "b"]}',
        '{"a": [1, "b"]};',
        '{"a": [1, "b"]} ; \n',
        '<![CDATA[{"a": [1, "b"]}]]>',
        '//<![CDATA[\n{"a": [1, "b"]}\n//]]>',
        '// <![CDATA[\n{"a": [1, "b"]}\n// ]]>',
        '/*<![CDATA[*/{"a": [1, "b"]}/*]]>*/',
        '/* <![CDATA[ */ {"a": [1, "b"]}; /* ]]> */',
        '<!-- {"a": [1, "b"]} -->',
        '<!--\n{"a": [1, "b"]};\n//-->',
        '<!--//--><![CDATA[//><!--\n{"a": [1, "b"]}\n//--><!]]>',
        '{"a": [1, "b",]}',
        '{"a": [1, "b"],}',
        '/* data */ {"a": [1, "b"]} // end',
        '{"a": [1, /* x */ "b"]}',
        "{&quot;a&quot;: [1, &quot;b&quot;]}",
    ],
)
def test_json_is_found_among_comments_and_punctuation(script: str) -> None:
    notes: list[Note] = []
    assert value(script, notes) == {"a": [1, "b"]}
    assert notes == []


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ('{"a": "one\ntwo\ttab"}', {"a": "one\ntwo\ttab"}),
        ('{"a": "x"};{"b": 1}', [{"a": "x"}, {"b": 1}]),
        ('{"a": 1}\n{"b": 2}', [{"a": 1}, {"b": 2}]),
        ('{"a": 1},{"b": 2}', [{"a": 1}, {"b": 2}]),
        ('[{"a": 1}]', [{"a": 1}]),
        ('{"@graph": [{"a": 1}]}', {"@graph": [{"a": 1}]}),
        ('{"a": "http://x/y, // no comment, }"}', {"a": "http://x/y, // no comment, }"}),
        ('{"a": "http://x/y /* none */",}', {"a": "http://x/y /* none */"}),
        ('{"a": "]]> --> ;"};', {"a": "]]> --> ;"}),
        ('{"a": "&amp;quot;"}', {"a": "&amp;quot;"}),
        ('{"a": "\\ud83d\\ude00 \\ud83d"}', {"a": "\U0001f600 \ufffd"}),
        ('{"n": 12345678901234567890}', {"n": 12345678901234567890}),
    ],
)
def test_the_value_of_json_is_kept(script: str, expected: Any) -> None:
    assert value(script) == expected


@pytest.mark.parametrize(
    "script", ['{"a": ', '{"a": NaN}', "var x = 1", '{"a": "x}', "{'a': 1}", "[" * 100_000]
)
def test_invalid_json_is_null_with_a_note(script: str) -> None:
    notes: list[Note] = []
    assert value(script, notes) is None
    assert [note.text.startswith("it: invalid JSON there, so the value is null: ") for note in notes] == [
        True
    ]


def test_an_empty_script_is_null_without_a_note() -> None:
    notes: list[Note] = []
    assert value(" \n", notes) is None
    assert notes == []


def test_a_long_script_is_read_completely() -> None:
    assert len(value('{"a": "' + "x" * 11_000_000 + '"};')["a"]) == 11_000_000


def test_json_in_attributes_and_in_xhtml_is_read() -> None:
    extraction, _ = read_extraction({"it": "css:div::attr(data-x)|json"})
    page = '<div data-x="{&quot;a&quot;: &quot;b  c&quot;}"></div>'
    assert extract(extraction, page, "")["it"] == {"a": "b  c"}
    page = '<html xmlns="x"><script type="application/ld+json"><![CDATA[{"a": 1}]]></script></html>'
    assert value("", None, page) == {"a": 1}


@pytest.mark.parametrize(
    "script", ["/*" * 50_000, '"\\' * 50_000, '"' * 100_001, "<!--" * 30_000, "," * 100_000, '{"a":' * 5_000]
)
def test_hostile_scripts_are_abandoned_quickly(script: str) -> None:
    began = time.monotonic()
    value(script)
    assert time.monotonic() - began < 5
