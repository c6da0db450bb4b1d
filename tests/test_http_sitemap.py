"""`sitemap: true`: the addresses of a sitemap index and all its parts."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from http_rig import RawServer, answer_of, raw_server
from wire_rig import Sent, wire_server
from wire_rig import pressed as pressed_drawer

from drawer_ipy import DefinitionError, Results
from drawer_ipy import press as press_drawer
from drawer_ipy.pressing.prepare import prepare
from drawer_ipy.pressing.surroundings import Surroundings

SPACE = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'


def urls(*locs: str, space: str = SPACE) -> str:
    found = "".join(
        f"<url>\n <loc> {loc} </loc><lastmod>2024-01-0{n + 1}</lastmod></url>" for n, loc in enumerate(locs)
    )
    return f'<?xml version="1.0" encoding="UTF-8"?><urlset {space}>{found}</urlset>'


def index(*locs: str) -> str:
    found = "".join(f"<sitemap><loc>{loc}</loc></sitemap>" for loc in locs)
    return f'<?xml version="1.0"?><sitemapindex {SPACE}>{found}</sitemapindex>'


class Pressed:
    """The result of reading a sitemap.

    Attributes:
        step: the result of the step.
        notes: the notes of the run.
        heads: the heads of the requests.
    """

    def __init__(self, step: Any, notes: list[str], heads: list[str]) -> None:
        self.step, self.notes, self.heads = step, notes, heads

    @property
    def targets(self) -> list[str]:
        return [head.split()[1] for head in self.heads]


def pressed(files: Mapping[str, Any], start: str = "/sitemap.xml", **fields: Any) -> Pressed:
    """Read the sitemap of a site with `files`, which maps paths to text, bytes or (body, type).

    ``{base}`` in text is replaced by the address of the site.
    """

    async def answer(server: RawServer, path: str, writer: asyncio.StreamWriter) -> None:
        found = files.get(path)
        if found is None:
            writer.write(answer_of(b"", "404 Not Found"))
            return
        body, kind = found if isinstance(found, tuple) else (found, "text/xml")
        if isinstance(body, str):
            body = body.replace("{base}", server.url).encode()
        writer.write(answer_of(body, Content_Type=kind))

    async def run() -> Pressed:
        async with raw_server(answer) as server:
            spec = {"url": f"{server.url}{start}", "sitemap": True, "allow_private_networks": True, **fields}
            drawer = {"name": "t", "buttons": {"get": spec}, "steps": [{"id": "a", "button": "get"}]}
            job = prepare(drawer, around=Surroundings())
            results = Results.of(await job.run.execute())
            return Pressed(results.run.steps[0], job.run.notes, server.heads)

    return asyncio.run(run())


def test_the_output_of_an_index_is_one_list_of_all_its_parts() -> None:
    found = pressed(
        {
            "/sitemap.xml": index("{base}/a.xml", "/b.xml", "{base}/a.xml#again"),
            "/a.xml": urls("http://h.example/1", "http://h.example/2?a=1&amp;b=2"),
            "/b.xml": index("{base}/c.xml", "{base}/sitemap.xml"),
            "/c.xml": urls("http://h.example/3", "http://h.example/1"),
        }
    )
    assert found.step.output == ["http://h.example/1", "http://h.example/2?a=1&b=2", "http://h.example/3"]
    assert found.targets == ["/sitemap.xml", "/a.xml", "/b.xml", "/c.xml"]
    assert found.step.about["pages"] == 4
    assert found.notes == []


def test_sitemap_full_returns_details_of_each_address() -> None:
    entry = "<url><loc>/1</loc><lastmod>2024-01-01</lastmod><priority>0.5</priority><image:image"
    entry += ' xmlns:image="i"><image:loc>/no.png</image:loc></image:image></url><url><loc>/2</loc></url>'
    found = pressed({"/sitemap.xml": f"<urlset {SPACE}>{entry}</urlset>"}, sitemap="full")
    one, two = found.step.output
    base = one["sitemap"].removesuffix("/sitemap.xml")
    assert one == {
        "loc": f"{base}/1",
        "lastmod": "2024-01-01",
        "changefreq": None,
        "priority": "0.5",
        "sitemap": f"{base}/sitemap.xml",
    }
    assert (two["loc"], two["lastmod"]) == (f"{base}/2", None)


@pytest.mark.parametrize("space", [SPACE, "", 'xmlns="http://www.google.com/schemas/sitemap/0.84"'])
@pytest.mark.parametrize(
    "kind", ["text/xml", "application/gzip", "text/html", "text/plain", "application/octet-stream"]
)
@pytest.mark.parametrize("packed", [False, True])
def test_a_sitemap_is_read_with_any_type_namespace_and_compression(
    packed: bool, kind: str, space: str
) -> None:
    body = urls("http://h.example/1", space=space).encode()
    found = pressed({"/sitemap.xml": (gzip.compress(body) if packed else body, kind)})
    assert found.step.output == ["http://h.example/1"]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("\ufeffhttp://h.example/1\r\n\r\n# x\nhttp://h.example/2\n", "text/plain; charset=utf-8"),
        ("<rss><channel><link>/no</link><item><link>http://h.example/1</link></item>"
         "<item><link>http://h.example/2</link></item></channel></rss>", "application/rss+xml"),
        ('<feed xmlns="http://www.w3.org/2005/Atom"><link href="/no"/><entry><link rel="self" href="/no"/>'
         '<link href="http://h.example/1"/></entry><entry><link href="http://h.example/2"/></entry></feed>',
         ""),
        (f"<urlset {SPACE}><url><loc><![CDATA[http://h.example/1]]></loc></url><!-- x -->"
         "<url><loc>http://h.example/2</loc></url></urlset>", "text/xml"),
    ],
    ids=["text", "rss", "atom", "cdata"],
)  # fmt: skip
def test_other_lists_of_addresses_are_read_as_sitemaps(body: str, kind: str) -> None:
    assert pressed({"/sitemap.xml": (body, kind)}).step.output == ["http://h.example/1", "http://h.example/2"]


def test_sitemaps_named_in_robots_txt_are_read() -> None:
    robots = "User-agent: *\nDisallow: /x\nSitemap: {base}/a.xml\nsitemap:/b.xml\n"
    files = {"/robots.txt": (robots, "text/plain"), "/a.xml": urls("/1"), "/b.xml": urls("/2")}
    assert [one.rpartition("/")[2] for one in pressed(files, "/robots.txt").step.output] == ["1", "2"]


def test_a_failing_part_keeps_the_addresses_of_the_others() -> None:
    found = pressed(
        {
            "/sitemap.xml": index("/a.xml", "/gone.xml", "/cut.xml", "/html", "/b.xml"),
            "/a.xml": urls("http://h.example/1"),
            "/cut.xml": urls("http://h.example/2", "http://h.example/3")[:-20],
            "/html": ("<!DOCTYPE html><p>Log in", "text/html"),
            "/b.xml": urls("http://h.example/4"),
        }
    )
    step = found.step
    assert step.output[0] == "http://h.example/1"
    assert step.output[-1] == "http://h.example/4"
    assert "http://h.example/2" in step.output
    assert step.error is not None
    assert step.error.message.startswith(
        "3 of 6 site maps could not be read completely: HTTP 404 Not Found for GET "
    )
    assert "/cut.xml: the XML is broken in line " in step.error.message
    assert "/html: it is not a site map" in step.error.message
    assert "on_failure: continue" in step.error.remediation


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (None, "HTTP 404 Not Found"),
        ("<html><body>Log in</body></html>", "it is not a site map: it lists no addresses"),
        ("<a><b/></a>", "it is not a site map; its root element is 'a'"),
        ("", "it is not a site map"),
        ("<urlset><url><lastmod>x</lastmod></url></urlset>", "1 of its 1 entries have no address"),
        (gzip.compress(b"<urlset>" + b" " * 3_000_000), "has more than 1,000,000 bytes after decompression"),
    ],
    ids=["missing", "html", "other", "empty", "no loc", "bomb"],
)
def test_a_page_that_is_not_a_sitemap_fails(body: Any, words: str) -> None:
    found = pressed({} if body is None else {"/sitemap.xml": body}, max_response_bytes=1_000_000)
    assert found.step.error is not None
    assert words in found.step.error.message


def test_a_missing_part_that_ok_status_accepts_has_no_addresses() -> None:
    files = {"/sitemap.xml": index("/gone.xml", "/a.xml"), "/a.xml": urls("http://h.example/1")}
    assert pressed(files).step.error is not None
    found = pressed(files, ok_status=404)
    assert (found.step.error, found.step.output) == (None, ["http://h.example/1"])
    found = pressed({}, ok_status="4xx")
    assert (found.step.error, found.step.output) == (None, [])
    assert pressed({}, ok_status=410).step.error is not None


def test_parts_are_requested_with_their_own_query_and_with_secrets() -> None:
    def reply(sent: Sent) -> bytes:
        body = index("/a.xml?k=own", "/b.xml") if sent.target.startswith("/sitemap") else urls("/1")
        return answer_of(body.encode(), Content_Type="text/xml")

    async def run() -> list[str]:
        async with wire_server(reply) as wire:
            query = {"lang": "en", "k": "${batteries.K}"}
            spec = {"url": f"{wire.url}/sitemap.xml", "query": query, "sitemap": True}
            drawer = {"buttons": {"get": spec}, "steps": [{"id": "a", "button": "get"}]}
            results, _ = await pressed_drawer(drawer, batteries={"K": "sec"})
            assert results.run.status == "ok", results.errors
            return wire.targets

    assert asyncio.run(run()) == ["/sitemap.xml?lang=en&k=sec", "/a.xml?k=own", "/b.xml?k=sec"]


def test_max_pages_limits_the_number_of_files() -> None:
    files = {f"/{n}.xml": urls(f"http://h.example/{n}") for n in range(5)}
    files["/sitemap.xml"] = index(*files)
    found = pressed(files, max_pages=3)
    assert (len(found.targets), found.notes) == (3, [])
    assert found.step.output == ["http://h.example/0", "http://h.example/1"]


def test_an_endless_chain_of_indexes_ends_at_the_limit_with_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drawer_ipy.definition.extract.MOST_PAGES", 4)
    files = {f"/{n}.xml": index(f"/{n + 1}.xml") for n in range(10)}
    found = pressed(files, "/0.xml")
    assert found.notes == ["button 'get': stopped after 4 site maps with 1 left to read; set `max_pages`"]


def test_parts_on_another_host_are_requested_without_credentials() -> None:
    async def answer(server: RawServer, path: str, writer: asyncio.StreamWriter) -> None:
        writer.write(answer_of(urls("http://h.example/1").encode(), Content_Type="text/xml"))

    async def run() -> tuple[Pressed, list[str]]:
        async with raw_server(answer) as other:
            files = {
                "/sitemap.xml": index(f"{other.url}/a.xml", "/b.xml"),
                "/b.xml": urls("http://h.example/2"),
            }
            found = await asyncio.to_thread(pressed, files, headers={"Authorization": "Basic x"})
            return found, other.heads

    found, heads = asyncio.run(run())
    assert found.step.output == ["http://h.example/1", "http://h.example/2"]
    assert "authorization" not in heads[0].lower()
    assert all("authorization" in head.lower() for head in found.heads)


def test_each_file_of_a_sitemap_is_cached_separately(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUTTONS_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "own"))
    files: dict[str, Any] = {"/sitemap.xml": index("/a.xml", "/b.xml"), "/a.xml": urls("/1")}
    paths: list[str] = []

    async def answer(server: RawServer, path: str, writer: asyncio.StreamWriter) -> None:
        paths.append(path)
        body = files.get(path)
        writer.write(
            answer_of((body or "").encode(), "200 OK" if body else "500 Broken", Content_Type="text/xml")
        )

    async def run() -> list[Any]:
        out = []
        async with raw_server(answer) as server:
            spec = {"url": f"{server.url}/sitemap.xml", "sitemap": True, "cache": "1h"}
            drawer = {"name": "t", "buttons": {"get": {**spec, "allow_private_networks": True}}}
            drawer["steps"] = [{"id": "a", "button": "get"}]
            for _ in range(2):
                record = await prepare(drawer, around=Surroundings()).run.execute()
                out.append(len(record.steps[0].output))
                files["/b.xml"] = urls("/2")
        return out

    assert asyncio.run(run()) == [1, 2]
    assert paths == ["/sitemap.xml", "/a.xml", "/b.xml", "/b.xml"]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("extract: {a: css:b}", "`sitemap` returns a list of addresses, so `extract` has no effect"),
        ("follow: css:a", "so `follow` has no effect"),
        ("save: a.xml", "so `save` has no effect"),
        ("output: full", "so `output` has no effect"),
        ("method: POST", "`sitemap` needs a GET request"),
        ("files: {a: b.txt}", "`sitemap` needs a GET request"),
        ("body_file: b.txt", "`sitemap` needs a GET request"),
        ("items: json:data", "so `items` has no effect"),
    ],
)
def test_incompatible_keys_are_reported(fields: str, expected: str) -> None:
    text = f"name: t\nbuttons:\n  get:\n    url: http://h.example/\n    sitemap: true\n    {fields}\n"
    with pytest.raises(DefinitionError) as caught:
        press_drawer(f"{text}steps: [{{id: a, button: get}}]\n", quiet=True)
    assert expected in str(caught.value)
    assert "line 6, column" in str(caught.value)
