"""A real Jupyter kernel, driven as a front end drives it: cells, clicks, interrupts, and what comes back."""

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

VIEW = "application/vnd.jupyter.widget-view+json"
VIEW_MODEL = "AnyModel"
"""The widget model of the live view."""

ANSWER = 0.7
"""Seconds after which the view's script turns an unanswered Cancel into an interrupt."""

PATIENCE = 30.0
"""Seconds without a message after which a kernel counts as stuck."""


@dataclass
class Cell:
    """Messages a cell caused, with the second at which each came.

    Attributes:
        messages: (seconds since the cell was sent, message) of its own, and every comm message meanwhile.
        others: messages of other cells that came meanwhile.
        reply: content of the execution's reply.
        now: seconds since the cell was sent.
        acted_at, ended_at: seconds at which something was done to it, and at which it was over.
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

    def _comms(self, model: str) -> set[str]:
        opened = self.of("comm_open")
        return {o["comm_id"] for o in opened if o["data"]["state"].get("_model_name") == model}

    def printed(self, stream: str) -> str:
        """What came on that stream."""
        return "".join(m["text"] for m in self.of("stream") if m["name"] == stream)

    @property
    def stdout(self) -> str:
        """What the cell printed."""
        return self.printed("stdout")

    @property
    def shown(self) -> str:
        """The last table or text the cell displayed, as plain text."""
        kinds = ("display_data", "update_display_data", "execute_result")
        bundles = [m["content"]["data"] for _, m in self.messages if m["msg_type"] in kinds]
        return str(bundles[-1]["text/plain"])

    @property
    def traceback(self) -> str:
        """What the cell's error showed."""
        return "\n".join(self.reply.get("traceback", []))

    @property
    def answered(self) -> bool:
        """Whether the kernel has answered a click on Cancel."""
        return any(m["data"].get("content") == {"kind": "ack"} for m in self.of("comm_msg"))

    @property
    def took(self) -> float:
        """Seconds from what was done to the cell until it was over."""
        assert self.acted_at is not None, "the cell was over before anything was done to it"
        return self.ended_at - self.acted_at


Action = Callable[["Kernel", Cell], None]


@dataclass
class Kernel:
    """One kernel and the client that talks to it."""

    manager: KernelManager
    client: BlockingKernelClient
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
        """Execute `code` and wait until it is over.

        Args:
            code: the cell's text.
            fails: whether its reply is an error; anything else than that is a failure of the test.
            act: done once, as soon as `when` holds of what has come so far.
            when: looked at after each message, and every 50 ms.
            click_after: click on the display's Cancel button after so many seconds.
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
        """Everything that the execution `message_id` causes, until it is over."""
        cell, began = Cell(), time.perf_counter()
        while True:
            message = self._next(0.05 if act is not None else PATIENCE)
            now = cell.now = time.perf_counter() - began
            if act is not None and (cell.messages or message is None) and when(cell):
                doing, act = act, None
                cell.acted_at = now
                doing(self, cell)
            if message is None:
                assert now < PATIENCE, "the kernel says nothing any more"
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
        """The next message, ``None`` when there is none for a moment."""
        try:
            return dict(self.client.get_iopub_msg(timeout=patience))
        except queue.Empty:
            assert patience < PATIENCE, "the kernel says nothing any more"
            return None

    def _reply(self, message_id: str) -> dict[str, Any]:
        while True:
            message = self.client.get_shell_msg(timeout=PATIENCE)
            if message["parent_header"].get("msg_id") == message_id:
                return dict(message["content"])

    def value(self, expression: str) -> Any:
        """What `expression` is in the kernel, for literals."""
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
        """Click on Cancel in the view whose comm is `comm_id`, as its script does.

        Where the kernel has subshells it comes by one of them: JupyterLab sends what is for widgets so.
        """
        shell = self.subshell()
        self.tell(comm_id, {"kind": "cancel"}, channel, {"subshell_id": shell} if shell else header)

    def subshell(self) -> str:
        """The id of a subshell, ``""`` where the kernel has none."""
        if self._subshell is None:
            info = self._asked("kernel_info_request", "shell")
            has = "kernel subshells" in info.get("supported_features", [])
            self._subshell = (
                str(self._asked("create_subshell_request", "control")["subshell_id"]) if has else ""
            )
        return self._subshell

    def _asked(self, kind: str, channel: str) -> dict[str, Any]:
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
        """Send what a view's script sends to the kernel."""
        data = {"method": "custom", "content": content}
        message = self.client.session.msg("comm_msg", {"comm_id": comm_id, "data": data})
        message["header"].update(header or {})
        getattr(self.client, f"{channel}_channel").send(message)

    def interrupt(self) -> None:
        """What the stop button of a front end does."""
        self.manager.interrupt_kernel()

    def children(self) -> list[psutil.Process]:
        """Processes that the kernel started and that are still there; zombies do not count."""
        assert self.manager.provisioner is not None
        kernel = psutil.Process(self.manager.provisioner.pid)
        return [p for p in kernel.children(recursive=True) if p.is_running() and p.status() != "zombie"]


def click_cancel(kernel: Kernel, cell: Cell) -> None:
    """Click on the Cancel button of the view that `cell` shows.

    While the cell runs, an interrupt follows where nothing has answered in time; what the view's script does.
    """
    assert kernel.manager.provisioner is not None
    group = kernel.manager.provisioner.pid

    def otherwise() -> None:
        if not cell.answered and not cell.ended_at:
            os.killpg(group, signal.SIGINT)  # as the manager does, which keeps to one thread

    kernel.click(cell.comm_of(VIEW_MODEL))
    if not cell.ended_at:
        threading.Timer(ANSWER, otherwise).start()


def interrupt(kernel: Kernel, cell: Cell) -> None:
    """Interrupt the kernel."""
    kernel.interrupt()


KERNEL_FOLDER = os.environ.get("KERNEL_FOLDER", "")
"""A folder with another ipykernel than the installed one, for the kernels under test; see .ci/kernels."""


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
    """A kernel of the interpreter under test whose working folder is `home`, ended for good at the end."""
    manager = KernelManager(kernel_name="python3")
    assert manager.kernel_spec is not None
    manager.kernel_spec.argv[:] = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    manager.start_kernel(env=own_ipython(home), cwd=str(home))
    client = manager.blocking_client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        kernel = Kernel(manager, client)
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
import asyncio, os, sys, time
many = list(range(400))

async def nap(x):
    await asyncio.sleep(0.05)
    return x * 10

def snooze(x):
    time.sleep(0.05)
    return x * 10
"""
"""What the cells that :func:`each` makes need, unless they say otherwise."""


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
