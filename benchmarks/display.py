"""(e) What the live view costs: a run of 10,000 items in a real kernel, shown and not shown.

``in the view's calls`` is the processor time of its first sight, every update, the final table and picture,
measured where they are called. ``shown less quiet`` is what the whole process used more than in a run that
shows nothing: it also counts what the view causes elsewhere, such as messages being sent.
"""

from __future__ import annotations

import ast
import sys
import tempfile
from pathlib import Path

from jupyter_client.manager import KernelManager

from benchmarks.measure import Values
from benchmarks.report import Answer, Check, Row, Table

_LIMIT = 2.0

_SETUP = """
import asyncio, time
import drawer_ipy
from drawer_ipy.display.choose import choose_display
from drawer_ipy.display.widget import WidgetDisplay
from drawer_ipy.pressing.prepare import prepare
from drawer_ipy.pressing.surroundings import Surroundings

TEXT = '''
steps:
  - id: each
    kind: for_each
    over: ${inputs.xs}
    as: x
    parallelism: 20
    on_item_failure: continue
    steps:
      - {id: get, button: get, args: {x: "${x}"}}
      - {id: check, button: check, args: {x: "${get.output}"}}
'''

async def get(x):
    await asyncio.sleep(WAIT)
    return {"n": x, "text": f"item {x}"}

def look(x):
    if x["n"] % 50 == 7:
        raise ValueError(f"item {x['n']} is bad")
    return x

async def check(x):
    return look(x)

class Timed(WidgetDisplay):
    def _is_due(self, *, heard):
        return super()._is_due(heard=True)  # as in a page; none says hello here

    spent = 0.0
    looks = 0

def timed(name):
    inner = getattr(WidgetDisplay, name)
    def call(self, *args):
        began = time.thread_time()
        inner(self, *args)
        self.spent += time.thread_time() - began
        self.looks += name == "update"
    setattr(Timed, name, call)

for name in ("open", "update", "finish"):
    timed(name)

async def press(n, shown):
    display = Timed() if shown else choose_display(get_ipython(), quiet=True)
    around = Surroundings(namespace={"get": get, "check": check})
    job = prepare(TEXT, {"xs": range(n)}, around=around)
    began, cpu = time.perf_counter(), time.process_time()
    results = await job.press(display)
    display.close(results)
    took, cpu = time.perf_counter() - began, time.process_time() - cpu
    assert len(results) == n and results.counts["failed"] == len(range(7, n, 50))
    return [took, cpu, getattr(display, "spent", 0.0), getattr(display, "looks", 0)]
"""


def answer(quick: bool) -> Answer:
    """Ten thousand items, 20 at once, 16 ms each: a run of about eight seconds."""
    items, rounds = (1_000, 1) if quick else (10_000, 3)
    shown: list[list[float]] = []
    quiet: list[list[float]] = []
    with tempfile.TemporaryDirectory() as folder:
        kernel = _Kernel(Path(folder))
        try:
            kernel.run(_SETUP.replace("WAIT", "0.015"))
            kernel.run("await press(200, True); await press(200, False)")
            for _ in range(rounds):
                quiet.append(kernel.value(f"await press({items}, False)"))
                shown.append(kernel.value(f"await press({items}, True)"))
        finally:
            kernel.close()
    spent = Values(tuple(100 * row[2] / row[0] for row in shown))
    extra = Values(tuple(100 * (a[1] - b[1]) / a[0] for a, b in zip(shown, quiet, strict=True)))
    found = Answer("e", f"the live view of {items:,} items, in a real kernel")
    found.tables.append(
        Table(
            "processor time of a core, as a share of the run",
            "%",
            [Row("in the view's calls", spent), Row("shown less quiet", extra)],
        )
    )
    found.checks.append(Check("the view's calls", spent.median, _LIMIT, "% of the run"))
    looks, took = shown[-1][3], shown[-1][0]
    found.notes.append(f"{looks:.0f} updates in {took:.1f} s; the final table and picture are counted")
    return found


class _Kernel:
    """An ipykernel of this interpreter, asked to run cells."""

    def __init__(self, home: Path) -> None:
        self._manager = KernelManager(kernel_name="python3")
        spec = self._manager.kernel_spec
        assert spec is not None
        spec.argv[:] = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        self._manager.start_kernel(cwd=str(Path(__file__).resolve().parent.parent))
        self._client = self._manager.blocking_client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=60)

    def run(self, code: str) -> str:
        """Execute `code`; what it printed."""
        printed: list[str] = []

        def hear(message: dict[str, object]) -> None:
            content = message["content"]
            assert isinstance(content, dict)
            if message["msg_type"] == "stream":
                printed.append(content["text"])

        reply = self._client.execute_interactive(code, timeout=300, output_hook=hear)
        content = reply["content"]
        if content["status"] != "ok":
            raise RuntimeError("\n".join(content["traceback"]))
        return "".join(printed)

    def value(self, expression: str) -> list[float]:
        """The list of numbers that `expression` is."""
        numbers: list[float] = ast.literal_eval(self.run(f"print({expression})").strip())
        return numbers

    def close(self) -> None:
        """End the kernel."""
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)
