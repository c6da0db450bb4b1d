"""Displays of a run played by hand: when they redraw, what they show, how they end."""

from __future__ import annotations

import asyncio
import html.parser
import io
import os
import re
import struct
import sys
import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from drawer_ipy.display import html as html_display
from drawer_ipy.display.choose import choose_display
from drawer_ipy.display.html import HtmlDisplay
from drawer_ipy.display.live import LiveDisplay, NullDisplay
from drawer_ipy.display.progress import ErrorLine, Snapshot
from drawer_ipy.display.progress_html import errors_html, progress_html, static_html
from drawer_ipy.display.terminal import TextDisplay
from drawer_ipy.display.widget import WidgetDisplay
from drawer_ipy.engine.events import (
    Listeners,
    LoopFinished,
    LoopStarted,
    RunFinished,
    RunStarted,
    StepFinished,
    StepStarted,
)
from drawer_ipy.errors import UsageError
from drawer_ipy.record.loop import FAILED, OK, RUNNING, LoopOutput, LoopRecord
from drawer_ipy.record.run import RunRecord
from drawer_ipy.record.step import StepResult

HOSTILE = "<script>alert(1)</script><img src=x onerror='a'>\x1b[2J\" onclick=\"\u202e"


async def play(
    display: LiveDisplay | NullDisplay,
    items: int = 20,
    seconds: float = 0.3,
    drawer: str = "pages",
    stop_at: int | None = None,
) -> Listeners:
    """A run of one loop; item 7 of every 20 fails; cancelled at `stop_at`."""
    listeners = Listeners()
    display.attach(listeners, lambda: None)
    run = RunRecord("0" * 16, drawer)
    listeners.emit(RunStarted(run, ("each", "sum")))
    step = StepResult("each")
    listeners.emit(StepStarted(run, step))
    loop = LoopRecord(("each",), "u", range(items), ["page"], 4)
    step.output = LoopOutput(loop)
    listeners.emit(LoopStarted(loop))
    for index in range(items):
        if index == stop_at:
            break
        loop.move(index, RUNNING)
        await asyncio.sleep(seconds / items)
        result = StepResult("page", status="ok")
        if index % 20 == 7:
            result.fail("SCRIPT_ERROR", HOSTILE)
        loop.columns[0].put(index, result)
        loop.move(index, FAILED if result.error else OK)
    loop.close()
    listeners.emit(LoopFinished(loop))
    listeners.emit(StepFinished(run, step))
    run.status = "ok" if stop_at is None else "cancelled"
    listeners.emit(RunFinished(run))
    return listeners


class Probe(LiveDisplay):
    """Notes when it is drawn, and on which thread."""

    def __init__(self, action: Callable[[], None] = lambda: None) -> None:
        super().__init__()
        self.action = action
        self.drawn: list[tuple[str, float, Snapshot]] = []
        self.threads: set[int] = set()

    def note(self, kind: str, snapshot: Snapshot) -> None:
        self.drawn.append((kind, time.perf_counter(), snapshot))
        self.threads.add(threading.get_ident())

    def open(self, snapshot: Snapshot) -> None:
        self.note("open", snapshot)

    def update(self, snapshot: Snapshot) -> None:
        self.note("update", snapshot)
        self.action()

    def finish(self, snapshot: Snapshot, results: Any | None) -> None:
        self.note("finish", snapshot)


def test_a_display_draws_at_once_then_ten_times_a_second_and_at_the_end() -> None:
    probe = Probe()

    async def main() -> None:
        await play(probe, seconds=0.55)
        await asyncio.sleep(0.25)

    asyncio.run(main())
    kinds = [kind for kind, _, _ in probe.drawn]
    assert kinds[0] == "open"
    assert 4 <= kinds.count("update") <= 7
    assert probe.drawn[-1][2].status == "ok"
    assert probe.drawn[-1][2].done == 20
    gaps = [b - a for (_, a, _), (_, b, _) in zip(probe.drawn[:-1], probe.drawn[1:-1], strict=False)]
    assert min(gaps) > 0.09


def test_a_slow_display_is_updated_less_often() -> None:
    probe = Probe(lambda: time.sleep(0.02))
    asyncio.run(play(probe, seconds=1.0))
    assert len(probe.drawn) <= 5


@pytest.mark.parametrize(
    ("took", "used", "seconds"),
    [
        (0.0005, 0.0005, 0.1),
        (0.004, 0.004, 0.4),
        (0.008, 0.002, 0.2),  # on a busy machine it takes longer than it computes
        (0.03, 0.03, 1.0),  # once slow is not slow for ever
        (0.2, 0.002, 4.0),  # a remote terminal holds up the run's loop
    ],
)
def test_a_display_with_a_lower_cost_target_is_updated_less_often_but_regularly(
    took: float, used: float, seconds: float
) -> None:
    class Modest(Probe):
        share = 0.01

    assert Modest.pause(took, used) == pytest.approx(seconds)


def test_a_failing_display_does_not_affect_the_run() -> None:
    def broken() -> None:
        raise OSError("terminal gone")

    probe = Probe(broken)
    listeners = asyncio.run(play(probe, seconds=0.3))
    assert [kind for kind, _, _ in probe.drawn] == ["open", "update", "update"], "one tick, one end"
    assert [type(error) for error in listeners.errors] == [OSError, OSError]


def test_it_ticks_on_the_loop_of_the_run_whichever_thread_that_is() -> None:
    probe, idents = Probe(), []

    def pressed() -> None:
        idents.append(threading.get_ident())
        asyncio.run(play(probe, seconds=0.25))

    thread = threading.Thread(target=pressed)
    thread.start()
    thread.join()
    assert probe.threads == set(idents)
    assert len(probe.drawn) >= 3
    assert threading.active_count() == 1 or thread not in threading.enumerate()


def test_closing_twice_or_a_run_that_never_began_shows_nothing_more() -> None:
    probe = Probe()
    probe.close(None)
    assert probe.drawn == []
    probe.close(object())
    assert probe.drawn == []
    late = Probe()
    late.close(object())
    assert [kind for kind, _, _ in late.drawn] == ["finish"], "results are shown all the same"


class Tags(html.parser.HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_hostile_text_stays_text() -> None:
    snapshot = Snapshot(
        drawer=HOSTILE,
        step=HOSTILE,
        position=1,
        steps=1,
        loop="each",
        total=5,
        ok=3,
        failed=2,
        errors=(ErrorLine(1, HOSTILE, HOSTILE),),
    )
    seen = Tags(static_html(snapshot))
    assert seen.tags <= {"div", "b", "span", "bdi"}
    assert not [name for name in seen.attributes if name.startswith("on")]
    assert seen.text.count("<script>") == 4


def test_the_header_shows_states_by_word_and_mark() -> None:
    snapshot = Snapshot(
        drawer="pages", step="each", position=1, steps=2, loop="each", total=200, left=110, running=8,
        ok=78, failed=2, cancelled=2, elapsed=6.4, rate=12.34, eta=9.6, retries=1,
    )  # fmt: skip
    assert Tags(progress_html(snapshot)).text == (
        "▶ pages running · step each (1 of 2) · ✔ 78 ok · ✘ 2 failed · ⊘ 2 cancelled · ▶ 8 running"
        " · 110 of 200 left · 1 retry · 12.3/s · ETA 0:09 · 0:06"
    )
    assert errors_html(snapshot) == ""


@pytest.mark.parametrize("total", [0, 1, 3, 10**6])
def test_the_bar_is_never_wider_than_the_whole(total: int) -> None:
    snapshot = Snapshot(loop="each", total=total, ok=total // 2, failed=total - total // 2)
    widths = [float(p.split("%")[0]) for p in progress_html(snapshot).split("flex:0 0 ")[1:]]
    assert sum(widths) <= 100.01


class Published:
    """Stands in for the front end: keeps the bundles and applies updates."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, module: Any) -> None:
        self.sent: list[tuple[bool, dict[str, Any]]] = []
        self.ids: set[str] = set()
        monkeypatch.setattr(module, "publish", self)

    def __call__(self, bundle: dict[str, Any], display_id: str, *, update: bool) -> None:
        self.sent.append((update, bundle))
        self.ids.add(display_id)


class Shown:
    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": "<b>table</b>", "text/plain": "table"}


class Unshowable:
    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        raise RuntimeError("repr of a value")


@pytest.mark.parametrize(
    ("results", "plain"),
    [
        (Shown(), "table"),
        (None, "drawer pages: ⚠ finished · 19 ok · 1 failed"),
        (Unshowable(), "drawer pages: ⚠ finished · 19 ok · 1 failed"),
    ],
)
def test_html_is_replaced_in_place_and_ends_as_the_results(
    monkeypatch: pytest.MonkeyPatch, results: Any, plain: str
) -> None:
    front = Published(monkeypatch, html_display)
    display = HtmlDisplay()
    listeners = asyncio.run(play(display, seconds=0.7))
    assert listeners.errors == []
    assert 2 <= len(front.sent) <= 4, "first, after half a second, at the end"
    display.close(results)
    display.close(results)
    assert [update for update, _ in front.sent] == [False] + [True] * (len(front.sent) - 1)
    assert len(front.ids) == 1
    assert front.sent[-1][1]["text/plain"].startswith(plain)
    assert "text/html" in front.sent[-1][1]


def uncoloured(text: str) -> str:
    return re.sub(r"\x1b\[\d*m", "", text)


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True

    @property
    def lines(self) -> list[str]:
        return uncoloured(self.getvalue()).replace("\r", "\n").split("\n")


@pytest.mark.parametrize(
    ("stop_at", "end"),
    [
        (None, "20/20 [00:00, ⚠ finished · 19 ok · 1 failed]"),
        (9, "9/20 [00:00, ⊘ cancelled · 8 ok · 1 failed · 11 skipped]"),
    ],
)
def test_a_terminal_shows_one_bar_that_is_ended_properly(stop_at: int | None, end: str) -> None:
    screen = Screen()
    before = threading.active_count()
    display = TextDisplay(screen)
    listeners = asyncio.run(play(display, stop_at=stop_at, drawer="{bar} %s"))
    assert threading.active_count() == before
    display.close(Shown())
    assert listeners.errors == []
    assert screen.getvalue().endswith("\n")
    assert screen.getvalue().count("\n") == 1
    last = [line for line in screen.lines if line.strip()][-1]
    assert last.startswith("drawer {bar} %s: ")
    assert last.rstrip().endswith(end)


def test_without_a_loop_the_bar_is_over_the_steps() -> None:
    async def steps(display: TextDisplay) -> None:
        listeners = Listeners()
        display.attach(listeners, lambda: None)
        run = RunRecord("0" * 16, "chain")
        listeners.emit(RunStarted(run, ("a", "b")))
        for step_id in "ab":
            listeners.emit(StepStarted(run, StepResult(step_id)))
            await asyncio.sleep(0.12)
            listeners.emit(StepFinished(run, StepResult(step_id)))
        run.status = "ok"
        listeners.emit(RunFinished(run))

    screen = Screen()
    display = TextDisplay(screen)
    asyncio.run(steps(display))
    display.close(None)
    told = [line.rsplit("| ", 1)[1].strip() for line in screen.lines if "| " in line]
    assert told[0].startswith("0/2")
    assert any(line.startswith("1/2 [00:00, b") for line in told)
    assert told[-1] == "2/2 [00:00, ✔ finished · 2 steps ok]"


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.parametrize("columns", [0, 100])
def test_a_terminal_that_does_not_know_its_width_gets_a_bar_too(columns: int) -> None:
    import fcntl
    import pty
    import termios

    controller, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 0, columns, 0, 0))
    with open(terminal, "w", encoding="utf-8") as stream:
        display = TextDisplay(stream)
        asyncio.run(play(display))
        display.close(None)
        stream.flush()
        written = b""
        while b"\n" not in written:  # a terminal hands over a few kilobytes at a time, the end of a line last
            written += os.read(controller, 4096)
    os.close(controller)
    assert "20/20 [00:00, ⚠ finished · 19 ok · 1 failed]" in uncoloured(written.decode())


def test_a_file_gets_no_bar() -> None:
    log = io.StringIO()
    display = TextDisplay(log)
    asyncio.run(play(display))
    display.close(Shown())
    closed = io.StringIO()
    closed.close()
    asyncio.run(play(TextDisplay(closed), seconds=0.01))
    assert log.getvalue() == ""


def test_widgets_without_a_front_end_leave_none_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    from ipywidgets.widgets.widget import _instances

    from drawer_ipy.display import widget

    front = Published(monkeypatch, widget)
    before = set(_instances)
    display = WidgetDisplay()
    asyncio.run(play(display))
    assert set(_instances) > before
    display.close(Unshowable())
    assert set(_instances) == before
    first, last = front.sent[0], front.sent[-1]
    assert re.match(r"drawer pages: 0/2 steps, as of [\d:]{8} on [\d-]{10}$", first[1]["text/plain"])
    assert "progressbar" in first[1]["text/html"]
    assert re.search(r"> running as of [\d:]{8} on [\d-]{10} ·", first[1]["text/html"])
    assert last[0]
    assert set(first[1]) == set(last[1]) == {"text/html", "text/plain"}, "no widget is saved"


KERNEL = SimpleNamespace(kernel=object(), meta={})
TERMINAL = SimpleNamespace()


@pytest.mark.parametrize(
    ("shell", "options", "expected"),
    [
        (None, {}, TextDisplay),
        (TERMINAL, {}, TextDisplay),
        (SimpleNamespace(kernel=None), {}, TextDisplay),
        (KERNEL, {}, WidgetDisplay),
        (KERNEL, {"quiet": True}, NullDisplay),
        (KERNEL, {"quiet": True, "kind": "widget"}, NullDisplay),
        (None, {"quiet": True, "kind": "widget"}, NullDisplay),
        (KERNEL, {"kind": "none"}, NullDisplay),
        (KERNEL, {"kind": "html"}, HtmlDisplay),
        (KERNEL, {"kind": "text"}, TextDisplay),
        (KERNEL, {"kind": "widget"}, WidgetDisplay),
    ],
)
def test_the_display_is_chosen_for_its_environment(
    shell: Any, options: dict[str, Any], expected: type
) -> None:
    assert type(choose_display(shell, **options)) is expected


def test_without_anywidget_a_notebook_gets_html(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert type(choose_display(KERNEL)) is HtmlDisplay
    with pytest.raises(UsageError, match="needs anywidget"):
        choose_display(KERNEL, kind="widget")


@pytest.mark.parametrize(
    ("shell", "kind", "words"),
    [
        (KERNEL, "widgets", r"auto, widget, html, text or none, not 'widgets'\s+did you mean 'widget'"),
        (KERNEL, "", "auto, widget"),
        (None, "widget", "needs a Jupyter notebook"),
        (TERMINAL, "html", "needs a Jupyter notebook"),
    ],
)
def test_an_unknown_or_unsuitable_display_is_refused(shell: Any, kind: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        choose_display(shell, kind=kind)


def test_quiet_shows_nothing() -> None:
    display = NullDisplay()
    assert asyncio.run(play(display, seconds=0.01)).errors == []
    display.close(Shown())
