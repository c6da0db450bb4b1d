"""Credentials: basic, bearer, digest, and tokens that a button returns."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from http_rig import answer_of, button, one_run, press
from wire_rig import Sent, json_answer, loop_of, pressed, wire_server

from drawer_ipy.buttons.http.digest import Challenge, read_challenge
from drawer_ipy.definition.checking.requests import request_troubles
from drawer_ipy.definition.models import ButtonSpec
from drawer_ipy.errors import ArgumentError
from drawer_ipy.pressing.drawer import Drawer


def header(auth: Any, given: dict[str, Any] | None = None, **fields: Any) -> str:
    """The Authorization header that a press sends."""

    async def main() -> str:
        async with wire_server() as wire, one_run() as call:
            outcome = await press(button(wire.url, auth=auth, **fields), call, **(given or {}))
            assert outcome.status == "ok", outcome
            return wire.sent[0].headers["authorization"]

    return asyncio.run(main())


# Basic and bearer


def test_basic_credentials_are_encoded_as_in_httpx() -> None:
    for user, password in (("me", "pw"), ("é", "p:w"), ("", "x"), ("me", "ü ☃")):
        found = header({"basic": [user, "{{p}}"]}, {"p": password})
        assert base64.b64decode(found.removeprefix("Basic ")).decode() == f"{user}:{password}"
    request = next(httpx.BasicAuth("me", "pw").sync_auth_flow(httpx.Request("GET", "http://x")))
    assert header({"basic": ["me", "pw"]}) == request.headers["Authorization"]


def test_a_bearer_token_is_sent_without_surrounding_blanks() -> None:
    assert header({"bearer": "{{t}}"}, {"t": " abc.def "}) == "Bearer abc.def"
    assert header({"bearer": "${t}"}, {"t": "abc"}) == "Bearer abc"


@pytest.mark.parametrize(
    ("auth", "given", "message"),
    [
        ({"basic": ["a:b", "x"]}, {}, "colon"),
        ({"basic": ["{{u}}", "x"]}, {"u": "a\nb"}, "control character"),
        ({"bearer": "{{u}}"}, {"u": "a b"}, "must not contain"),
        ({"bearer": "{{u}}"}, {"u": " "}, "empty"),
        ({"bearer": "${batteries.NOPE}"}, {}, "NOPE"),
    ],
)
def test_invalid_credentials_fail_before_anything_is_sent(auth: Any, given: Any, message: str) -> None:
    async def main() -> None:
        async with wire_server() as wire, one_run() as call:
            outcome = await press(button(wire.url, auth=auth), call, **given)
            assert outcome.error is not None
            assert message in outcome.error.message
            assert not wire.sent

    asyncio.run(main())


@pytest.mark.parametrize(
    ("auth", "message"),
    [
        ({}, "no method"),
        ({"basic": ["a", "b"], "bearer": "x"}, "both `basic` and `bearer`"),
        ({"basic": ["a"]}, "takes a user and a password, not 1"),
        ({"digest": ["a", "b", "c"]}, "not 3"),
        ({"basic": ["a", None]}, "must be text"),
        ({"basic": ["{{x}}", "y"]}, "is not an argument"),
        ({"token": {"args": {"a": 1}}}, "names no button"),
    ],
)
def test_settings_that_cannot_work_are_reported_before_a_run(auth: Any, message: str) -> None:
    spec = {"name": "b", "url": "http://h/", "auth": auth, "args": ["n"]}
    troubles = request_troubles(ButtonSpec.model_validate(spec))
    assert any(message in one.message for one in troubles), troubles


def test_auth_together_with_an_authorization_header_is_refused() -> None:
    spec = {"name": "b", "url": "http://h/", "auth": {"bearer": "x"}, "headers": {"authorization": "y"}}
    [trouble] = request_troubles(ButtonSpec.model_validate(spec))
    assert "both set" in trouble.message


@pytest.mark.parametrize("auth", [{"basic": ["me", "${batteries.PW}"]}, {"bearer": "${batteries.PW}"}])
def test_credentials_stay_at_their_origin_and_out_of_the_record(auth: Any) -> None:
    async def main() -> None:
        async with wire_server(lambda sent: json_answer(sent.headers)) as other:

            def reply(sent: Sent) -> bytes:
                if sent.target == "/away":
                    return answer_of(b"", "302 Found", Location=f"{other.url}/echo")
                if sent.target == "/near":
                    return answer_of(b"", "302 Found", Location="/echo")
                return json_answer(sent.headers)

            async with wire_server(reply) as wire:
                drawer = loop_of({"url": wire.url + "/{{id}}", "auth": auth})
                results, _ = await pressed(drawer, {"ids": ["near", "away"]}, batteries={"PW": "s3cretword"})
                assert results.run.status == "ok", results.errors
                assert "authorization" in wire.sent[1].headers
                assert "authorization" not in other.sent[0].headers
                record = json.dumps(results.run.to_dict(), default=str)
                assert "s3cretword" not in record
                assert base64.b64encode(b"me:s3cretword").decode() not in record

    asyncio.run(main())


# Digest


class DigestServer:
    """Checks digests according to RFC 7616, with nonces that can become stale.

    Attributes:
        uses: how many requests may use one nonce.
        numbers: the request numbers (nc) that arrived, by nonce.
        refused: how many requests got a 401.
    """

    def __init__(
        self, algorithm: str = "MD5", qop: str | None = "auth", uses: int = 1 << 30, **more: str
    ) -> None:
        self.algorithm, self.qop, self.uses, self.more = algorithm, qop, uses, more
        self.numbers: dict[str, list[str]] = {}
        self.refused = 0
        self.user, self.password = "Mufasa", "Circle of Life"

    def __call__(self, sent: Sent) -> bytes:
        given = sent.headers.get("authorization", "")
        stale = False
        if given.startswith("Digest "):
            fields = {k: q or v for k, q, v in re.findall(r'(\w+\*?)=(?:"([^"]*)"|([^\s,]+))', given)}
            right, stale = self._check(fields, sent)
            if right:
                return json_answer({"target": sent.target, "body": sent.body.decode()})
        self.refused += 1
        nonce = f"nonce{len(self.numbers)}"
        self.numbers[nonce] = []
        says = {
            "realm": '"a, \\"realm\\""',
            "nonce": f'"{nonce}"',
            "opaque": '"op,aque"',
            "algorithm": self.algorithm,
        }
        says |= {"qop": f'"{self.qop}"'} if self.qop else {}
        says |= {"stale": "true"} if stale else {}
        text = "Digest " + ", ".join(f"{k}={v}" for k, v in {**says, **self.more}.items())
        return answer_of(b"who?", "401 Unauthorized", WWW_Authenticate=text)

    def _check(self, fields: dict[str, str], sent: Sent) -> tuple[bool, bool]:
        name = self.algorithm.upper()
        algorithm = {"MD5": "md5", "SHA-256": "sha256"}[name.removesuffix("-SESS")]

        def hashed(text: str) -> str:
            return hashlib.new(algorithm, text.encode()).hexdigest()

        secret = hashed(f'{self.user}:a, "realm":{self.password}')
        if name.endswith("-SESS"):
            secret = hashed(f"{secret}:{fields['nonce']}:{fields['cnonce']}")
        request = hashed(f"{sent.method}:{sent.target}")
        middle = fields["nonce"]
        if self.qop:
            assert fields["qop"] == "auth"
            middle += f":{fields['nc']}:{fields['cnonce']}:auth"
        right = hashed(f"{secret}:{middle}:{request}") == fields["response"]
        assert fields["uri"] == sent.target
        assert fields["opaque"] == "op,aque"
        used = self.numbers.get(fields["nonce"])
        if used is None or len(used) >= self.uses:
            return False, right
        used.append(fields.get("nc", ""))
        return right, False


DIGEST = {"digest": ["Mufasa", "{{pw}}"]}


def digest_press(
    server: Callable[[Sent], bytes], times: int = 1, path: str = "/x?a=b%20c", **fields: Any
) -> Any:
    async def main() -> Any:
        async with wire_server(server) as wire, one_run() as call:
            made = button(wire.url + path, auth=DIGEST, **fields)
            return [await press(made, call, pw="Circle of Life") for _ in range(times)], wire.sent

    return asyncio.run(main())


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256", "MD5-sess", "SHA-256-sess"])
@pytest.mark.parametrize("qop", ["auth", "auth,auth-int", "auth-int, auth", None])
def test_digests_are_correct_and_the_challenge_is_remembered(algorithm: str, qop: str | None) -> None:
    server = DigestServer(algorithm, qop)
    outcomes, sent = digest_press(server, 3, method="POST", body="é", headers={"Content-Type": "text/plain"})
    assert [o.output for o in outcomes] == [{"target": "/x?a=b%20c", "body": "é"}] * 3
    assert (len(sent), server.refused) == (4, 1)
    if qop:
        assert server.numbers["nonce0"] == ["00000001", "00000002", "00000003"]


@pytest.mark.parametrize("path", ["/x?", "?", "", "/x??", "/a/../b", "/x?a=%7e#f"])
def test_a_digest_covers_the_target_that_is_sent(path: str) -> None:
    [outcome], sent = digest_press(DigestServer(), path=path)
    assert outcome.error is None  # the server compares the two
    assert [one.target for one in sent] == [sent[0].target] * 2


def test_a_challenge_after_a_redirect_is_answered_at_the_new_target_without_a_body() -> None:
    server = DigestServer()

    def reply(sent: Sent) -> bytes:
        if sent.target == "/go":
            return answer_of(b"", "303 See Other", Location="/there?")
        return server(sent)

    [outcome], sent = digest_press(reply, path="/go", method="POST", body={"a": 1})
    assert outcome.output == {"target": "/there?", "body": ""}
    assert [one.line.split()[0] for one in sent] == ["POST", "GET", "GET"]
    assert [one.headers.get("content-type") for one in sent] == ["application/json", None, None]


def test_a_stale_nonce_is_replaced() -> None:
    server = DigestServer(uses=2)
    outcomes, sent = digest_press(server, 6)
    assert all(o.status == "ok" for o in outcomes)
    assert (len(sent), server.refused) == (9, 3)


@pytest.mark.parametrize("uses", [1 << 30, 1])
def test_concurrent_requests_never_use_a_request_number_twice(uses: int) -> None:
    server = DigestServer(uses=uses)

    async def main() -> None:
        async with wire_server(server) as wire:
            drawer = loop_of(
                {"url": wire.url + "/{{id}}", "auth": {"digest": ["Mufasa", "${batteries.PW}"]}}, 20
            )
            results, _ = await pressed(drawer, {"ids": list(range(60))}, batteries={"PW": "Circle of Life"})
            assert results.counts["ok"] == 60, results.errors[:3]
            assert "Circle of Life" not in json.dumps(results.run.to_dict(), default=str)

    asyncio.run(main())
    for numbers in server.numbers.values():
        assert len(set(numbers)) == len(numbers)


def test_a_wrong_password_is_tried_once_and_fails() -> None:
    server = DigestServer()
    server.password = "other"
    outcomes, sent = digest_press(server)
    assert (outcomes[0].exit_code, len(sent)) == (401, 2)


@pytest.mark.parametrize(
    ("more", "message"),
    [({"qop": "auth-int"}, "auth-int"), ({"algorithm": "SHA3-512"}, "SHA3-512")],
)
def test_an_unsupported_digest_is_refused_by_its_name(more: Any, message: str) -> None:
    outcomes, sent = digest_press(DigestServer(**more))
    assert outcomes[0].error is not None
    assert message in outcomes[0].error.message
    assert len(sent) == 1


def test_a_digest_follows_a_redirect_within_its_origin_only() -> None:
    server = DigestServer()

    async def main() -> None:
        async with wire_server(DigestServer()) as other:

            def reply(sent: Sent) -> bytes:
                if sent.target == "/near":
                    return answer_of(b"", "302 Found", Location="/there")
                if sent.target == "/away":
                    return answer_of(b"", "302 Found", Location=f"{other.url}/there")
                return server(sent)

            async with wire_server(reply) as wire, one_run() as call:
                made = button(wire.url + "/{{id}}", auth={"digest": ["Mufasa", "Circle of Life"]})
                for _ in range(2):
                    assert (await press(made, call, id="near")).output["target"] == "/there"
                assert (await press(made, call, id="away")).exit_code == 401
                assert not any("authorization" in sent.headers for sent in other.sent)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("headers", "nonce"),
    [
        (['Basic realm="x", Digest realm="r", nonce="n", qop="auth"'], "n"),
        (['Digest realm="r", nonce="a", algorithm=SHA-512', 'Digest realm="r", nonce="b"'], "b"),
        (["Negotiate", 'Digest nonce="q\\"q", realm=x'], 'q"q'),
        (["digest nonce=abc"], "abc"),
        (['Bearer abc==, Digest nonce="1"'], "1"),
        (["Negotiate", 'Basic realm="Digest nonce=1"'], None),
        ([], None),
    ],
)
def test_a_digest_challenge_is_found_among_other_schemes(headers: list[str], nonce: str | None) -> None:
    found = read_challenge(headers)
    assert (found.nonce if found else None) == nonce


def test_the_example_of_the_standard_gets_the_right_response(monkeypatch: pytest.MonkeyPatch) -> None:
    client = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    monkeypatch.setattr("drawer_ipy.buttons.http.digest.secrets.token_hex", lambda size: client)
    nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
    for algorithm, response in (
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ):
        challenge = Challenge("http-auth@example.org", nonce, None, algorithm, True)
        answer = challenge.answer("GET", "/dir/index.html", "Mufasa", "Circle of Life")
        assert f'response="{response}"' in answer


# Tokens


class TokenServer:
    """Accepts only the newest token.

    Attributes:
        given: how many tokens it has returned.
        good: how many requests may use one token.
    """

    def __init__(self, good: int = 1 << 30, answer: Callable[[str], Any] = str) -> None:
        self.given, self.good, self.used, self.answer = 0, good, 0, answer
        self.status = "200 OK"
        self.refused = 0

    @property
    def token(self) -> str:
        return f"t0ken-number-{self.given}"

    async def __call__(self, sent: Sent) -> bytes:
        if sent.target.startswith("/login"):
            await asyncio.sleep(0.05)
            self.given += 1
            self.used = 0
            value = self.answer(self.token)
            if isinstance(value, str):
                return answer_of(value.encode(), self.status, Content_Type="text/plain")
            return json_answer(value, self.status)
        if sent.headers.get("authorization") != f"Bearer {self.token}" or self.used >= self.good:
            self.refused += 1
            return answer_of(b"who?", "401 Unauthorized")
        self.used += 1
        return json_answer({"id": sent.target, "told": sent.headers["authorization"]})


def token_run(
    server: TokenServer, items: int = 50, parallelism: int = 50, token: Any = "login", **login: Any
) -> Any:
    async def main() -> Any:
        async with wire_server(server) as wire:
            login.setdefault("url", wire.url + "/login")
            drawer = loop_of(
                {"url": wire.url + "/{{id}}", "auth": {"token": token}}, parallelism, login=login
            )
            return await pressed(drawer, {"ids": list(range(items))}, batteries={"PW": "hushhush"})

    return asyncio.run(main())


@pytest.mark.parametrize(
    "answer",
    [
        str,
        lambda token: f" {token}\n",
        lambda token: {"access_token": token, "expires_in": 3600, "token_type": "bearer"},
        lambda token: {"token": token},
    ],
)
def test_the_token_button_is_pressed_once_and_its_token_is_shared(answer: Any) -> None:
    server = TokenServer(answer=answer)
    results, _ = token_run(server)
    assert (results.counts["ok"], server.given, server.refused) == (50, 1, 0)
    record = json.dumps(results.run.to_dict(), default=str)
    assert "t0ken-number" not in record
    assert "redacted" in record


def test_after_a_401_the_token_is_renewed_once_for_all_items() -> None:
    server = TokenServer(good=20)
    results, _ = token_run(server, 50, 50)
    assert results.counts["ok"] == 50
    assert 3 <= server.given <= 4


def test_a_token_that_never_worked_is_requested_again_once() -> None:
    class Second(TokenServer):
        async def __call__(self, sent: Sent) -> bytes:
            if not sent.target.startswith("/login") and self.given < 2:
                self.refused += 1
                return answer_of(b"who?", "401 Unauthorized")
            return await super().__call__(sent)

    server = Second()
    results, _ = token_run(server)
    assert (results.counts["ok"], server.given) == (50, 2)


def test_items_fail_if_a_fresh_token_is_refused() -> None:
    server = TokenServer(good=0)
    results, _ = token_run(server, 30, 5)
    assert (results.counts["failed"], server.given) == (30, 2)
    assert "401" in results.errors[0].message


def test_a_token_that_expires_is_replaced_before_it_is_refused() -> None:
    server = TokenServer(answer=lambda token: {"access_token": token, "expires_in": 0.2})

    async def reply(sent: Sent) -> bytes:
        await asyncio.sleep(0.03)
        return await server(sent)

    async def main() -> None:
        async with wire_server(reply) as wire:
            login = {"url": wire.url + "/login"}
            drawer = loop_of({"url": wire.url + "/{{id}}", "auth": {"token": "login"}}, login=login)
            results, _ = await pressed(drawer, {"ids": list(range(20))})
            assert results.counts["ok"] == 20
            assert (server.given > 2, server.refused) == (True, 0)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("login", "message"),
    [
        ({"url": "http://127.0.0.1:9/"}, "refused the connection"),
        ({"code": "echo no >&2; exit 3"}, "no"),
        ({"code": "echo '{\"oops\": 1}'"}, "returned no token, got"),
        ({"code": "true"}, "returned no token, got None"),
        ({"code": "echo 'a b'"}, "must not contain"),
    ],
)
def test_a_button_without_a_token_as_output_fails_the_items(login: Any, message: str) -> None:
    async def main() -> None:
        async with wire_server() as wire:
            if "url" not in login:
                login["runtime"] = "sh"
            drawer = loop_of({"url": wire.url + "/{{id}}", "auth": {"token": "login"}}, 10, login=login)
            results, _ = await pressed(drawer, {"ids": list(range(30))})
            assert results.counts["failed"] == 30
            assert all("'login'" in e.message or "login" in e.message for e in results.errors)
            assert message in results.errors[0].message
            assert not wire.sent

    asyncio.run(main())


def test_a_failing_login_is_not_repeated_for_every_item() -> None:
    server = TokenServer()
    server.status = "403 Forbidden"
    results, _ = token_run(server, 100, 10)
    assert results.counts["failed"] == 100
    assert server.given == 1
    assert "403" in results.errors[0].message


def test_any_kind_of_button_can_return_a_token_and_take_arguments() -> None:
    server, calls = TokenServer(), []

    async def login(user: str, pw: str) -> Any:
        calls.append((user, pw))
        server.given += 1
        return {"access_token": server.token}

    async def main() -> None:
        async with wire_server(server) as wire:
            auth = {"token": {"button": "login", "args": {"user": "me", "pw": "${batteries.PW}"}}}
            drawer = loop_of({"url": wire.url + "/{{id}}", "auth": auth}, 50)
            results, _ = await pressed(
                drawer, {"ids": list(range(50))}, batteries={"PW": "hushhush"}, buttons={"login": login}
            )
            assert results.counts["ok"] == 50, results.errors[:2]
            assert calls == [("me", "hushhush")]

    asyncio.run(main())


def test_two_buttons_share_a_token_and_two_users_do_not() -> None:
    server = TokenServer()
    calls = []

    async def login(user: str) -> str:
        calls.append(user)
        server.given += 1
        return server.token

    async def main() -> None:
        async with wire_server(server) as wire:
            made = {"url": wire.url + "/x", "auth": {"token": {"button": "login", "args": {"user": "a"}}}}
            other = {"url": wire.url + "/x", "auth": {"token": {"button": "login", "args": {"user": "b"}}}}
            steps = [{"id": f"s{i}", "button": name} for i, name in enumerate(["one", "two", "one", "three"])]
            drawer = {"buttons": {"one": made, "two": made, "three": other}, "steps": steps}
            results, _ = await pressed(drawer, buttons={"login": login})
            assert results.run.status == "ok", results.run.error
            assert calls == ["a", "b"]

    asyncio.run(main())


def test_a_press_that_gives_up_does_not_affect_the_token_of_others() -> None:
    server = TokenServer()

    async def main() -> None:
        async with wire_server(server) as wire, one_run() as call:
            made = button(wire.url + "/{{id}}", auth={"token": "login"})
            call.helpers = {"login": button(wire.url + "/login")}
            presses = [asyncio.ensure_future(press(made, call, id=i)) for i in range(5)]
            await asyncio.sleep(0.02)
            presses[0].cancel()  # the one that logs in for all
            outcomes = await asyncio.gather(*presses, return_exceptions=True)
            assert isinstance(outcomes[0], asyncio.CancelledError)
            assert [outcome.status for outcome in outcomes[1:]] == ["ok"] * 4  # type: ignore[union-attr]

    asyncio.run(main())


def test_a_login_takes_no_slot_of_the_run() -> None:
    async def main() -> None:
        server = TokenServer()
        async with wire_server(server) as wire:
            queue = {"name": "q", "concurrency": 1}
            login = {"url": wire.url + "/login", "queue": queue}
            drawer = loop_of(
                {"url": wire.url + "/{{id}}", "auth": {"token": "login"}, "queue": queue}, 5, login=login
            )
            results, _ = await asyncio.wait_for(pressed(drawer, {"ids": list(range(5))}), 10)
            assert results.counts["ok"] == 5

    asyncio.run(main())


@pytest.mark.parametrize(
    ("auth", "line", "message"),
    [
        ("{token: logn}", 4, "did you mean 'login'"),
        ("{token: {button: logn}}", 4, "did you mean 'login'"),
        ("{token: get}", 4, "needs one itself"),
        ("{basic: [me]}", 4, "takes a user and a password"),
        ("{basci: [me, x]}", 4, "did you mean"),
    ],
)
def test_invalid_auth_settings_are_reported_with_their_line(auth: str, line: int, message: str) -> None:
    text = f"""\
buttons:
  get:
    url: http://h/
    auth: {auth}
  login: {{url: "http://h/login"}}
steps:
  - {{id: s, button: get}}
"""
    found = Drawer.load(text).validate()
    assert any(p.line == line and message in f"{p.message} {p.remediation}" for p in found.errors), found


def test_users_do_not_share_cached_responses(tmp_path: Any) -> None:
    for auth in ({"digest": ["{{u}}", "x"]}, {"token": {"button": "login", "args": {"u": "{{u}}"}}}):
        made = button("http://h/", auth=auth, cache="1h")
        assert made.caching is not None

        async def main(made: Any = made) -> None:
            async with one_run() as call:
                parts = [made.caching.parts(made.bind({"u": u}), call, None) for u in ("a", "b", "a")]
                assert parts[0] == parts[2] != parts[1]

        asyncio.run(main())


def test_a_digest_that_cannot_be_answered_is_an_argument_error() -> None:
    with pytest.raises(ArgumentError, match="auth-int"):
        read_challenge(['Digest nonce="1", qop="auth-int"'])
