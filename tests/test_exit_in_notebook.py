"""``exit()`` and similar calls in a button of a notebook fail their item and keep the kernel alive."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kernel_rig import Kernel, kernel_in


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Kernel]:
    with kernel_in(tmp_path) as kernel:
        yield kernel


def test_exit_in_a_button_fails_its_item_and_keeps_the_kernel_alive(kernel: Kernel) -> None:
    kernel.run("%load_ext drawer_ipy")
    kernel.run(
        "import asyncio\n"
        "def work(x):\n    if x == 1: exit()\n    return x\n"
        "async def awork(x):\n    if x == 1: quit()\n    return x\n"
        "async def task(x):\n"
        "    async def sub():\n        raise SystemExit\n"
        "    if x == 1: await asyncio.create_task(sub())\n    return x\n"
        "async def stop(x):\n    if x == 1: asyncio.get_running_loop().stop()\n    return x"
    )
    for name in ("work", "awork", "task", "stop"):
        cell = (
            "%%drawer --out r\nsteps:\n  - id: each\n    kind: for_each\n    over: [0, 1, 2]\n    as: x\n"
            "    parallelism: 2\n    on_item_failure: continue\n"
            f"    steps: [{{id: w, button: {name}, args: {{x: '${{x}}'}}}}]"
        )
        kernel.run(cell)
        assert kernel.value("r.counts") == {"ok": 2, "failed": 1, "cancelled": 0, "skipped": 0}
        time.sleep(0.3)  # what ends a kernel comes a moment later
        assert kernel.value("1 + 1") == 2
