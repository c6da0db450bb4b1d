"""Values from pages: selectors, types, lists and entries, and the errors for invalid selectors."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drawer_ipy import DefinitionError, press
from drawer_ipy.scrape import read_extraction
from drawer_ipy.scrape.numbers import to_float, to_int
from drawer_ipy.scrape.page import ExtractError, extract

PAGE = """<!DOCTYPE html>
<html><head><title>Shop</title></head><body>
<h1> Carved  <b>cad</b>dy<br>of Izmir </h1>
<p class="price">
  <span>from</span> £1,234.50 <s>£1,300.00</s></p>
<p class="stock" data-left="3">Sold out</p>
<ul>
  <li class="item"><a href="a?b=1#c">One</a> <i>3 out of 5</i> <em>new</em></li>
  <li class="item"><a href="//other.example/x">Two</a></li>
  <li class="item">  </li>
</ul>
<div>first<div>second</div><!-- a remark -->third<script>var x = 1;</script></div>
<script type="application/ld+json">{"a": [1, 2.5]}</script>
<img src="/i.png" alt=""><a class="next" href="?page=2">next</a><a class="js" href="javascript:go()">go</a>
<a class="mail" href="mailto:a@b.example">mail</a><a class="odd" href="http://[">odd</a>
</body></html>"""
URL = "http://h.example/d/list?page=1"


def value(selector: str, page: str = PAGE, url: str = URL) -> Any:
    extraction, troubles = read_extraction({"it": selector})
    assert not troubles
    return extract(extraction, page, url)["it"]


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        # text
        ("css:title", "Shop"),
        ("css:h1", "Carved caddy of Izmir"),
        ("css:h1::text", "Carved"),
        ("css:h1::text[]", ["Carved", "dy", "of Izmir"]),
        ("css:h1 ::text[]", ["Carved", "cad", "dy", "of Izmir"]),
        ("css:h1|html", "<h1> Carved  <b>cad</b>dy<br>of Izmir </h1>"),
        ("css:h1::text|raw", " Carved  "),
        ("css:div", "first second third"),
        ("css:body > div::text[]", ["first", "third"]),
        ("css:price-less", None),
        ("css:price-less[]", []),
        ("css:.item[]", ["One 3 out of 5 new", "Two", ""]),
        ("  CSS: h1 b | text ", "cad"),
        # attributes
        ("css:a::attr(href)", "http://h.example/d/a?b=1#c"),
        ("css:a::attr(href)|raw", "a?b=1#c"),
        ("css:a::attr(href)|text", "a?b=1#c"),
        ("css:.item a::attr(href)[]", ["http://h.example/d/a?b=1#c", "http://other.example/x"]),
        ("css:a.next::attr(href)", "http://h.example/d/list?page=2"),
        ("css:a.js::attr(href)", "javascript:go()"),
        ("css:a.mail::attr(href)", "mailto:a@b.example"),
        ("css:a.odd::attr(href)", "http://["),
        ("css:img::attr(src)", "http://h.example/i.png"),
        ("css:img::attr(alt)", ""),
        ("css:img::attr(title)", None),
        ("css:.stock::attr(data-left)|int", 3),
        ("css:h1|url", "http://h.example/d/Carved caddy of Izmir"),
        # numbers
        ("css:.price::text|float", 1234.5),
        ("css:.price|float", 1234.5),
        ("css:.price|int", None),
        ("css:.price s::text|int", 1300),
        ("css:.item i::text|int", 3),
        ("css:.stock|float", None),
        ("css:.item i|int[]", [3]),
        # others
        ("css:script[type='application/ld+json']|json", {"a": [1, 2.5]}),
        ("css:script[type='application/ld+json']::text|json", {"a": [1, 2.5]}),
        ("css:h1|json", None),
        ("css:.item|exists", True),
        ("css:.nothing|exists", False),
        # XPath
        ("xpath://h1/b/text()", "cad"),
        ("xpath://a/@href", "http://h.example/d/a?b=1#c"),
        ("xpath://a[@class='next']/@href", "http://h.example/d/list?page=2"),
        ("xpath:count(//li)|int", 3),
        ("xpath:count(//li) > 2", "true"),
        ("xpath:string(//h1/b)", "cad"),
        ("xpath://h1/b | //i", "cad"),
        ("xpath://h1/b|//i[]", ["cad", "3 out of 5"]),
        ("xpath://i|int", 3),
        (r"xpath://*[re:test(@class, '^st\w+$')]", "Sold out"),
        ("xpath://*[has-class('stock')]", "Sold out"),
    ],
)
def test_a_selector_returns_the_value(selector: str, expected: Any) -> None:
    found = value(selector)
    assert found == expected
    assert type(found) is type(expected)


def test_extract_can_have_entries_lists_and_groups() -> None:
    extraction, troubles = read_extraction(
        {
            "title": "css:title!",
            "items": {
                "each": "css:li.item",
                "name": "css:a",
                "url": "xpath:.//a/@href",
                "stars": "css:i|int",
                "marks": "css:em[]",
                "inner": {"each": "css:em", "word": "xpath:./text()"},
            },
            "about": {"stock": "css:.stock", "left": "css:.stock::attr(data-left)|int"},
        }
    )
    assert not troubles
    assert extract(extraction, PAGE, URL) == {
        "title": "Shop",
        "items": [
            {
                "name": "One",
                "url": "http://h.example/d/a?b=1#c",
                "stars": 3,
                "marks": ["new"],
                "inner": [{"word": "new"}],
            },
            {"name": "Two", "url": "http://other.example/x", "stars": None, "marks": [], "inner": []},
            {"name": None, "url": None, "stars": None, "marks": [], "inner": []},
        ],
        "about": {"stock": "Sold out", "left": 3},
    }


def test_each_at_the_top_returns_a_list() -> None:
    extraction, _ = read_extraction({"each": "css:li.item", "name": "css:a"})
    assert extract(extraction, PAGE, URL) == [{"name": "One"}, {"name": "Two"}, {"name": None}]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"a": "css:h9!"}, "a (css:h9) not found in http://h.example/d/list?page=1"),
        ({"a": "css:h9[]!", "b": "css:.stock|int!"}, "a (css:h9), b (css:.stock) not found in"),
        ({"a": "css:.item i::text|int[]!"}, None),
        ({"a": "css:.item|int[]!"}, "a (css:.item) not found in"),  # the second one has no number
        ({"items": {"each": "css:li.item", "name": "css:a!"}}, "items[2].name (css:a) not found in"),
        ({"items": {"each": "css:td!", "name": "css:a"}}, "items (css:td) not found in"),
        ({"each": "css:td!", "name": "css:a"}, "each (css:td) not found in"),
        (dict.fromkeys("abcdefg", "css:h9!"), "e (css:h9) and 2 more not found in"),
    ],
    ids=repr,
)
def test_a_missing_required_field_is_reported(given: Any, message: str | None) -> None:
    extraction, troubles = read_extraction(given)
    assert not troubles
    if message is None:
        extract(extraction, PAGE, URL)
        return
    with pytest.raises(ExtractError) as caught:
        extract(extraction, PAGE, URL)
    assert message in str(caught.value)


def test_links_are_resolved_with_the_base_of_the_page() -> None:
    page = '<head><base href="/x/"></head><a href="y">a</a>'
    assert value("css:a::attr(href)", page) == "http://h.example/x/y"
    assert value("css:a::attr(href)", page, "") == "/x/y"


def test_xml_is_read_without_its_namespaces() -> None:
    feed = '<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><entry><title>A</title></entry></feed>'
    extraction, _ = read_extraction(
        {"each": "xpath://entry", "title": "xpath:title", "markup": "xpath:title|html"}
    )
    assert extract(extraction, feed, URL, xml=True) == [{"title": "A", "markup": "<title>A</title>"}]


@pytest.mark.parametrize("page", ["", " ", "plain text", "<", "\0<p>x", "\ud800<p>x</p>", "<p>" * 1000])
def test_empty_and_broken_pages_are_read(page: str) -> None:
    assert value("css:h1", page) is None
    assert value("css:h1[]", page) == []


@given(st.text(max_size=200))
def test_any_text_of_a_page_is_extracted(text: str) -> None:
    clean = "".join(c for c in text if c not in "<>&\0" and (c.isprintable() or c in "\n\t "))
    found = value("css:p", f"<p>{clean}</p>")
    assert found == " ".join(clean.split())
    json.dumps(found)


# Numbers


@pytest.mark.parametrize(
    ("text", "number", "whole"),
    [
        ("12", 12.0, 12),
        ("  8 ", 8.0, 8),
        ("+7", 7.0, 7),
        ("-5", -5.0, -5),
        ("1e3", 1000.0, 1000),
        ("00012", 12.0, 12),
        ("12.00", 12.0, 12),
        ("12.5", 12.5, None),
        (".5", 0.5, None),
        ("£.50", 0.5, None),
        # thousands and decimals
        ("£1,234.50", 1234.5, None),
        ("1.234,50 €", 1234.5, None),
        ("1,234", 1234.0, 1234),
        ("12,5", 12.5, None),
        ("1,2345", 1.2345, None),
        ("1.234", 1.234, 1234),
        ("1.234.567", 1234567.0, 1234567),
        ("1,234,567.89", 1234567.89, None),
        ("1.234.567,89", 1234567.89, None),
        ("1,23,456", 123456.0, 123456),
        ("1\u00a0234\u202f567", 1234567.0, 1234567),
        ("1 234,5", 1234.5, None),
        ("1'234.5", 1234.5, None),
        ("2 100", 2100.0, 2100),
        ("1,234.", 1234.0, 1234),
        # words and signs around it
        ("€ 5", 5.0, 5),
        ("5 kr.", 5.0, 5),
        ("−12 °C", -12.0, -12),
        ("- $5.00", -5.0, -5),
        ("$-5", -5.0, -5),
        ("(-5)", -5.0, -5),
        ("SKU-5", 5.0, 5),
        ("45%", 45.0, 45),
        ("3 out of 5", 3.0, 3),
        ("Page 3 of 12", 3.0, 3),
        ("10-20", 10.0, 10),
        ("5 12", 5.0, 5),
        ("1, 2, 3", 1.0, 1),
        ("٣٤٥", 345.0, 345),
        # no numbers
        ("", None, None),
        ("Sold out", None, None),
        ("1.2.3", None, None),
        ("2024.05.06", None, None),
        ("1,2.5", None, None),
        ("nan", None, None),
        ("inf", None, None),
        ("²", None, None),
        ("9" * 5000, None, None),
    ],
)
def test_numbers_in_common_formats_are_read(text: str, number: float | None, whole: int | None) -> None:
    assert (to_float(text), to_int(text)) == (number, whole)


@given(st.integers(-(10**12), 10**12), st.sampled_from([",", ".", "\u00a0", "'", ""]))
def test_whole_numbers_with_any_separator_are_read(number: int, separator: str) -> None:
    text = f"{number:,}".replace(",", separator)
    assert to_int(f"€ {text} each") == number


@given(st.decimals(-(10**9), 10**9, places=2), st.sampled_from([",.", ".,", "\u202f,", "'."]))
def test_prices_with_any_separators_are_read(price: Any, signs: str) -> None:
    text = f"{price:,.2f}".replace(",", "T").replace(".", signs[1]).replace("T", signs[0])
    assert to_float(f"{text} €") == float(price)


@given(st.text(max_size=30))
def test_any_text_is_read_as_a_number_or_null(text: str) -> None:
    number, whole = to_float(text), to_int(text)
    assert number is None or isinstance(number, float)
    assert whole is None or isinstance(whole, int)


# Errors for invalid selectors


def errors_of(extract_text: str, more: str = "") -> list[str]:
    """The errors, with line and column, for a button with this `extract`."""
    text = f'name: t\nbuttons:\n  get:\n    url: "http://h.example/{{{{p}}}}"\n    extract: {extract_text}\n'
    text += f"{more}steps:\n  - {{id: a, button: get, args: {{p: 1}}}}\n"
    with pytest.raises(DefinitionError) as caught:
        press(text, quiet=True)
    return [str(problem) for problem in caught.value.problems if problem.severity == "error"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            '{a: "css:h1[", b: "css:p"}',
            "line 5, column 26: invalid CSS selector: Expected ident or '*', got <EOF>",
        ),
        (
            '{a: "css: h1 > > p"}',
            "line 5, column 29: invalid CSS selector: Expected selector, got <DELIM '>'>",
        ),
        (
            '{a: "css:h1:nope"}',
            "line 5, column 23: invalid CSS selector: The pseudo-class :nope is unknown",
        ),
        (
            '{a: "xpath://a["}',
            "line 5, column 25: this XPath expression cannot be evaluated: Invalid expression",
        ),
        (
            '{a: "xpath:f(1)"}',
            "line 5, column 25: this XPath expression cannot be evaluated: Unregistered function",
        ),
        (
            '{a: "xpath:$v"}',
            "line 5, column 25: this XPath expression cannot be evaluated: Undefined variable",
        ),
        (
            '{a: "css:h1::text|flaot"}',
            "line 5, column 32: unknown type 'flaot' (did you mean 'float'? types are text, int, float, "
            "url, json, html, raw, exists)",
        ),
        (
            "{a: h1}",
            'line 5, column 18: a selector begins with css: or xpath: (write "css:h1" or "xpath:h1")',
        ),
        ('{a: "cs:h1"}', "line 5, column 18: a selector begins with css: or xpath: (did you mean 'css'?)"),
        ('{a: "css:"}', 'line 5, column 23: the selector is missing (such as "css:h1")'),
        ('{a: ["css:h1"]}', 'line 5, column 18: a list of values is written with `[]` (write "css:h1[]")'),
        ("{a: 3}", "field 'a' must be a selector or a mapping of fields, not a int"),
        ("{a: null}", "field 'a' must be a selector or a mapping of fields, not null"),
        ('{a: "css:h1|exists!"}', "|exists is true or false, so it cannot have [] or !"),
        ('{a: {each: "css:li::text", b: "css:b"}}', "`each` must select elements, not text or attributes"),
        ('{a: {each: "css:li[]", b: "css:b"}}', "`each` selects elements; it cannot have a type or []"),
        ('{a: {each: "css:li"}}', "there are no fields to extract"),
        ("{a: {}}", "there are no fields to extract"),
        ('"css:h1"', "`extract` is a mapping of names to selectors"),
    ],
)
def test_an_invalid_selector_is_reported_once_with_its_place(given: str, expected: str) -> None:
    problems = errors_of(given)
    assert len(problems) == 1
    assert expected in problems[0]


def test_all_problems_are_reported_at_once() -> None:
    assert len(errors_of('{a: "css:h1[", b: {each: "x", c: "xpath:("}, d: 1}')) == 4


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (
            "    follow: nxt\n",
            "`extract` has no field 'nxt' to follow (did you mean 'next'? it has next, all)",
        ),
        ("    follow: all\n", "field 'all' is not an address, so it cannot be followed"),
        ("    follow: css:a[\n", "line 6, column 19: invalid CSS selector"),
        (
            '    follow: "css:a::attr(href)[]"\n',
            "`follow` must be one address, without [] and without a type",
        ),
        (
            "    follow: next\n    method: POST\n",
            "`follow` by address needs a GET request, not POST",
        ),
        ("    save: a.html\n", "`extract` cannot be combined with `save`"),
        ("    follow: next\n    max_pages: -1\n", "max_pages cannot be -1"),
        ("    follow: next\n    max_pages: 2.5\n", "max_pages must be a whole number"),
        ("    follow: next\n    output: full\n", "`output: full` is for one response"),
    ],
)
def test_invalid_paging_is_reported_with_its_place(more: str, expected: str) -> None:
    problems = errors_of('{next: "css:a::attr(href)", all: "css:a[]"}', more)
    assert len(problems) == 1
    assert expected in problems[0]


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("extract: {a: 'css:h1['}, from: '1'", "line 3, column 52: step 'it': invalid CSS selector"),
        ("extract: {a: css:h1}", "`extract` in a step needs `from`"),
        ("extract: {a: css:h1}, from: x.output", "'x' is not an input, a step or a loop variable"),
        ("extract: {a: css:h1}, from: '1', expression: '1'", "`expression` or `extract`, not both"),
    ],
)
def test_an_invalid_transform_step_is_reported(step: str, expected: str) -> None:
    text = f"name: t\nsteps:\n  - {{id: it, kind: transform, {step}}}\n"
    with pytest.raises(DefinitionError) as caught:
        press(text, quiet=True)
    assert expected in str(caught.value)


def test_a_missing_parsel_is_reported_with_the_install_command(monkeypatch: pytest.MonkeyPatch) -> None:
    real = __import__("importlib.util").util.find_spec
    monkeypatch.setattr(
        "drawer_ipy.scrape.spec.importlib.util.find_spec",
        lambda name: None if name == "parsel" else real(name),
    )
    problems = errors_of('{a: "css:h1", b: 3}')
    assert problems == [
        "line 5, column 14: `extract` requires the package parsel "
        "(in your clone of drawer_ipy: pip install '.[scrape]')"
    ]
