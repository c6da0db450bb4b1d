"""The timeline: every item is in it, its size is bounded, and nothing in it acts."""

from __future__ import annotations

import asyncio
import itertools
import random
import re
import xml.etree.ElementTree as ET
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from engine_rig import loop
from hypothesis import given, settings
from hypothesis import strategies as st

from drawer_ipy import press
from drawer_ipy.errors import ErrorInfo
from drawer_ipy.pictures.spans import EXAMINED, Span, Track, load_of, pack, thin, tracks_of
from drawer_ipy.pictures.timeline import _tick_size, _ticks, timeline_svg
from drawer_ipy.record.loop import CANCELLED, FAILED, OK, RUNNING, LoopOutput, LoopRecord
from drawer_ipy.record.run import RunRecord
from drawer_ipy.record.step import StepResult

NS = "{http://www.w3.org/2000/svg}"
DRAWN = {"#009e73": OK, "#2f97d6": RUNNING, "#b9588f": CANCELLED, "#d55e00": FAILED}


def run_of(
    spans: Sequence[tuple[float, float, int]], items: Sequence[Any] | None = None, **fields: Any
) -> RunRecord:
    """A finished run of one loop whose items ran at the given times and ended so."""
    record = LoopRecord(("each",), "x", items or range(len(spans)), ["work"], 4)
    began = record.began
    for index, (begin, end, state) in enumerate(spans):
        record.move(index, RUNNING)
        record.started[index], record.finished[index] = begin, 0.0 if state == RUNNING else end
        if state != RUNNING:
            record.move(index, state)
            record.finished[index] = end
        if state == FAILED:
            bad = StepResult("work", status="error", error=ErrorInfo("SCRIPT_ERROR", "no"))
            record.columns[0].put(index, bad)
    last = max((end for _, end, _ in spans), default=1.0)
    record.ended = record.epoch + last
    step = StepResult("each", status="ok", started=began, finished=began + last, output=LoopOutput(record))
    return RunRecord("0" * 16, "d", "ok", began, began + last, steps=[step], **fields)


def random_run(n: int, lanes: int, odd: float, seed: int = 0) -> RunRecord:
    rng = random.Random(seed)
    clocks = [0.001] * lanes
    spans = []
    for _ in range(n):
        lane = min(range(lanes), key=clocks.__getitem__) if lanes < 20 else rng.randrange(lanes)
        took = rng.expovariate(10)
        state = rng.choice((FAILED, CANCELLED)) if rng.random() < odd else OK
        spans.append((clocks[lane], clocks[lane] + took, state))
        clocks[lane] += took
    return run_of(spans)


def drawn(svg: str) -> dict[int, list[ET.Element]]:
    """Bars by state, without those of the legend."""
    out: dict[int, list[ET.Element]] = {}
    for group in ET.fromstring(svg).iter(f"{NS}g"):
        if group.get("class") == "s":
            bars = [path for path in group if path.find(f"{NS}title") is not None]
            out[DRAWN[group.get("fill", "")]] = bars
    return {state: bars for state, bars in out.items() if bars}


def titles(svg: str) -> list[str]:
    return [title.text or "" for title in ET.fromstring(svg).iter(f"{NS}title")]


def test_a_real_run_has_a_bar_for_each_item_that_ran() -> None:
    async def work(x: int) -> int:
        await asyncio.sleep(0.01)
        if x == 3:
            raise ValueError("no")
        return x

    results = loop(list(range(12)), work, parallelism=4, on_item_failure="continue")
    bars = drawn(results.timeline().svg)
    assert len(bars[OK]) == 11
    assert len(bars[FAILED]) == 1
    told = [t for t in titles(results.timeline().svg) if t.startswith("3 · failed")]
    assert len(told) == 1
    assert "work: FUNCTION_ERROR" in told[0]
    heights = {re.match(r"M\S+ (\S+?)h", b.get("d", "")).group(1) for b in bars[OK]}  # type: ignore[union-attr]
    assert len(heights) <= 4, "no more lanes than ran at once"


def test_nested_loops_and_plain_steps_have_rows_of_their_own() -> None:
    drawer = {
        "name": "d",
        "steps": [
            {"id": "first", "kind": "wait", "duration": "1ms"},
            {
                "id": "outer",
                "kind": "for_each",
                "over": [1, 2, 3],
                "as": "x",
                "steps": [
                    {
                        "id": "inner",
                        "kind": "for_each",
                        "over": [1, 2],
                        "as": "y",
                        "steps": [{"id": "w", "kind": "wait", "duration": "1ms"}],
                    }
                ],
            },
        ],
    }
    svg = press(drawer, quiet=True).timeline().svg
    words = [text.text for text in ET.fromstring(svg).iter(f"{NS}text")]
    assert [w for w in words if w in ("first", "outer", "↳ inner")] == ["first", "outer", "↳ inner"]
    assert "6 items" in words
    assert "in 3 loops" in words
    assert len(drawn(svg)[OK]) == 1 + 3 + 6
    assert any(title.startswith("2.1 · ok") for title in titles(svg)), "inner items are named by both places"


@pytest.mark.parametrize("odd", [0.0, 0.002, 0.5])
@pytest.mark.parametrize(("n", "lanes"), [(10_000, 8), (10_000, 40), (10_000, 300), (1_000, 1), (499, 60)])
def test_it_is_small_however_many_items(n: int, lanes: int, odd: float) -> None:
    record = random_run(n, lanes, odd)
    svg = timeline_svg(record)
    assert len(svg.encode()) < 60_000
    bars = drawn(svg)
    output = record.steps[0].output
    assert isinstance(output, LoopOutput)
    if output.record.counts[FAILED]:
        assert FAILED in drawn(svg) or '<path d="M' in svg
    assert sum(map(len, bars.values())) <= 700


def test_a_single_failure_among_ten_thousand_is_drawn() -> None:
    spans = [(k * 0.001, k * 0.001 + 0.0009, FAILED if k == 7_000 else OK) for k in range(1, 10_001)]
    bars = drawn(timeline_svg(run_of(spans)))
    assert len(bars[FAILED]) == 1
    title = bars[FAILED][0].find(f"{NS}title")
    assert title is not None
    assert "6999" in (title.text or "") or "7000" in (title.text or "")


def test_of_very_many_items_few_are_looked_at_and_every_failure() -> None:
    n = 300_000
    record = LoopRecord(("each",), "x", range(n), ["work"], 100)
    record.states[:] = bytes([OK]) * n
    record.states[5] = record.states[77_777] = FAILED
    record.counts[:] = [0, 0, n - 2, 2, 0, 0, 0]
    record.started[:] = array("d", (1 + k * 1e-5 for k in range(n)))
    record.finished[:] = array("d", (1.001 + k * 1e-5 for k in range(n)))
    record.ended = record.epoch + 5
    step = StepResult("each", status="ok", started=record.began, output=LoopOutput(record))
    step.finished = record.began + 5
    run = RunRecord("0", "d", "ok", record.began, record.began + 5, steps=[step])
    (track,) = tracks_of(run)
    assert len(track.spans) <= EXAMINED + 2
    assert sum(span.count for span in track.spans) == pytest.approx(n, rel=0.01)
    assert sorted(span.names[0] for span in track.spans if span.state == FAILED) == ["5", "77777"]
    svg = timeline_svg(run)
    assert len(svg) < 60_000
    assert "299,998 ok" in svg
    assert "2 failed" in svg


HOSTILE = ["</title><script>alert(1)</script>", "\x00\x1b[31m\ud800", '"><img onerror=x>', "\u202eabc", "a&b"]


def test_hostile_names_and_items_are_text() -> None:
    record = run_of([(0.1, 0.2, OK), *[(0.2, 0.3, FAILED)] * 4], HOSTILE)
    record.drawer = "<script>x</script>"
    record.steps[0].id = '<svg onload="x">'
    output = record.steps[0].output
    assert isinstance(output, LoopOutput)
    output.record.path = ("<b>\x00</b>",)
    svg = timeline_svg(record)
    tags = {element.tag.removeprefix(NS) for element in ET.fromstring(svg).iter()}
    assert tags <= {"svg", "style", "g", "path", "rect", "text", "tspan", "title"}
    assert not re.search(r"<[^>]*\son\w+=", svg)


def test_nothing_to_draw_says_so() -> None:
    record = RunRecord("0", "d")
    assert timeline_svg(record) == ""
    from drawer_ipy.results import Results

    picture = Results.of(record).timeline()
    assert "no step has started" in repr(picture)
    ET.fromstring(picture.svg)


def test_an_item_still_running_reaches_to_now() -> None:
    record = run_of([(0.1, 0.0, RUNNING), (0.1, 1.0, OK)])
    bars = drawn(timeline_svg(record))
    assert len(bars[RUNNING]) == 1


def test_after_a_retry_it_shows_what_that_press_ran() -> None:
    bad = {2, 5}

    def work(x: int) -> int:
        if x in bad:
            raise ValueError("no")
        return x

    results = loop(range(8), work, on_item_failure="continue")
    bad.clear()
    svg = results.retry(quiet=True).timeline().svg
    assert len(drawn(svg)[OK]) == 2
    assert "6 kept" in svg
    assert "2 items" in svg
    assert repr(results).startswith("✔ finished · 8 ok · ")


def test_it_can_be_saved_and_shown(tmp_path: Path) -> None:
    picture = loop([1, 2], lambda x: x).timeline(width=600)
    path = picture.save(tmp_path / "t.svg")
    root = ET.parse(path).getroot()
    assert root.get("width") == "600"
    bundle = picture._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html", "image/svg+xml"}
    assert "2 ok" in bundle["text/plain"]
    assert "<script" not in bundle["text/html"]
    assert set(picture._repr_mimebundle_(include={"text/plain"})) == {"text/plain"}


intervals = st.lists(
    st.tuples(st.floats(0, 100), st.floats(0.001, 20), st.sampled_from([OK, FAILED, CANCELLED])), max_size=60
)


@given(intervals)
@settings(max_examples=150)
def test_lanes_never_overlap_and_are_as_few_as_ran_at_once(rows: list[tuple[float, float, int]]) -> None:
    spans = sorted((Span(b, b + d, s, [str(i)]) for i, (b, d, s) in enumerate(rows)), key=lambda s: s.begin)
    lanes = pack(spans)
    assert sorted(s.names[0] for lane in lanes for s in lane) == sorted(s.names[0] for s in spans)
    for lane in lanes:
        assert all(a.end <= b.begin for a, b in itertools.pairwise(lane))
    most = max((sum(s.begin <= at.begin < s.end for s in spans) for at in spans), default=0)
    assert len(lanes) == most


@given(intervals, st.floats(0, 50))
@settings(max_examples=150)
def test_joining_neighbours_loses_no_item(rows: list[tuple[float, float, int]], least: float) -> None:
    lane: list[Span] = []
    for index, (_, took, state) in enumerate(rows):
        begin = lane[-1].end if lane else 0.0
        lane.append(Span(begin, begin + took, state, [str(index)]))
    counts = {s: sum(1 for span in lane if span.state == s) for s in (OK, FAILED, CANCELLED)}
    out = thin([Span(s.begin, s.end, s.state, list(s.names)) for s in lane], least)
    assert {s: sum(span.count for span in out if span.state == s) for s in counts} == counts
    assert all(a.end <= b.begin + 1e-9 for a, b in itertools.pairwise(out))
    if lane:
        assert out[0].begin == lane[0].begin
        assert out[-1].end == pytest.approx(lane[-1].end)


@given(intervals, st.integers(1, 30))
@settings(max_examples=150)
def test_the_load_holds_all_the_time_that_items_took(rows: list[tuple[float, float, int]], bins: int) -> None:
    spans = [Span(b, b + d, s, ["x"]) for b, d, s in rows]
    begin = min((s.begin for s in spans), default=0.0)
    end = max((s.end for s in spans), default=1.0)
    load = load_of(Track("t", 0, spans, begin, end), bins)
    for state in (OK, FAILED, CANCELLED):
        mine = [s for s in spans if s.state == state]
        area = sum(load.heights.get(state, [])) * load.step
        assert area == pytest.approx(sum(s.end - s.begin for s in mine), abs=1e-6)
        assert sum(load.ended.get(state, [])) == len(mine)


@given(st.floats(1e-6, 1e6), st.floats(2, 20))
def test_ticks_are_round_and_not_too_many(end: float, most: float) -> None:
    ticks = _ticks(end, most)
    assert ticks[0] == (0.0, "0")
    assert len(ticks) <= most + 2
    assert len({words for _, words in ticks}) == len(ticks)
    assert _tick_size(end / most) >= end / most * 0.99
