"""The mock of a completions API on the demo site."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest

from drawer_ipy import each
from drawer_ipy.demo import DemoSite
from drawer_ipy.demo.completions import TOKEN, tokens_in
from drawer_ipy.demo.state import DemoState

PATH = "/api/completions"


@pytest.fixture
def site() -> Iterator[DemoSite]:
    with DemoSite.start() as running:
        yield running


def ask(site: DemoSite, path: str = PATH, token: str = TOKEN, **body: Any) -> tuple[int, Any, Any]:
    async def once() -> tuple[int, Any, Any]:
        headers = {"Authorization": f"Bearer {token}"}
        async with (
            aiohttp.ClientSession() as session,
            session.post(site.url + path, headers=headers, json=body) as got,
        ):
            return got.status, await got.json(), got.headers

    return asyncio.run(once())


def test_the_response_to_a_prompt_includes_its_usage(site: DemoSite) -> None:
    status, answer, _ = ask(site, prompt="a lamp of brass", max_tokens=8)
    assert status == 200
    assert answer["choices"][0]["message"]["content"] == "4 words, the longest is 'brass'"
    assert answer["usage"] == {"prompt_tokens": 4, "total_tokens": 12}
    assert tokens_in("a lamp of brass") == 4


@pytest.mark.parametrize(
    "body", [{}, {"prompt": 3}, {"prompt": "a", "max_tokens": 0}, {"prompt": "a", "max_tokens": True}]
)
def test_an_invalid_body_is_refused(site: DemoSite, body: dict[str, Any]) -> None:
    assert ask(site, **body)[0] == 400


def test_a_wrong_token_is_refused(site: DemoSite) -> None:
    assert ask(site, token="stolen", prompt="a")[0] == 401


@pytest.mark.parametrize("limits", ["?rps=1", "?tpm=600"])
def test_an_exhausted_limit_gets_a_response_with_the_seconds_to_wait(site: DemoSite, limits: str) -> None:
    found = [ask(site, PATH + limits, prompt="a", max_tokens=30) for _ in range(4)]
    assert found[0][0] == 200
    status, answer, headers = found[-1]
    assert status == 429
    assert answer["error"]["type"] == "rate_limit"
    assert int(headers["Retry-After"]) >= 1


def test_a_budget_grows_with_time() -> None:
    now = 100.0
    state = DemoState(clock=lambda: now)
    assert [state.spend("k", 5, 5), state.spend("k", 5, 5)] == [0, 0], "one second may be used up in advance"
    assert state.spend("k", 5, 5) == pytest.approx(1.0)
    now += 1.0
    assert state.spend("k", 5, 5) == 0
    assert state.spend("other", 50, 5) == 0


def test_an_outage_lasts_until_the_site_is_reset(site: DemoSite) -> None:
    found = [ask(site, f"{PATH}?outage_after=1", prompt="a")[0] for _ in range(3)]
    assert found == [200, 500, 500]
    site.reset()
    assert ask(site, f"{PATH}?outage_after=1", prompt="a")[0] == 200


def test_rates_with_costs_keep_to_the_limits_of_the_api(site: DemoSite) -> None:
    rows = [{"prompt": "word " * (n % 5 + 1), "tokens": n % 5 + 20} for n in range(40)]
    found = each(
        f"{site.url}{PATH}?rps=50&tpm=120000",
        rows,
        parallelism=8,
        method="POST",
        auth={"bearer": TOKEN},
        body={"prompt": "{{prompt}}", "max_tokens": 16},
        rate=["50/s", {"limit": "120000/min", "cost": "${tokens}"}],
        quiet=True,
    )
    assert found.ok, found.errors
    assert site.stats().requests == 40, "no request was refused and repeated"
