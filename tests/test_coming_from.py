"""The claims of docs/coming-from.md about other tools, checked with those that are installed."""

from __future__ import annotations

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from drawer_ipy import each

TEXT = (Path(__file__).parents[1] / "docs" / "coming-from.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, flags=re.S)


def fetch(url: str) -> str:
    if url == "bad":
        raise ValueError(url)
    return url.upper()


async def afetch(url: str) -> str:
    await asyncio.sleep(0)
    return fetch(url)


URLS = ["a", "bad", "c", "d"]


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_the_code_of_the_page_is_valid_python(block: str) -> None:
    import ast

    compile(block, "<block>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def test_each_keeps_every_row_after_a_failure() -> None:
    pages = each(fetch, URLS, parallelism=8, quiet=True)
    assert [(row.item, row.status, row.output) for row in pages] == [
        ("a", "ok", "A"),
        ("bad", "failed", None),
        ("c", "ok", "C"),
        ("d", "ok", "D"),
    ]


def test_gather_raises_the_first_error_and_loses_the_other_results() -> None:
    async def main() -> list[Any]:
        gate = asyncio.Semaphore(8)

        async def bounded(url: str) -> str:
            async with gate:
                return await afetch(url)

        return await asyncio.gather(*(bounded(url) for url in URLS))

    with pytest.raises(ValueError, match="bad"):
        asyncio.run(main())


def test_map_of_threads_ends_at_the_first_error_and_loses_results() -> None:
    called: list[str] = []

    def noted(url: str) -> str:
        called.append(url)
        return fetch(url)

    results: list[str] | None = None
    with ThreadPoolExecutor(8) as pool, pytest.raises(ValueError, match="bad"):
        results = list(pool.map(noted, URLS))
    assert results is None, "although the first call had succeeded"
    assert {"a", "bad"} <= set(called)
