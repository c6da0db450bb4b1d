"""The core in Python for the browser (Pyodide), without threads, processes and sockets; run by Node.js."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from other_origin import other_origin
from pyodide_rig import Pyodide, pyodide_in

pytestmark = pytest.mark.timeout(600)

COMMON = """
import asyncio, json, time
import drawer_ipy
from drawer_ipy import aeach, apress, button, each, press

found = {}

async def said(name, call):
    try:
        made = call()
        found[name] = str(await made if asyncio.iscoroutine(made) else made)
    except Exception as error:
        found[name] = f"{type(error).__name__}: {error}"

def double(x: int) -> dict:
    return {"y": x * 2}

async def increased(x):
    await asyncio.sleep(0.01)
    return x + 1

LOOP = {"steps": [{"id": "loop", "kind": "for_each", "over": "${inputs.xs}", "as": "x", "parallelism": 3,
    "steps": [{"id": "a", "button": "increased", "args": {"x": "${x * 10}"}},
    {"id": "b", "button": "double", "args": {"x": "${a.output}"}}]}]}
"""


@pytest.fixture(scope="module")
def pyodide(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pyodide]:
    with closing(pyodide_in(tmp_path_factory.mktemp("pyodide"))) as made:
        yield made


def run(pyodide: Pyodide, code: str) -> dict[str, Any]:
    """What `code` put into ``found``."""
    out = pyodide.run(f"{COMMON}\n{textwrap.dedent(code)}\nprint(json.dumps(found))")
    found: dict[str, Any] = json.loads(out.splitlines()[-1])
    return found


def test_a_drawer_with_sync_and_async_functions_is_pressed(pyodide: Pyodide) -> None:
    found = run(
        pyodide,
        """
        pages = await apress(LOOP, {"xs": [1, 2, 3, 4]})
        found |= {"y": list(pages["y"]), "status": pages.run.status, "html": pages._repr_html_()[:5]}
        rows = await aeach(double, [1, 2, 3])
        found |= {"each": list(rows["y"])}

        def unlucky(x):
            if x == 2:
                raise ValueError("two")
            return x

        tried = await aeach(unlucky, [1, 2, 3], check=False)
        found |= {"states": [row.status for row in tried]}
        again = await tried.aretry()
        found |= {"again": [row.status for row in again], "notes": [*tried.run.to_dict().get("notes", [])]}
        """,
    )
    assert found["y"] == [22, 42, 62, 82]
    assert found["status"] == "ok"
    assert found["html"].startswith("<")
    assert found["each"] == [2, 4, 6]
    assert found["states"] == found["again"] == ["ok", "failed", "ok"]
    assert not found["notes"]


def test_a_call_that_cannot_wait_names_the_awaited_one(pyodide: Pyodide) -> None:
    found = run(
        pyodide,
        """
        await said("press", lambda: press(LOOP, {"xs": [1]}))
        await said("each", lambda: each(double, [1]))
        failed = await aeach(lambda x: 1 / x, [0], check=False)
        await said("retry", failed.retry)
        """,
    )
    assert "UsageError" in found["press"]
    assert "`await apress(...)`" in found["press"]
    assert "`await aeach(...)`" in found["each"]
    assert "`await results.aretry()`" in found["retry"]


def test_what_the_platform_lacks_is_refused_by_name_before_anything_runs(pyodide: Pyodide) -> None:
    found = run(
        pyodide,
        """
        ran = []

        def noted(x):
            ran.append(x)

        D = {"steps": [{"id": "a", "button": "noted", "args": {"x": 1}}]}
        for durable in ("on", "strict"):
            await said(durable, lambda: apress(D, durable=durable))
        await said("resume", lambda: apress(D, resume=True))
        for backend in ("processes", "processes:2", "dask"):
            await said(backend, lambda: apress(D, backend=backend))
        await said("disk", lambda: aeach(noted, [1], keep="disk") if "keep" in aeach.__code__.co_varnames else
                   apress({"steps": [{"id": "l", "kind": "for_each", "over": [1], "as": "x", "keep": "disk",
                                      "steps": D["steps"]}]}))
        script = 'buttons:\\n  s: {runtime: RUNTIME, code: "echo hi"}\\nsteps:\\n  - {id: a, button: s}\\n'
        for runtime in ("sh", "python", "node"):
            await said(runtime, lambda: apress(script.replace("RUNTIME", runtime)))
        found["ran"] = ran
        """,
    )
    assert found.pop("ran") == []
    for name, text in found.items():
        assert "Python in the browser" in text, name
        assert text.startswith(("UsageError", "DefinitionError")), name
    assert "line 2" in found["sh"]
    assert "is a script" in found["sh"]
    assert "durable='strict'" in found["strict"]
    assert "'processes'" in found["processes"]


def test_results_are_cached_in_memory(pyodide: Pyodide) -> None:
    found = run(
        pyodide,
        """
        import builtins
        builtins.calls = 0

        @button(cache="1h")
        def counted(x: int) -> int:
            import builtins
            builtins.calls += 1
            return x

        first = await aeach(counted, [1, 2, 1])
        second = await aeach(counted, [1, 2, 3])
        found |= {"calls": builtins.calls, "notes": first.run.to_dict().get("notes", [])}
        found["values"] = list(second["output"])
        """,
    )
    assert found == {"calls": 3, "notes": [], "values": [1, 2, 3]}


def test_times_are_limited(pyodide: Pyodide) -> None:
    found = run(
        pyodide,
        """
        async def slow(x):
            await asyncio.sleep(5)

        def busy(x):
            end = time.perf_counter() + 0.3
            while time.perf_counter() < end:
                pass

        for function in (slow, busy):
            done = await aeach(function, [1], timeout=0.1, check=False)
            found[function.__name__] = done[0].error.code
        """,
    )
    assert found == {"slow": "TIMEOUT", "busy": "TIMEOUT"}


def test_a_run_is_cancelled_and_keeps_what_ended(pyodide: Pyodide) -> None:
    found = run(
        pyodide,
        """
        async def paced(x):
            await asyncio.sleep(0.05)
            return x

        from drawer_ipy.results.verdict import DrawerCancelled
        task = asyncio.ensure_future(aeach(paced, range(100), parallelism=2))
        await asyncio.sleep(0.5)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            found["end"] = "cancelled"
        """,
    )
    assert found["end"] == "cancelled"


def test_a_page_reaches_a_run_on_a_channel_while_its_cell_waits(pyodide: Pyodide) -> None:
    found = run(
        pyodide,
        """
        from js import BroadcastChannel, Object
        from pyodide.ffi import to_js
        from drawer_ipy.display.page_channel import PageChannel, needs_channel

        async def paced(x):
            await asyncio.sleep(0.05)
            return x

        heard = []
        task = asyncio.ensure_future(aeach(paced, range(400), parallelism=4))

        def hear(message):
            heard.append(message)
            task.cancel()

        channel = PageChannel("run 1", hear)
        page, other = BroadcastChannel.new("run 1"), BroadcastChannel.new("run 2")
        message = to_js({"kind": "cancel"}, dict_converter=Object.fromEntries)
        other.postMessage("for another run")
        asyncio.get_running_loop().call_later(0.3, page.postMessage, message)
        began = time.perf_counter()
        try:
            await task
        except asyncio.CancelledError:
            found["seconds"] = time.perf_counter() - began
        channel.close()
        channel.close()
        page.postMessage("after the end")
        await asyncio.sleep(0.1)
        page.close()
        other.close()
        found |= {"heard": heard, "needed": needs_channel()}
        """,
    )
    assert found["needed"] is True
    assert found["heard"] == [{"kind": "cancel"}]
    assert found["seconds"] < 3  # the whole run takes 5


def test_a_button_cannot_end_the_loop_or_the_program(pyodide: Pyodide) -> None:
    found = run(
        pyodide,
        """
        import sys
        from asyncio import create_task

        async def leaves(x):
            task = asyncio.create_task(asyncio.sleep(0), name="named")
            await task
            async def out():
                sys.exit(3)
            await asyncio.gather(asyncio.create_task(out()), return_exceptions=True)

        def stops(x):
            asyncio.get_event_loop().stop()

        for function in (leaves, stops):
            done = await aeach(function, [1], check=False)
            found[function.__name__] = done[0].status
        await asyncio.create_task(asyncio.sleep(0), name="after the run")
        """,
    )
    assert found == {"leaves": "failed", "stops": "failed"}


def test_the_demo_site_is_served_in_process(pyodide: Pyodide) -> None:
    found = run(
        pyodide,
        """
        from drawer_ipy.demo import DemoSite
        from urllib.request import urlopen
        import aiohttp

        site = DemoSite.start()
        items = await aeach(site.url + "/api/items/{{n}}", [1, 2, 3], parallelism=3)
        slow = await aeach(site.url + "/slow/100?n={{n}}", range(8), parallelism=4)
        found |= {"titles": list(items["title"]), "waited": list(slow["waited_ms"])}
        found |= {"peak": site.stats().max_in_flight, "right": [item.title for item in site.items[:3]]}
        async with aiohttp.ClientSession() as session, session.get(site.url + "/item/1") as response:
            found["page"] = response.status
        await said("urlopen", lambda: urlopen(site.url))
        failed = await aeach("https://example.com/{{n}}", [1], check=False)
        found["elsewhere"] = str(failed[0].error)
        site.stop()
        """,
    )
    assert found["titles"] == found["right"]
    assert found["waited"] == [100] * 8
    assert found["peak"] == 4
    assert found["page"] == 200
    assert "async client" in found["urlopen"]
    assert "CORS" in found["elsewhere"]


def test_the_page_sends_requests_to_other_hosts(pyodide: Pyodide) -> None:
    with other_origin() as origin:
        found = run(
            pyodide,
            f"ORIGIN = {origin!r}\n"
            + textwrap.dedent("""
            async def ask(name, url, **fields):
                spec = {"url": ORIGIN + url, "allow_private_networks": True, **fields}
                drawer = {"buttons": {"ask": spec}, "steps": [{"id": "a", "button": "ask"}]}
                done = await apress(drawer, check=False)
                found[name] = done[0].output if done[0].status == "ok" else str(done[0].error)

            await ask("get", "/open?n=1", headers={"X-Key": "k"})
            await ask("post", "/open", method="POST", body={"n": 1})
            await ask("long", "/long")
            await ask("limit", "/long", max_response_bytes=1000)
            await ask("slow", "/slow", read_timeout_seconds=0.2)
            await ask("late", "/slow", timeout_seconds=0.2)
            await ask("proxy", "/open", proxy="http://127.0.0.1:1")
            await ask("verify", "/open", verify=False)
            await ask("cookies", "/open", cookies=True)
            await ask("header", "/open", headers={"Referer": "https://example.com"})
            await ask("method", "/open", method="TRACE")
            found["long"] = len(found["long"]) if isinstance(found["long"], str) else found["long"]
            drawer = {"buttons": {"ask": {"url": ORIGIN + "/open"}}, "steps": [{"id": "a", "button": "ask"}]}
            found["private"] = str((await apress(drawer, check=False))[0].error)
            """),
        )
    assert found["get"] == {"method": "GET", "key": "k", "body": ""}
    assert found["post"]["method"] == "POST"
    assert json.loads(found["post"]["body"]) == {"n": 1}
    assert found["long"] == 100_000
    assert "longer than 1,000 bytes" in found["limit"]
    assert "sent nothing for too long" in found["slow"]
    assert "timed out after 0.2 s" in found["late"]
    for name in ("proxy", "verify", "cookies", "header", "method"):
        assert "Python in the browser sends requests by the page" in found[name], name
    assert "'Referer'" in found["header"]
    assert "private" in found["private"]
