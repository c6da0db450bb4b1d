"""Numbers by language, markup and sign; ambiguous ones cause one note per run."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from pages_rig import running

from drawer_ipy import DefinitionError, press
from drawer_ipy.common.notes import Note
from drawer_ipy.pressing.prepare import prepare
from drawer_ipy.pressing.surroundings import Surroundings
from drawer_ipy.scrape import read_extraction
from drawer_ipy.scrape.numbers import read_float, read_int, to_float, to_int
from drawer_ipy.scrape.page import extract
from drawer_ipy.scrape.spec import Manner, read_manner


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0,750 kg", 0.75),
        ("0.750", 0.75),
        ("00,750", 0.75),
        ("0,5", 0.5),
        ("-0,125", -0.125),
        ("1 234,567", 1234.567),
        ("1'234,567", 1234.567),
        ("1 299", 1299.0),
        ("1\u202f299,5", 1299.5),
        ("1.299,00", 1299.0),
        ("1,299.00", 1299.0),
        ("12,34,567", 1234567.0),
        ("1,00,000", 100000.0),
        ("१,२३,४५६", 123456.0),
        ("٣٫٥", 3.5),
        ("١٬٢٣٤٫٥", 1234.5),
        # signs
        ("–12,50 €", -12.5),
        ("−12.50", -12.5),
        ("‑5", -5.0),
        ("‒5", -5.0),
        ("－5", -5.0),
        ("– 5", -5.0),
        ("12.50-", -12.5),
        ("12.50- €", -12.5),
        ("(12.50)", -12.5),
        ("($1,234.00)", -1234.0),
        ("$(12.50)", -12.5),
        ("( 12,50 € )", -12.5),
        ("(€ 12)", -12.0),
        ("EUR (12.50)", -12.5),
        ("(12.50) EUR", -12.5),
        ("Preis – 12,50", 12.5),
        ("Widget - 2 litres", 2.0),
        ("10–20", 10.0),
        ("2019–2020", 2019.0),
        ("SKU-5", 5.0),
        ("a (12.50) b", 12.5),
        # no decimals
        ("€12,-", 12.0),
        ("12.-", 12.0),
        ("12,--", 12.0),
        ("Fr. 12.–", 12.0),
        ("1.299,-", 1299.0),
        ("1.198,- Kr", 1198.0),
        # cents
        ("12€50", 12.5),
        ("35€ 99", 35.99),
        ("12⁹⁹ €", 12.99),
        ("5€ 10€", 5.0),
        ("10²", None),
        # money without cents
        ("Rp 31.500", 31500.0),
        ("1.727 Ft", 1727.0),
        ("¥1,299", 1299.0),
        ("12.500 ₫", 12500.0),
        # exponents and fractions
        ("1.5e3", 1500.0),
        ("1.5e3 m", 1500.0),
        ("1.5 × 10³", None),
        ("2 x 10^6", None),
        ("½", 0.5),
        ("1½ cups", 1.5),
        ("2 ¼", 2.25),
        ("1 1/2", None),
        ("4/5", 4.0),
        # texts that only begin like a number
        ("2024-05-06", None),
        ("06/05/2024", None),
        ("1-2-2024", None),
        ("12:30", None),
        ("v1.2.3", None),
        ("192.168.0.1", None),
        ("+49 170 1234567", None),
        ("555-123-4567", None),
        ("1.23.456", None),
        ("1,23,456,789", None),
    ],
)
def test_a_number_is_read_from_text(text: str, number: float | None) -> None:
    assert to_float(text) == number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1e3", 1000),
        ("1.5e3", 1500),
        ("1.2345e3", None),
        ("1e30", 10**30),
        ("1.299", 1299),
        ("0,750", None),
        ("0.750", None),
        ("(1.234)", 1234),
        ("1½", None),
        ("12,-", 12),
        ("–5", -5),
        ("12⁹⁹", None),
    ],
)
def test_a_whole_number_is_read_from_text(text: str, number: int | None) -> None:
    assert to_int(text) == number


@pytest.mark.parametrize(
    ("text", "comma", "point"),
    [
        ("1.299", 1299.0, 1.299),
        ("1,299", 1.299, 1299.0),
        ("1.299,50", 1299.5, None),
        ("1,299.50", None, 1299.5),
        ("12,5", 12.5, None),
        ("12.5", None, 12.5),
        ("1 299,5", 1299.5, None),
        ("1'299.50", None, 1299.5),
        ("0,750", 0.75, None),
        ("1,00,000", None, 100000.0),
        ("1.234.567", 1234567.0, None),
        ("−1.299", -1299.0, -1.299),
        ("1299", 1299.0, 1299.0),
        ("12,-", 12.0, None),
        ("1,5e3", 1500.0, None),
    ],
)
def test_a_language_determines_the_decimal_sign(text: str, comma: float | None, point: float | None) -> None:
    assert (read_float(text, ",").value, read_float(text, ".").value) == (comma, point)
    assert read_float(text, ",").doubt == read_float(text, ".").doubt == ""


@pytest.mark.parametrize(
    ("locale", "expected"), [("de", 1299.5), ("fr", 1299.5), ("pt_BR", 1299.5), ("en", None)]
)
def test_a_language_is_given_by_its_name(locale: str, expected: float | None) -> None:
    extraction, troubles = read_extraction({"it": f"css:p|float:{locale}"})
    assert not troubles
    assert extract(extraction, "<p>1.299,50</p>", "")["it"] == expected


def test_a_region_can_change_the_signs() -> None:
    extraction, _ = read_extraction({"a": "css:p|float:de-CH!", "b": "css:p|int:de_ch[]"})
    assert extract(extraction, "<p>1'299.50</p>", "") == {"a": 1299.5, "b": [None]}


def test_the_decimal_key_applies_to_all_fields() -> None:
    manner, troubles = read_manner({}, ",")
    assert (manner, troubles) == (Manner({}, ","), [])
    extraction, _ = read_extraction({"a": "css:p|float", "b": "css:p|float:en", "c": "css:p|text"}, manner)
    assert extract(extraction, "<p>1.299</p>", "") == {"a": 1299.0, "b": 1.299, "c": "1.299"}
    assert read_manner({}, "de")[0].decimal == ","


@pytest.mark.parametrize(
    ("text", "whole", "doubt"),
    [
        ("1.299", False, "'1.299' may be 1.299 or 1299, and was read as 1.299"),
        ("€ 1.299 each", False, "'1.299' may be 1.299 or 1299"),
        ("12,500", False, "'12,500' may be 12.500 or 12500, and was read as 12500"),
        ("(128)", False, "(128), may be negative"),
        ("(1,234)", True, "(1,234), may be negative"),
        ("12\x0299", False, "the digits 12|99 are in several elements, so the number is null"),
        ("1.299", True, ""),
        ("0.750", False, ""),
        ("12.99", False, ""),
        ("1.299,00", False, ""),
        ("1.299.000", False, ""),
        ("12.3456", False, ""),
        ("(12.50)", False, ""),
        ("(12 reviews)", False, ""),
        ("Rp 31.500", False, ""),
        ("12.500 ₫", False, ""),
        ("1299", False, ""),
    ],
)
def test_an_ambiguous_number_causes_a_note(text: str, whole: bool, doubt: str) -> None:
    found = (read_int if whole else read_float)(text).doubt
    assert doubt in found
    assert bool(doubt) == bool(found)


@pytest.mark.parametrize(
    ("markup", "number"),
    [
        ("12<sup>99</sup>", 12.99),
        ("12<sup>99</sup> €", 12.99),
        ("<sup>$</sup>12<sup>99</sup>", 12.99),
        ("12 <sup>99</sup>", 12.99),
        ("12<sup>99 €</sup>", 12.99),
        ("1.234<sup>99</sup>", 1234.99),
        ("12<small>99</small>", 12.99),
        ("<b>12</b><sup>99</sup>", 12.99),
        ("<span>12<sup>99</sup></span>", 12.99),
        ("12,<sup>99</sup>", 12.99),
        ("12<sup>,99</sup>", 12.99),
        ("12<sup>.</sup><sup>99</sup>", 12.99),
        ("12<span>99</span>", None),
        ("<span>12</span><span>99</span>", None),
        ("12<sup>1</sup>", None),
        ("12.99<sup>1</sup>", None),
        ("12.99<sup>10</sup>", None),
        ("<sup>1</sup>2", None),
        ("5<sup>th</sup>", 5.0),
        ("m<sup>2</sup>", 2.0),
        ("1<wbr>299", 1299.0),
        ("1<!-- -->299", 1299.0),
        ("<span>1</span>,<span>299</span>.50", 1299.5),
        ("<div>12</div><div>99</div>", 12.0),
        ("12<br>99", 12.0),
        ("<b>12.99</b>", 12.99),
    ],
)
def test_digits_of_several_elements_are_not_joined(markup: str, number: float | None) -> None:
    extraction, _ = read_extraction({"it": "css:p|float", "text": "css:p"})
    notes: list[Note] = []
    page = f"<p>{markup}</p>" if "div" not in markup else f"<section><p></p>{markup}</section>"
    if "div" in markup:
        extraction, _ = read_extraction({"it": "css:section|float"})
    assert extract(extraction, page, "", notes=notes)["it"] == number


@pytest.mark.parametrize("piece", ["1", "1 ", "1,", "(", "- ", "+1", "1-", "1/", " "])
def test_long_texts_are_read_quickly(piece: str) -> None:
    text = piece * 20_000 + "1"
    began = time.monotonic()
    to_float(text)
    to_int(text)
    assert time.monotonic() - began < 1


def test_an_ambiguous_number_causes_one_note_per_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUTTONS_HOME", str(tmp_path))

    def run(**fields: Any) -> list[str]:
        with running() as site:
            for n in range(6):
                site.pages[f"/{n}"] = f"<ul><li>1.29{n}</li><li>2.29{n}</li></ul>"
            spec = {"url": f"{site.url}/{{{{n}}}}", "args": ["n"], **fields}
            step = {"id": "a", "button": "get", "args": {"n": "${n}"}}
            each = {"id": "each", "kind": "for_each", "over": list(range(6)), "as": "n", "steps": [step]}
            job = prepare({"name": "t", "buttons": {"get": spec}, "steps": [each]}, around=Surroundings())
            asyncio.run(job.run.execute())
            return job.run.notes

    notes = run(extract={"items": {"each": "css:li", "price": "xpath:.|float"}})
    assert len(notes) == 1
    assert notes[0].startswith("button 'get': items.price: '1.29")
    assert "`float:en` or `float:de`" in notes[0]
    assert run(extract={"items": {"each": "css:li", "price": "xpath:.|float:de"}}) == []
    assert run(extract={"items": {"each": "css:li", "price": "xpath:.|float"}}, decimal=".") == []


def test_an_ambiguous_number_in_a_transform_step_causes_a_note() -> None:
    step = {"id": "it", "kind": "transform", "from": "'<p>1.299</p>'", "extract": {"a": "css:p|float"}}
    job = prepare({"name": "t", "steps": [step]}, around=Surroundings())
    asyncio.run(job.run.execute())
    assert len(job.run.notes) == 1
    assert job.run.notes[0].startswith("step 'it': a: '1.299' may be")
    job = prepare({"name": "t", "steps": [{**step, "decimal": ","}]}, around=Surroundings())
    record = asyncio.run(job.run.execute())
    assert (record.steps[0].output, job.run.notes) == ({"a": 1299.0}, [])


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ('extract: {a: "css:p|float:xx"}', "line 5, column 31: unknown language 'xx'"),
        ('extract: {a: "css:p|text:de"}', "only int and float can have a language, not 'text'"),
        ('extract: {a: "css:p|float"}\n    decimal: ";"', "';' is not a decimal sign"),
    ],
)
def test_an_unknown_language_is_reported(fields: str, expected: str) -> None:
    text = f'name: t\nbuttons:\n  get:\n    url: "http://h.example/"\n    {fields}\n'
    text += "steps: [{id: a, button: get}]\n"
    with pytest.raises(DefinitionError) as caught:
        press(text, quiet=True)
    assert expected in str(caught.value)
