"""The timeline: waiting is hollow, work is solid, and several runs share an axis."""

from __future__ import annotations

import asyncio
import itertools
import re
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from engine_rig import loop
from hypothesis import given, settings
from hypothesis import strategies as st

from drawer_ipy import DrawerFailed, Results, UsageError, press
from drawer_ipy.pictures.pieces import pieces_of
from drawer_ipy.pictures.spans import Span, Track, load_of, thin, tracks_of
from drawer_ipy.pictures.timeline import timeline_svg
from drawer_ipy.record.loop import FAILED, OK, PAUSED, RUNNING, LoopOutput, LoopRecord
from drawer_ipy.record.run import RunRecord
from drawer_ipy.record.step import StepResult
from drawer_ipy.record.waits import Pause, Reason, Waits, Why
from drawer_ipy.style.palette import LOOKS

NS = "{http://www.w3.org/2000/svg}"
ASKED = Reason(Why.ASKED, "shop.example")


def run_of(
    items: list[tuple[float, float, int, list[tuple[float, float]]]], name: str = "d", reason: Reason = ASKED
) -> RunRecord:
    """A finished run of one loop: begin, end and state of each item, and when it waited."""
    record = LoopRecord(("each",), "x", range(len(items)), ["work"], 4)
    record.waits = Waits()
    for index, (begin, end, state, waits) in enumerate(items):
        record.move(index, RUNNING)
        record.move(index, state)
        record.started[index], record.finished[index] = begin, end
        for since, until in waits:
            pause = Pause(reason)
            record.waits.begin(index, pause, 0, since, RUNNING)
            record.waits.end(index, pause, until)
    last = max(end for _, end, *_ in items)
    record.ended = record.epoch + last
    began = record.began
    step = StepResult("each", status="ok", started=began, finished=began + last, output=LoopOutput(record))
    return RunRecord("0" * 16, name, "ok", began, began + last, steps=[step])


def hollow(svg: str) -> list[ET.Element]:
    """The outlines of waiting, without that of the legend."""
    groups = [g for g in ET.fromstring(svg).iter(f"{NS}g") if g.get("class") == "h"]
    for group in groups:
        assert group.get("fill-opacity") == "0"
        assert group.get("stroke") == LOOKS["paused"].colour
    return [path for group in groups for path in group][len(groups) :]


def boxes(path: ET.Element) -> list[tuple[float, float]]:
    """The left edges and widths in a path."""
    return [(float(x), float(w)) for x, w in re.findall(r"M(\S+) \S+?h([\d.]+)", path.get("d", ""))]


def solid(svg: str) -> list[ET.Element]:
    groups = [g for g in ET.fromstring(svg).iter(f"{NS}g") if g.get("class") == "s"]
    return [path for group in groups for path in group if path.find(f"{NS}title") is not None]


def texts(svg: str) -> list[str]:
    return ["".join(text.itertext()) for text in ET.fromstring(svg).iter(f"{NS}text")]


def titles(svg: str) -> list[str]:
    return [title.text or "" for title in ET.fromstring(svg).iter(f"{NS}title")]


def test_a_bar_is_hollow_while_its_item_waited() -> None:
    run = run_of([(0.1, 9.9, OK, [(2.0, 5.0), (6.0, 8.0)]), (0.1, 10.0, OK, [])])
    svg = timeline_svg(run)
    (path,) = hollow(svg)
    one, other = solid(svg)
    waited, worked = boxes(path), boxes(one)
    assert (len(waited), len(worked), len(boxes(other))) == (2, 3, 1)
    edges = sorted([*waited, *worked])
    assert edges == [worked[0], waited[0], worked[1], waited[1], worked[2]]
    per_second = waited[0][1] / 3
    assert waited[1][1] / per_second == pytest.approx(2, abs=0.1)
    assert titles(svg).count("0 · waited 5.0 s: host asked to wait (shop.example), 2 times") == 1
    assert "waited 5.0 s" in texts(svg)
    assert "waited 5.0 s" in ET.fromstring(svg).get("aria-label", "")


def test_without_waiting_the_picture_is_as_before() -> None:
    svg = timeline_svg(run_of([(0.1, 1.0, OK, [])]))
    assert 'class="h"' not in svg
    assert "waited" not in svg


@pytest.mark.parametrize("state", [OK, FAILED])
def test_the_end_of_an_item_that_only_waited_is_solid(state: int) -> None:
    svg = timeline_svg(run_of([(0.0001, 10.0, state, [(0.0001, 10.0)])]))
    (path,) = hollow(svg)
    (bar,) = solid(svg)
    assert sum(width for _, width in boxes(bar)) < 3
    assert boxes(path)[0][1] > 500


def test_real_runs_show_rates_backoff_and_wait_steps() -> None:
    async def work(x: int) -> int:
        await asyncio.sleep(0.02)
        return x

    calls: list[int] = []

    def flaky(x: int) -> int:
        calls.append(x)
        if calls.count(x) == 1:
            raise ValueError("no")
        return x

    rated = loop(list(range(6)), work, parallelism=3, rate="10/s")
    assert len(hollow(rated.timeline().svg)) == 5
    retry = {"action": "retry", "max_attempts": 2, "backoff": {"strategy": "fixed", "initial_ms": 100}}
    steps = [{"id": "work", "button": "work", "args": {"x": "${x}"}, "on_failure": retry}]
    retried = loop(list(range(4)), flaky, parallelism=4, steps=steps)
    assert len(hollow(retried.timeline().svg)) == 4
    assert any(title.startswith("2 · waited ") for title in titles(retried.timeline().svg))
    naps = press({"name": "d", "steps": [{"id": "nap", "kind": "wait", "duration": "100ms"}]}, quiet=True)
    assert len(hollow(naps.timeline().svg)) == 1
    assert any(title.startswith("nap · waited 1") for title in titles(naps.timeline().svg))


def test_an_item_that_still_waits_is_hollow_to_the_end() -> None:
    run = run_of([(0.1, 5.0, OK, []), (0.1, 5.0, OK, [])])
    output = run.steps[0].output
    assert isinstance(output, LoopOutput)
    record = output.record
    record.epoch -= 20
    record.began -= 20
    run.started -= 20
    run.steps[0].started -= 20
    record.ended = 0.0
    record.states[1] = RUNNING
    record.counts[:] = [0, 1, 1, 0, 0, 0, 0]
    record.finished[1] = 0.0
    assert record.waits is not None
    record.waits.begin(1, Pause(ASKED), 0, 6.0, RUNNING)
    record.states[1] = PAUSED
    record.counts[:] = [0, 0, 1, 0, 0, 0, 1]
    run.steps[0].finished, run.steps[0].status, run.finished = 0.0, "paused", 0.0
    svg = timeline_svg(run)
    (path,) = hollow(svg)
    ((left, width),) = boxes(path)
    assert left + width == pytest.approx(788, abs=8)
    assert "1 paused" in texts(svg)


def test_of_many_items_the_share_of_waiting_is_hollow() -> None:
    items = []
    for index in range(3000):
        begin = 0.001 + (index // 4) * 0.1
        items.append((begin, begin + 0.1, OK, [(begin, begin + 0.05)]))
    svg = timeline_svg(run_of(items))
    assert len(svg.encode()) < 60_000
    waited = sum(width for path in hollow(svg) for _, width in boxes(path))
    worked = sum(width for path in solid(svg) for _, width in boxes(path))
    assert waited == pytest.approx(worked, rel=0.4)
    assert "waited 2 min 30 s" in texts(svg)


def test_of_too_many_lanes_the_waiting_ones_are_an_outline_above_the_others() -> None:
    items = [(0.001, 10.0, OK, [(2.0, 6.0)]) for _ in range(400)]
    svg = timeline_svg(run_of(items))
    assert len(svg.encode()) < 60_000
    assert len(hollow(svg)) == 1
    assert any("400 at once, 400 of them waiting" in title for title in titles(svg))


spans = st.lists(
    st.tuples(
        st.floats(0, 100),
        st.floats(0.001, 50),
        st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=30),
    ),
    min_size=1,
    max_size=30,
)


@given(spans, st.floats(0.01, 100), st.booleans())
def test_the_pieces_of_a_bar_are_apart_and_fill_it(rows: Any, per_second: float, lasts: bool) -> None:
    for begin, length, parts in rows:
        end = begin + length
        waits = [(begin + min(p) * length, begin + max(p) * length, ASKED) for p in parts]
        span = Span(begin, end, OK, ["0"], waits=waits)
        solid, hollow = pieces_of(span, lambda s: 50 + s * per_second, lasts=lasts)
        edges = sorted([*solid, *hollow])
        for (a, width), (b, _) in itertools.pairwise(edges):
            assert a + width <= b + 1e-6
        whole = max(1.0, length * per_second)
        assert sum(width for _, width in edges) == pytest.approx(whole, abs=8)
        assert solid or lasts
        assert len(hollow) <= 12


@given(
    st.lists(st.tuples(st.floats(0, 9), st.floats(0, 1), st.floats(0, 1)), max_size=30), st.integers(1, 40)
)
@settings(max_examples=60)
def test_the_load_divides_the_time_into_work_and_waiting(rows: Any, bins: int) -> None:
    all_spans = []
    for begin, *ends in rows:
        waits = [(begin + min(ends), begin + max(ends), ASKED)]
        all_spans.append(Span(begin, begin + 1, OK, ["0"], waits=waits))
    load = load_of(Track("t", 0, all_spans, 0.0, 10.0), bins)
    waited = sum(end - begin for span in all_spans for begin, end, _ in span.waits)
    assert sum(load.heights.get(PAUSED, [])) * load.step == pytest.approx(waited, abs=1e-6)
    assert sum(load.heights.get(OK, [])) * load.step == pytest.approx(len(rows) - waited, abs=1e-6)


def test_joined_spans_keep_their_share() -> None:
    lane = [Span(i, i + 1.0, OK, [str(i)], waits=[(i, i + 0.25, ASKED)]) for i in range(8)]
    (joined,) = thin(lane, 100.0)
    ((begin, end, reason),) = joined.waits
    assert (begin, end, reason) == (0, pytest.approx(2.0), ASKED)


# Several runs on one axis


def table(seconds: float, name: str) -> Results:
    return Results.of(run_of([(0.001, seconds, OK, []), (0.001, seconds / 2, FAILED, [])], name))


def test_two_runs_have_the_same_seconds_per_pixel() -> None:
    fast, slow = table(2.0, "fast"), table(8.0, "slow")
    for first, second in ((fast, slow), (slow, fast)):
        picture = first.timeline(axis=second)
        svg = picture.svg
        widths = [boxes(path)[0][1] for path in solid(svg) if " · ok" in (path[0].text or "")]
        longest, shortest = max(widths), min(widths)
        assert longest / shortest == pytest.approx(4, rel=0.02)
        assert {boxes(path)[0][0] for path in solid(svg)} == {boxes(solid(svg)[0])[0][0]}, "both begin at 0"
        heads = [text for text in texts(svg) if text.startswith(("fast", "slow"))]
        assert [head.split(" ")[0] for head in heads] == [first.run.drawer, second.run.drawer]
        assert texts(svg).count("8 s") == 1, "one axis"
        assert repr(picture).count("timeline of") == 2


def test_the_axis_takes_lists_runs_and_what_has_results() -> None:
    a, b, c = table(1.0, "a"), table(2.0, "b"), table(3.0, "c")
    expected = a.timeline(axis=[b, c]).svg
    assert a.timeline(axis=(b.run, c)).svg == expected
    assert a.timeline(axis=[]).svg == a.timeline().svg
    with pytest.raises(DrawerFailed) as failed:
        press(
            {"name": "bad", "steps": [{"id": "no", "button": "no"}]},
            buttons={"no": lambda: 1 / 0},
            quiet=True,
        )
    assert a.timeline(axis=failed.value).svg == a.timeline(axis=failed.value.results).svg
    assert a.timeline(axis=a).svg.count(">a<") == 2


def test_a_run_in_which_nothing_has_begun_has_a_line() -> None:
    nothing = Results.of(RunRecord("0" * 16, "later"))
    svg = table(1.0, "a").timeline(axis=nothing).svg
    assert any(text.startswith("later · no step has started") for text in texts(svg))
    assert len(tracks_of(nothing.run)) == 0
    assert "no step has started" in repr(nothing.timeline(axis=nothing))


@pytest.mark.parametrize("axis", [3, "pages", object(), {"a": 1}, [3], ["x"], {1, 2}, True, 0])
def test_an_axis_that_is_no_table_is_an_error_in_words(axis: Any) -> None:
    with pytest.raises(UsageError, match=r"timeline\(axis=...\).* must be a table of results, not "):
        table(1.0, "a").timeline(axis=axis)


def test_the_error_names_the_entry_of_a_list() -> None:
    good = table(1.0, "a")
    with pytest.raises(UsageError, match="entry 1 must be a table of results, not 7"):
        good.timeline(axis=[good, 7])
    with pytest.raises(UsageError, match="up to 20 tables, not 21"):
        good.timeline(axis=[good] * 21)


@pytest.mark.parametrize(
    "width", ["a", "800", None, True, float("nan"), float("inf"), [1], {}, 1j, b"8", object()]
)
def test_a_width_that_is_no_number_is_an_error_in_words(width: Any) -> None:
    with pytest.raises(UsageError, match=r"timeline\(width=...\) must be a number of pixels, not "):
        table(1.0, "a").timeline(width=width)


@pytest.mark.parametrize("width", [0, -5, 10**6, -0.5])
def test_a_width_outside_the_limits_is_an_error_in_words(width: Any) -> None:
    with pytest.raises(UsageError, match=r"from 1 to 20,000, not "):
        table(1.0, "a").timeline(width=width)


@pytest.mark.parametrize(("width", "drawn"), [(900, "900"), (900.4, "900"), (10, "320")])
def test_a_width_is_a_number_of_pixels(width: Any, drawn: str) -> None:
    assert ET.fromstring(table(1.0, "a").timeline(width=width).svg).get("width") == drawn
