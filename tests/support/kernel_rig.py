"""A real Jupyter kernel, driven as a front end drives it: cells, clicks, interrupts and messages."""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

from drawer_ipy.record.loop import OK

VIEW = "application/vnd.jupyter.widget-view+json"
VIEW_MODEL = "AnyModel"
"""The widget model of the live view."""

ANSWER = 0.7
"""Seconds after which the view's script turns an unanswered Cancel into an interrupt."""

PATIENCE = 30.0
"""Seconds without a message after which a kernel counts as stuck."""


@dataclass
class Cell:
    """The messages that a cell caused, and when each came.

    Attributes:
        messages: (seconds since the cell was sent, message) for its own messages and all comm messages.
        others: messages of other cells that came in the same time.
        reply: content of the execution's reply.
        now: seconds since the cell was sent.
        acted_at, ended_at: seconds at which the test acted on it, and at which it ended.
    """

    messages: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    others: list[dict[str, Any]] = field(default_factory=list)
    reply: dict[str, Any] = field(default_factory=dict)
    now: float = 0.0
    acted_at: float | None = None
    ended_at: float = 0.0

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Contents of the messages of that type."""
        return [m["content"] for _, m in self.messages if m["msg_type"] == kind]

    def comm_of(self, model: str) -> str:
        """Id of the comm of the first widget of that model that the cell opened."""
        for opened in self.of("comm_open"):
            if opened["data"]["state"].get("_model_name") == model:
                return str(opened["comm_id"])
        raise KeyError(model)

    def states(self, model: str) -> list[tuple[float, dict[str, Any]]]:
        """(seconds, state) of each update sent to the widgets of that model."""
        return [
            (at, m["content"]["data"]["state"])
            for at, m in self.messages
            if m["msg_type"] == "comm_msg"
            and m["content"]["data"].get("method") == "update"
            and m["content"]["comm_id"] in self._comms(model)
        ]

    @property
    def items_ok(self) -> int:
        """The number of items that had succeeded when the live view was last updated; 0 without a view."""
        heads = [state["head"] for _, state in self.states(VIEW_MODEL) if "head" in state]
        return int(heads[-1]["counts"][OK]) if heads else 0

    def _comms(self, model: str) -> set[str]:
        opened = self.of("comm_open")
        return {o["comm_id"] for o in opened if o["data"]["state"].get("_model_name") == model}

    def printed(self, stream: str) -> str:
        """The text that the cell wrote to that stream."""
        return "".join(m["text"] for m in self.of("stream") if m["name"] == stream)

    @property
    def stdout(self) -> str:
        """The text that the cell printed."""
        return self.printed("stdout")

    @property
    def shown(self) -> str:
        """The last table or text the cell displayed, as plain text."""
        kinds = ("display_data", "update_display_data", "execute_result")
        bundles = [m["content"]["data"] for _, m in self.messages if m["msg_type"] in kinds]
        return str(bundles[-1]["text/plain"])

    @property
    def traceback(self) -> str:
        """The traceback of the cell's error."""
        return "\n".join(self.reply.get("traceback", []))

    @property
    def answered(self) -> bool:
        """Whether the kernel has answered a click on Cancel."""
        return any(m["data"].get("content") == {"kind": "ack"} for m in self.of("comm_msg"))

    @property
    def took(self) -> float:
        """Seconds between the test's action and the end of the cell."""
        assert self.acted_at is not None, "the cell ended before the test acted on it"
        return self.ended_at - self.acted_at


Action = Callable[["Kernel", Cell], None]


def once_ok(count: int) -> Callable[[Cell], bool]:
    """Whether the live view of a cell shows at least `count` items that succeeded.

    Time alone says little about a run's progress on a busy machine.
    """
    return lambda cell: cell.items_ok >= count


@dataclass
class Kernel:
    """One kernel and the client that talks to it."""

    manager: KernelManager
    client: BlockingKernelClient
    home: Path
    _subshell: str | None = None

    def run(
        self,
        code: str,
        *,
        fails: bool = False,
        act: Action | None = None,
        when: Callable[[Cell], bool] = lambda cell: True,
        click_after: float | None = None,
    ) -> Cell:
        """Execute `code` and wait until it has ended.

        Args:
            code: the cell's text.
            fails: whether its reply must be an error; otherwise it must be a success.
            act: called once, as soon as `when` is true of the cell so far.
            when: called after each message, and every 50 ms.
            click_after: click on the display's Cancel button after this many seconds.
        """
        if click_after is not None:
            pause = click_after
            act, when = click_cancel, lambda cell: cell.now > pause
        cell = self.follow(self.client.execute(code), act, when)
        expected = "error" if fails else "ok"
        assert cell.reply["status"] == expected, (cell.reply, cell.stdout)
        return cell

    def follow(
        self, message_id: str, act: Action | None = None, when: Callable[[Cell], bool] = lambda cell: True
    ) -> Cell:
        """Everything that the execution `message_id` causes until it has ended."""
        cell, began = Cell(), time.perf_counter()
        while True:
            message = self._next(0.05 if act is not None else PATIENCE)
            now = cell.now = time.perf_counter() - began
            if act is not None and (cell.messages or message is None) and when(cell):
                doing, act = act, None
                cell.acted_at = now
                doing(self, cell)
            if message is None:
                assert now < PATIENCE, "the kernel sends nothing any more"
                continue
            own = message["parent_header"].get("msg_id") == message_id
            if own or message["msg_type"] == "comm_msg":
                cell.messages.append((now, message))
            else:
                cell.others.append(message)
            if own and message["content"].get("execution_state") == "idle":
                cell.ended_at = now
                break
        cell.reply = self._reply(message_id)
        return cell

    def _next(self, patience: float) -> dict[str, Any] | None:
        """The next message, or ``None`` if none comes within `patience` seconds."""
        try:
            return dict(self.client.get_iopub_msg(timeout=patience))
        except queue.Empty:
            assert patience < PATIENCE, "the kernel sends nothing any more"
            return None

    def _reply(self, message_id: str) -> dict[str, Any]:
        while True:
            message = self.client.get_shell_msg(timeout=PATIENCE)
            if message["parent_header"].get("msg_id") == message_id:
                return dict(message["content"])

    def touched(self, *names: str) -> Callable[[Cell], bool]:
        """Whether the cell has made those files in its working folder; they are deleted now if they exist."""
        paths = [self.home / name for name in names]
        for path in paths:
            path.unlink(missing_ok=True)
        return lambda cell: all(path.exists() for path in paths)

    def value(self, expression: str) -> Any:
        """The value of `expression` in the kernel, if its repr is a literal."""
        reply = self.client.execute_interactive(
            "",
            user_expressions={"v": f"repr({expression})"},
            timeout=PATIENCE,
            output_hook=lambda message: None,
        )
        found = reply["content"]["user_expressions"]["v"]
        assert found["status"] == "ok", found
        text = eval(found["data"]["text/plain"])  # the repr of a repr
        return eval(text)

    def click(self, comm_id: str, channel: str = "shell", header: dict[str, Any] | None = None) -> None:
        """Click on Cancel in the view with the comm `comm_id`, as its script does.

        If the kernel has subshells, the message is sent to one of them, as JupyterLab does for widgets.
        """
        shell = self.subshell()
        self.tell(comm_id, {"kind": "cancel"}, channel, {"subshell_id": shell} if shell else header)

    def subshell(self) -> str:
        """The id of a subshell, ``""`` if the kernel does not support them."""
        if self._subshell is None:
            info = self._request("kernel_info_request", "shell")
            has = "kernel subshells" in info.get("supported_features", [])
            self._subshell = (
                str(self._request("create_subshell_request", "control")["subshell_id"]) if has else ""
            )
        return self._subshell

    def _request(self, kind: str, channel: str) -> dict[str, Any]:
        where = getattr(self.client, f"{channel}_channel")
        message = self.client.session.msg(kind, {})
        where.send(message)
        while True:
            reply = where.get_msg(timeout=PATIENCE)
            if reply["parent_header"].get("msg_id") == message["header"]["msg_id"]:
                return dict(reply["content"])

    def tell(
        self,
        comm_id: str,
        content: dict[str, Any],
        channel: str = "shell",
        header: dict[str, Any] | None = None,
    ) -> None:
        """Send a message to the kernel as the script of a view does."""
        data = {"method": "custom", "content": content}
        message = self.client.session.msg("comm_msg", {"comm_id": comm_id, "data": data})
        message["header"].update(header or {})
        getattr(self.client, f"{channel}_channel").send(message)

    def interrupt(self) -> None:
        """Interrupt the kernel, as the stop button of a front end does."""
        self.manager.interrupt_kernel()

    def children(self) -> list[psutil.Process]:
        """Processes that the kernel started and that still run; zombies do not count."""
        assert self.manager.provisioner is not None
        kernel = psutil.Process(self.manager.provisioner.pid)
        return [p for p in kernel.children(recursive=True) if p.is_running() and p.status() != "zombie"]


def click_cancel(kernel: Kernel, cell: Cell) -> None:
    """Click on the Cancel button of the view that `cell` shows.

    If the kernel does not answer in time while the cell runs, an interrupt follows, as in the view's script.
    """
    assert kernel.manager.provisioner is not None
    group = kernel.manager.provisioner.pid

    def interrupt_unless_answered() -> None:
        if not cell.answered and not cell.ended_at:
            os.killpg(group, signal.SIGINT)  # as the manager does; the manager itself belongs to one thread

    kernel.click(cell.comm_of(VIEW_MODEL))
    if not cell.ended_at:
        threading.Timer(ANSWER, interrupt_unless_answered).start()


def interrupt(kernel: Kernel, cell: Cell) -> None:
    """Interrupt the kernel."""
    kernel.interrupt()


KERNEL_FOLDER = os.environ.get("KERNEL_FOLDER", "")
"""A folder with another version of ipykernel for the kernels under test; see .ci/kernels."""


def own_ipython(home: Path) -> dict[str, str]:
    """An environment without the user's IPython profile, history and workspace."""
    return {
        **os.environ,
        **({"PYTHONPATH": KERNEL_FOLDER} if KERNEL_FOLDER else {}),
        "IPYTHONDIR": str(home / "ipython"),
        "HOME": str(home),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


@contextmanager
def kernel_in(home: Path, setup: str = "") -> Iterator[Kernel]:
    """Run a kernel of the interpreter under test with the working folder `home`, until the block ends."""
    manager = KernelManager(kernel_name="python3")
    assert manager.kernel_spec is not None
    manager.kernel_spec.argv[:] = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    manager.start_kernel(env=own_ipython(home), cwd=str(home))
    client = manager.blocking_client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        kernel = Kernel(manager, client, home)
        kernel.subshell()
        assert kernel.value("__import__('ipykernel').__file__").startswith(KERNEL_FOLDER)
        if setup:
            kernel.run(setup)
        yield kernel
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


MANY = """
%load_ext drawer_ipy
import asyncio, os, signal, sys, time
many = list(range(400))

async def nap(x):
    await asyncio.sleep(0.05)
    return x * 10

def snooze(x):
    time.sleep(0.05)
    return x * 10

def hang():
    open("hangs", "w").close()
    time.sleep(30)
"""
"""The setup that the cells of :func:`each` need by default."""


def each(
    button: str = "nap",
    head: str = "%%drawer t",
    extra: str = "",
    *,
    items: str = "$many",
    parallelism: int = 4,
) -> str:
    """A cell that presses `button` for each of some numbers."""
    return f"""{head} xs={items}
{extra}
steps:
  - id: each
    kind: for_each
    over: ${{inputs.xs}}
    as: x
    parallelism: {parallelism}
    steps: [{{id: y, button: {button}, args: {{x: "${{x}}"}}}}]
"""
