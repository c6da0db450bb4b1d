"""The tables of a kernel that pages can work with: one widget model for all of them.

The HTML of a table is static and has an element in which the script of the model shows a grid instead
(`mount.js`). So a notebook without a kernel, a page without widgets and a table that is gone show the HTML.
"""

from __future__ import annotations

import threading
import uuid
import weakref
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from drawer_ipy.common.platform import has_threads
from drawer_ipy.common.threads import OneThread
from drawer_ipy.common.user_code import pass_on_interrupt
from drawer_ipy.display.script import mount_html
from drawer_ipy.display.tables.answers import Answers, TableAnswer
from drawer_ipy.display.tables.query import BadRequest
from drawer_ipy.display.tables.retries import retry_table
from drawer_ipy.display.tables.stage import Stage
from drawer_ipy.display.tables.texts import KeptTexts
from drawer_ipy.display.tables.wanted import Superseded
from drawer_ipy.results import Results
from drawer_ipy.results.origin import Origin
from drawer_ipy.results.shown.table import to_html

MOST_OPEN = 40
"""Most tables that pages can work with at a time; the oldest then shows its HTML again."""


class Tables:
    """The tables of one kernel.

    Results are held weakly: a table that the user's program has dropped shows its HTML again.

    Args:
        shell: IPython's shell.
    """

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._open: OrderedDict[str, OpenTable] = OrderedDict()
        self._lock = threading.RLock()
        self._model: Any = None
        self._workers: dict[bool, OneThread] = {}
        self._newest: dict[Any, Any] = {}
        self._kept = KeptTexts()

    def __call__(self, results: Results) -> dict[str, Any]:
        """Return the MIME bundle of `results`, for IPython's display."""
        html = to_html(results.view, self.around(results)) if len(results) else to_html(results.view)
        return {"text/html": html, "text/plain": repr(results)}

    def around(self, results: Results, stage: Stage | None = None) -> Callable[[str], str]:
        """Return a function that puts the HTML of `results` into the element where a grid replaces it.

        Args:
            stage: where a retry from the page is shown; ``None`` if there is none.
        """
        key = self.open(results, stage)
        return lambda html: mount_html(key, html)

    def open(self, results: Results, stage: Stage | None = None) -> str:
        """Let pages work with `results`; returns the key of the table."""
        with self._lock:
            key = uuid.uuid4().hex if stage is None else stage.table
            self._open[key] = OpenTable(results, self._drop_soon, self._kept, stage)
            self._open.move_to_end(key)
            while len(self._open) > MOST_OPEN:
                self._open.popitem(last=False)
            self.tidy()
        return key

    def tidy(self) -> None:
        """Forget the tables whose results are gone, and tell the pages which ones are left."""
        with self._lock:
            for key in [key for key, table in self._open.items() if table.results is None]:
                del self._open[key]
            if self._model is None:
                from drawer_ipy.display.tables.model import TablesModel

                self._model = TablesModel(self.ask)
            if self._model.tables != [*self._open]:
                self._model.tables = [*self._open]

    def close(self) -> None:
        """Close all tables; pages show their HTML."""
        with self._lock:
            self._open.clear()
            model, self._model = self._model, None
            workers, self._workers = self._workers, {}
        if model is not None:
            model.close()
        for worker in workers.values():
            worker.close()

    def _drop_soon(self) -> None:
        # Called by the garbage collector, which may interrupt any code: so only ask the loop for a call.
        loop = getattr(getattr(self._shell.kernel, "io_loop", None), "asyncio_loop", None)
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self.tidy)

    # Questions

    def ask(self, question: Any, reply: Callable[[dict[str, Any], list[bytes]], None]) -> None:
        """Answer the question of a page: at once if that is quick, else from a thread.

        Args:
            question: ``{"table": key, "number": n, "page": id, "ask": name, ...}``.
            reply: sends the answer, which has the same ``table``, ``number`` and ``page``.
        """
        if not isinstance(question, Mapping) or not isinstance(question.get("table"), str):
            return
        name = {part: question.get(part) for part in ("table", "number", "page")}

        def send(answer: TableAnswer) -> None:
            reply({**answer.content, **name}, answer.buffers)

        table = self._open.get(question["table"])
        results = None if table is None else table.results
        if table is None or results is None:
            send(TableAnswer({"gone": True}))
            self.tidy()
        elif question.get("ask") == "retry":
            retry_table(results, table.stage, lambda content: send(TableAnswer(content)), self.changed)
        elif table.answers.is_quick(question):
            send(_answered(table.answers, question, lambda: True))
        else:
            self._later(table.answers, question, send)

    def changed(self, origin: Origin, table: str, problem: str) -> None:
        """Tell the pages that the tables of a run have changed, since it was pressed again.

        Args:
            origin: the run.
            table: the key of the table from which it was pressed.
            problem: what went wrong, ``""`` for nothing.
        """
        with self._lock:
            model, opened = self._model, [*self._open.items()]
        shown = [key for key, one in opened if (found := one.results) and found.view.origin is origin]
        if model is not None:
            model.send({"changed": shown, "pressed": table, "problem": problem})

    def _later(
        self, answers: Answers, question: Mapping[str, Any], send: Callable[[TableAnswer], None]
    ) -> None:
        # A page that asks for other rows does not want the earlier ones any more.
        newest = (question["table"], str(question.get("page")), question.get("ask"))
        token = self._newest[newest] = object()

        def alive() -> bool:
            return self._newest.get(newest) is token

        def work() -> None:
            try:
                answer = _answered(answers, question, alive)
            except Superseded:
                answer = TableAnswer({"superseded": True})
            finally:
                if alive():
                    del self._newest[newest]
            send(answer)

        # Users wait for rows and values; the types of the columns come when they are there.
        urgent = question.get("ask") != "types"
        with self._lock:
            worker = self._workers.get(urgent)
            if worker is None:
                worker = self._workers[urgent] = OneThread("drawer-table")
        worker.submit(work)


class OpenTable:
    """A table that pages can work with.

    Args:
        results: the table; held weakly.
        dropped: called when it is gone.
        kept: how much memory the texts of all tables may take.
        stage: where a retry from the page is shown; ``None`` if there is none.
    """

    def __init__(
        self, results: Results, dropped: Callable[[], None], kept: KeptTexts, stage: Stage | None = None
    ) -> None:
        self._results = weakref.ref(results, lambda _: dropped())
        self.stage: Stage | None = stage if has_threads() else None  # a retry has a thread of its own
        self.answers: Answers = Answers(self._view, may_retry=self.stage is not None, kept=kept)

    @property
    def results(self) -> Results | None:
        """The table, or ``None`` if the user's program has dropped it."""
        return self._results()

    def _view(self) -> Any:
        results = self._results()
        if results is None:
            raise BadRequest("the table is gone")
        return results.view


def _answered(answers: Answers, question: Mapping[str, Any], alive: Callable[[], bool]) -> TableAnswer:
    try:
        return answers.answer(question, alive)
    except Superseded:
        raise
    except BadRequest as error:
        return TableAnswer({"problem": str(error)})
    except BaseException as error:  # values of any class are read: one failure must not end the others
        pass_on_interrupt(error)
        return TableAnswer({"problem": f"{type(error).__name__} in the kernel"})
