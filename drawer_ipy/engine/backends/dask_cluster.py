"""The connection of one run to a Dask cluster: its workers as they come and go, and what is run on them."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import io
import logging
import pickle
import pickletools
import sys
import uuid
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any

import distributed
from distributed.comm.addressing import parse_address
from distributed.comm.registry import get_backend

from drawer_ipy.common.tracebacks import describe
from drawer_ipy.engine.backends.base import BackendError
from drawer_ipy.engine.backends.by_value import ValuePickler, by_value
from drawer_ipy.engine.backends.worker import on_dask

_NO_CLIENT = "make one in an earlier cell: `from distributed import Client; client = Client()`"
_NO_SCHEDULER = "`client.scheduler.address` is the address of a scheduler; its dashboard has another port"
_CONNECT_SECONDS = 10.0
_WATCH_SECONDS = 0.5
_SLACK = 2.0
"""Further seconds until a connection fails, so that Dask's own error comes first: it says more."""
_WORKER_SECONDS = 15.0
"""Most seconds to wait for the first worker, for instance while a nanny restarts the only one."""

_BY_VALUE = frozenset(
    {
        "drawer_ipy.common.error_parts",
        *(
            f"drawer_ipy.engine.backends.worker.{name}"
            for name in ("on_dask", "connection", "failure", "pickling", "pressing")
        ),
    }
)


class Cluster:
    """A client of its own, so that the user's futures, events and settings are left alone.

    Args:
        address: the scheduler's; ``""`` for that of the current client.
        joined: called with the address and the number of threads of a worker that can be used.
        left: called with the address of a worker that is gone.
        heard: called with each event of a press: batch, number, kind, text.
        lost: called when the connection to the scheduler is lost.
    """

    def __init__(
        self,
        address: str,
        joined: Callable[[str, int, str], None],
        left: Callable[[str], None],
        heard: Callable[[str, int, str, str], None],
        lost: Callable[[BackendError], None],
    ) -> None:
        self._address = address
        self._joined, self._left, self._heard, self._lost = joined, left, heard, lost
        self.run: str = uuid.uuid4().hex
        self._topic = f"drawer-ipy-{self.run}"
        self._client: Any = None
        self._functions: dict[bytes, bytes] = {}
        self._workers: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._teaching = asyncio.Lock()

    def find(self) -> tuple[str, Any]:
        """Return the address and the security settings of the scheduler.

        Raises:
            BackendError: there is no client, or the address cannot be one of a scheduler.
        """
        if self._address:
            _check_address(self._address)
            return self._address, None
        try:
            client = distributed.default_client()  # type: ignore[no-untyped-call]
        except ValueError:
            raise BackendError("there is no Dask client", remediation=_NO_CLIENT) from None
        if client.status != "running" or client.scheduler is None:
            raise BackendError(f"the Dask client is {client.status}", remediation=_NO_CLIENT)
        return client.scheduler.address, client.security

    async def open(self, functions: Mapping[bytes, bytes], modules: Iterable[str]) -> str:
        """Connect, check all workers and give them the functions; return the scheduler's address.

        Raises:
            BackendError: there is no scheduler or worker, versions differ, or a module is missing.
        """
        address, security = self.find()
        self._functions = dict(functions)
        self._client = await _connected(address, security)
        self._client.subscribe_topic("all", self._happened)
        self._client.subscribe_topic(self._topic, self._event)
        try:
            workers = await self._checked_workers(sorted(modules))
            await self._client.run(_call("keep"), self.run, self._functions)
        except OSError as error:
            raise _lost_scheduler(address, error) from None
        for worker in workers:
            self._add(worker, workers[worker])
        self._start(self._watch(address))
        return str(address)

    def knows(self, key: bytes) -> bool:
        """Whether all workers have the function `key`."""
        return key in self._functions

    async def teach(self, key: bytes, body: bytes) -> None:
        """Give a further function to all workers, unless they have it."""
        async with self._teaching:
            if key not in self._functions:
                await self._client.run(_call("keep"), self.run, {key: body})
                self._functions[key] = body

    async def press(self, worker: str, batch: str, presses: list[tuple[int, bytes, int, bytes]]) -> bytes:
        """Run a batch on a worker and return what it returned.

        Raises:
            WorkerLost: the worker is gone, or the batch was dropped.
        """
        try:
            future = self._client.submit(
                eval,
                on_dask.PRESS,
                {"payload": pickle.dumps((self.run, batch, presses), 5)},
                key=f"{self._topic}-{batch}",
                workers=[worker],
                allow_other_workers=False,
                pure=False,
                retries=0,
            )
            try:
                answer: bytes = await future
            finally:
                future.release()
        except Exception as error:  # of Dask's, which has many
            raise WorkerLost(describe(error)) from None
        return answer

    async def interrupt(self, worker: str, batch: str, number: int, seconds: float) -> bool:
        """End a press; return whether it has ended."""
        try:
            found = await self._client.run(
                _call("interrupt"), self.run, batch, number, seconds, workers=[worker], on_error="ignore"
            )
        except Exception:  # the worker is gone
            return True
        return bool(found.get(worker, True))

    async def others_on(self, worker: str, ours: Iterable[str]) -> bool:
        """Whether a worker runs or holds anything but the batches `ours`."""
        keys = {f"{self._topic}-{batch}" for batch in ours}
        processing = await self._client.processing(workers=[worker])
        held = await self._client.has_what(workers=[worker])
        there = {str(key) for found in (processing, held) for key in found.get(worker, ())}
        return bool(there - keys)

    async def kill(self, worker: str, stuck: Iterable[tuple[str, int]]) -> bool:
        """Kill a worker's process, which its nanny starts again.

        Returns:
            ``False`` if it has no nanny, or runs other presses of drawer_ipy than `stuck`: batch and number.
        """
        about = (await self._workers_now()).get(worker)
        if about is None:
            return True
        if not about.get("nanny"):
            return False
        places = [(self.run, batch, number) for batch, number in stuck]
        try:
            await self._client.run(_call("end_process"), places, workers=[worker])
        except Exception:  # the connection breaks when the process ends
            return True
        return False

    async def aclose(self) -> None:
        """Forget everything on the workers, and disconnect."""
        for task in self._tasks:
            task.cancel()
        if self._client is None:
            return
        if self._client.status == "running":
            with contextlib.suppress(Exception):  # workers or the scheduler may be gone
                async with asyncio.timeout(_CONNECT_SECONDS):
                    await self._client.run(_call("forget"), self.run, on_error="ignore")
        with contextlib.suppress(Exception):
            for topic in ("all", self._topic):
                self._client.unsubscribe_topic(topic)
            await self._client.close()
        self._client = None

    async def _workers_now(self) -> dict[str, Mapping[str, Any]]:
        info = await self._client.scheduler.identity()
        workers: dict[str, Mapping[str, Any]] = dict(info["workers"])
        return workers

    async def _checked_workers(self, modules: list[str]) -> dict[str, Mapping[str, Any]]:
        """Return the workers.

        Raises:
            BackendError: there is none, versions differ, or one of `modules` is missing.
        """
        workers = await self._first_workers()
        if not workers:
            raise BackendError(
                "the Dask cluster has no workers", remediation="`client.cluster.scale(4)` adds some"
            )
        if problem := _misfit(await self._client.run(_call("probe"), modules)):
            raise BackendError(problem)
        return workers

    async def _first_workers(self) -> dict[str, Mapping[str, Any]]:
        """Return the workers; wait a moment if there is none, since they may be starting."""
        workers = await self._workers_now()
        if not workers:
            with contextlib.suppress(TimeoutError):
                await self._client.wait_for_workers(1, timeout=_WORKER_SECONDS)
            workers = await self._workers_now()
        return workers

    def _add(self, worker: str, about: Mapping[str, Any]) -> None:
        if worker not in self._workers:
            self._workers.add(worker)
            name = about.get("name") or worker
            self._joined(worker, int(about["nthreads"]), str(name))

    def _happened(self, event: tuple[float, Any]) -> None:
        message = event[1]
        if not isinstance(message, dict):
            return
        action, worker = message.get("action"), message.get("worker")
        if action == "remove-worker" and worker in self._workers:
            self._workers.discard(worker)
            self._left(worker)
        elif action == "add-worker" and worker not in self._workers:
            self._start(self._welcome(str(worker)))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` until the run ends."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _watch(self, address: str) -> None:
        """Say when the connection is lost. Dask may connect again, but forgets what was sent before."""
        while self._client.status == "running":  # noqa: ASYNC110 - Dask has no event for it
            await asyncio.sleep(_WATCH_SECONDS)
        self._lost(_lost_scheduler(address))

    async def _welcome(self, worker: str) -> None:
        """Give the functions to a worker that has just started, and use it from then on."""
        try:
            about = (await self._workers_now())[worker]
            async with self._teaching:  # a function that is being taught must not miss this worker
                await self._client.run(_call("keep"), self.run, self._functions, workers=[worker])
        except Exception as error:  # it is gone again
            logging.getLogger(__name__).debug("worker %s cannot be used: %s", worker, describe(error))
            return
        self._add(worker, about)

    def _event(self, event: tuple[float, Any]) -> None:
        batch, number, kind, text = event[1]
        self._heard(batch, number, kind, text)


def _check_address(address: str) -> None:
    """Check that `address` has a scheme that Dask knows, and the host and port that the scheme requires.

    Raises:
        BackendError: it has not.
    """
    try:
        scheme, place = parse_address(address)
        transport: Any = get_backend(scheme)
        _, port = transport.get_address_host_port(place)
        if not 0 < port < 65_536:
            raise ValueError(f"there is no port {port}")
    except NotImplementedError:  # the scheme has neither, as that of a cluster in this process
        return
    except ValueError as error:
        raise BackendError(
            f"{address!r} is not the address of a Dask scheduler: {error}",
            remediation="write `dask:tcp://host:8786`",
        ) from None


async def _connected(address: str, security: Any) -> Any:
    """Return a client of the scheduler at `address`.

    Raises:
        BackendError: there is no scheduler.
    """
    client: Any = distributed.Client(  # type: ignore[no-untyped-call]
        address,
        asynchronous=True,
        set_as_default=False,
        security=security,
        timeout=_CONNECT_SECONDS,
        name="drawer-ipy",
    )
    try:
        # Dask itself waits without an end for a program that takes the connection and does not answer.
        async with asyncio.timeout(_CONNECT_SECONDS + _SLACK) as limit:
            return await client
    except BaseException as error:
        with contextlib.suppress(Exception):
            await client.close()  # else Dask does so at some later time, when the event loop may be closed
        if not isinstance(error, Exception):
            raise
        # Of whatever kind, since the answer of another program can be anything.
        why = f"no answer in {_CONNECT_SECONDS + _SLACK:g} s" if limit.expired() else describe(error)
        raise BackendError(
            f"there is no Dask scheduler at {address}: {why}", remediation=_NO_SCHEDULER
        ) from None


def _lost_scheduler(address: str, error: OSError | None = None) -> BackendError:
    why = f": {describe(error)}" if error is not None else ""
    return BackendError(f"the connection to the Dask scheduler at {address} was lost{why}")


class WorkerLost(Exception):
    """A batch has no result, since its worker is gone."""


class _ByValue:
    """A function that is unpickled without a module of this package."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.__name__ = "drawer_ipy"

    def __call__(self, *_: Any) -> Any:
        raise RuntimeError("this is only called on workers")

    def __reduce__(self) -> Any:
        return pickle.loads, (self._data,)


@functools.cache
def _call(name: str) -> _ByValue:
    """Return the function `name` of :mod:`~drawer_ipy.engine.backends.worker.on_dask`, ready to be sent."""
    file = io.BytesIO()
    with by_value(_BY_VALUE):
        ValuePickler(file, 5).dump(getattr(on_dask, name))
    return _ByValue(file.getvalue())


def modules_of(data: bytes) -> set[str]:
    """Return the modules that unpickling `data` imports, without those of Python and of cloudpickle."""
    found: set[str] = set()
    texts: list[str] = []
    for operation, argument, _ in pickletools.genops(io.BytesIO(data)):
        if isinstance(argument, str):
            texts.append(argument)
        if operation.name == "STACK_GLOBAL":
            found.update(texts[-2:-1])
        elif operation.name == "GLOBAL":
            found.add(str(argument).split(" ")[0])
    own = {*sys.stdlib_module_names, "cloudpickle", "__main__", "_cloudpickle_submodules"}
    return {name for name in found if name.split(".")[0] not in own and name in sys.modules}


def _misfit(found: Mapping[str, Mapping[str, Any]]) -> str:
    """Say what does not fit on the workers, ``""`` if everything does."""
    own = list(sys.version_info[:2])
    other = {tuple(one["python"]) for one in found.values() if list(one["python"]) != own}
    if other:
        count = sum(list(one["python"]) != own for one in found.values())
        there = " and ".join(f"{a}.{b}" for a, b in sorted(other))
        return f"the kernel has Python {own[0]}.{own[1]}, and {count} of {len(found)} workers have {there}"
    for name in sorted({name for one in found.values() for name in one["missing"]}):
        count = sum(name in one["missing"] for one in found.values())
        return f"module {name} is not on {count} of {len(found)} workers"
    return ""
