"""``python -m benchmarks.fuzz [--examples N] [--only text,press] [--seed N]``: random definitions.

Whatever is typed, right or wrong, the answer is a result or an error of ours: no other exception gets
out, no run ends in a fault of ours, and nothing hangs. ``make test`` tries a few hundred examples of each
target, this command ten thousand.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from benchmarks import fuzz_grammar as grammar
from drawer_ipy import Drawer, DrawerError, ResolveError, Validation
from drawer_ipy.definition import DrawerModel, load_button, load_drawer
from drawer_ipy.errors import Code
from drawer_ipy.expressions import compile_expression, compile_template, compile_value
from drawer_ipy.pressing.job import Job, Options
from drawer_ipy.pressing.prepare import prepare
from drawer_ipy.pressing.surroundings import Surroundings, named_buttons
from drawer_ipy.record.run import RunRecord

ROUND = 1000
"""Examples after which hypothesis starts anew: it remembers all it has tried, in gigabytes."""

PATIENCE = 60
"""Seconds after which one example counts as hanging."""

Target = tuple[st.SearchStrategy[Any], Callable[[Any], None]]


class Hang(BaseException):
    """An example took longer than :data:`PATIENCE`."""


def same(x: Any = None, y: Any = None) -> Any:
    """Give back what was given."""
    return x


def fail(message: str = "boom") -> None:
    """Fail."""
    raise ValueError(message)


async def slow(x: Any = None) -> Any:
    """Wait for a moment."""
    await asyncio.sleep(0.002)
    return x


class Odd:
    """An object that is not pleasant to look at."""

    def __repr__(self) -> str:
        raise RuntimeError("not now")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("never equal")

    __hash__ = None  # type: ignore[assignment]

    @property
    def x(self) -> Any:
        """Raises."""
        raise RuntimeError("no x")


def odd() -> Any:
    """Give an odd object."""
    return Odd()


SOUND = {
    "sound": {
        "inputs": ["x"],
        "steps": [{"id": "c", "button": "same", "args": {"x": "${inputs.x}"}}],
        "return": {"y": "${c.output}"},
    }
}

SCOPE: Mapping[str, Any] = {
    "inputs": {"n": 3, "xs": [1, 2.5, "a", None, {"x": 1}], "my-key": "k", "d": {"x": [0]}},
    "env": {"HOME": "/h"},
    "batteries": {"k": "v"},
    "webhooks": {"main": ""},
    "a": {"output": {"n": 1, "results": [{"x": 1, "steps": {}}]}},
    "b": {"output": None, "error": {"code": "TIMEOUT", "message": ""}},
    "each": {"output": {"results": [], "total": 0}},
    "item": {"x": 1, "n": 0, "steps": {"a": {"output": 1}}},
    "x": Odd(),
    "a-b": 5,
}


def check_expression(text: str) -> None:
    """It is refused with a place in the text, or resolves to a value, or says why it has none."""
    for compiler in (compile_template, compile_expression):
        try:
            template = compiler(text)
        except ResolveError as error:
            _check(error.offset is None or 0 <= error.offset <= len(text), f"offset {error.offset}")
            continue
        list(template.references)
        list(template.references_given(lambda path: len(path) % 2 == 0))
        try:
            template.resolve(SCOPE)
        except ResolveError as error:
            _check(bool(str(error)), "an error without words")


def check_text(text: str) -> None:
    """It is refused, or loaded; what is loaded is checked, and the report can be shown."""
    lenient = len(text) % 2 == 0
    _refused(lambda: load_drawer(text, lenient=lenient))
    _refused(lambda: load_button(text, lenient=lenient))
    drawer = _refused(lambda: Drawer.load({"steps": text} if not text.strip() else text + "\n"))
    if isinstance(drawer, Drawer):
        _shown(drawer.validate(["n"], buttons={"same": same}))


def check_mapping(tree: Any) -> None:
    """As :func:`check_text`, for a mapping."""
    drawer = _refused(lambda: Drawer.load(tree))
    if isinstance(drawer, Drawer):
        _shown(drawer.validate(buttons={"same": same, "fail": fail}))
    _refused(lambda: compile_value(tree))


def _refused(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except DrawerError as error:
        _check(bool(str(error)), "an error without words")
        return error


def _check(holds: bool, what: str) -> None:
    if not holds:
        raise AssertionError(what)


def _shown(report: Validation) -> None:
    assert repr(report)
    assert report._repr_html_()
    json.dumps(report.to_dict())
    assert all(p.message and (p.line is None or p.line >= 1) for p in report)


def check_press(example: tuple[Any, Any, Any, Any, dict[str, Any], int | None]) -> None:
    """It is refused, or runs to an end, or is cancelled; the record can be shown and adds up."""
    tree, child, other, inputs, options, cancel_after = example
    buttons = named_buttons({"same": same, "fail": fail, "slow": slow, "odd": odd})
    around = Surroundings(buttons, drawers=_children({**SOUND, "child": child, "other": other, "main": tree}))
    job = _refused(lambda: prepare(tree, inputs, Options(**options), around))
    if not isinstance(job, Job):
        return

    async def run() -> RunRecord:
        if cancel_after is not None:
            asyncio.get_running_loop().call_later(cancel_after / 1000, job.run.cancel)
        return await job.run.execute()

    record = asyncio.run(run())
    assert record.status in ("ok", "failed") or (record.status == "cancelled" and cancel_after is not None)
    results = job.results
    str(results)
    results._repr_html_()
    list(results)
    _told(record)


def _children(trees: Mapping[str, Any]) -> dict[str, DrawerModel]:
    out: dict[str, DrawerModel] = {}
    for name, tree in trees.items():
        loaded = _refused(lambda tree=tree, name=name: load_drawer(tree, name=name))
        if not isinstance(loaded, DrawerError):
            out[name] = loaded.drawer
    return out


def _told(record: RunRecord) -> None:
    told = json.dumps(record.to_dict(), default=lambda value: type(value).__name__)
    assert f'"{Code.INTERNAL}"' not in told, told
    assert "running" not in {step.status for step in record.steps}
    assert (record.error is None) == (record.status == "ok")
    assert all(step.finished >= step.started for step in record.steps if step.status != "skipped")


_options = st.fixed_dictionaries(
    {"timeout": st.just(10)},
    optional={
        "mode": st.sampled_from(["sequential", "parallel"]),
        "on_failure": st.sampled_from(["stop", "continue"]),
        "concurrency": st.integers(1, 3),
        "parallelism": st.integers(0, 4),
    },
)
_small = st.fixed_dictionaries({"steps": grammar.step_lists}, optional={"inputs": st.just(["x", "n"])})

TARGETS: dict[str, Target] = {
    "expression": (grammar.expressions | grammar.templates, check_expression),
    "text": (grammar.texts, check_text),
    "mapping": (grammar.disarranged(), check_mapping),
    "press": (
        st.tuples(
            grammar.sound_drawers() | grammar.drawers,
            _small,
            _small,
            grammar.inputs,
            _options,
            st.none() | st.integers(0, 6),
        ),
        check_press,
    ),
}


def fuzz(name: str, examples: int, seeded: int | None = None) -> None:
    """Try `examples` random examples of one target.

    Raises:
        BaseException: what got out, with the smallest example that shows it in its notes.
    """
    strategy, check = TARGETS[name]

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
        report_multiple_bugs=False,
    )
    @given(strategy)
    def run(example: Any) -> None:
        with _patient():
            check(example)

    (run if seeded is None else seed(seeded)(run))()


class _patient:
    """Raises :class:`Hang` in the main thread when its body takes too long."""

    def __enter__(self) -> None:
        self._before = signal.signal(signal.SIGALRM, self._hang)
        signal.alarm(PATIENCE)

    def __exit__(self, *_: object) -> None:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, self._before)

    @staticmethod
    def _hang(*_: object) -> None:
        raise Hang(f"longer than {PATIENCE} s")


def main(argv: Sequence[str] | None = None) -> int:
    """Fuzz each target; returns 1 when something got out of one."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=__doc__)
    parser.add_argument("--examples", type=int, default=10_000, metavar="N", help="of each target (10,000)")
    parser.add_argument("--only", default=",".join(TARGETS), help=f"some of {','.join(TARGETS)}")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32), help="to repeat a run")
    options = parser.parse_args(argv)
    failed = 0
    print(f"seed {options.seed}", flush=True)
    for name in options.only.split(","):
        before = time.perf_counter()
        try:
            for begun in range(0, options.examples, ROUND):
                fuzz(name, min(ROUND, options.examples - begun), options.seed + begun)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            failed += 1
            print("".join(traceback.format_exception(error)[-6:])[-3000:])
            examples = [note for note in getattr(error, "__notes__", ()) if "test case" in note]
            print(f"{name}: {type(error).__name__}: {error}\n{examples}", flush=True)
            continue
        took = time.perf_counter() - before
        print(f"{name}: {options.examples:,} examples in {took:.0f} s, nothing got out", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
