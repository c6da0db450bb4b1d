"""Secrets that are broken over lines are hidden: wrapped base64, indented keys, lists of lines."""

from __future__ import annotations

import base64
import json
import pprint
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drawer_ipy import press
from drawer_ipy.engine.secrets.needles import Needles
from drawer_ipy.engine.secrets.redactor import Redactor

SECRET = "hunter2-secret-token"
_BODY = base64.b64encode(bytes((7 * n * n + 3 * n) % 256 for n in range(1190))).decode()
PEM = "\n".join(["-----BEGIN PRIVATE KEY-----", *textwrap.wrap(_BODY, 64), "-----END PRIVATE KEY-----", ""])


def pieces(text: str, width: int) -> list[str]:
    return [text[at : at + width] for at in range(0, len(text), width)]


ENCODINGS: dict[str, Callable[[str], str]] = {
    "itself": str,
    "base64": lambda s: base64.b64encode(s.encode()).decode(),
    "base64 after one": lambda s: base64.b64encode(f"u{s}:x".encode()).decode(),
    "base64 after two": lambda s: base64.b64encode(f"uu{s}xx".encode()).decode(),
    "base64 for URLs": lambda s: base64.urlsafe_b64encode(f"~?{s}".encode()).decode(),
    "hexadecimal": lambda s: s.encode().hex(),
    "hexadecimal in capitals": lambda s: s.encode().hex().upper(),
    "URL": lambda s: quote(s, safe=""),
    "JSON": lambda s: json.dumps(s)[1:-1],
}

LAYOUTS: dict[str, Callable[[list[str]], str]] = {
    "LF": "\n".join,
    "CRLF": "\r\n".join,
    "CR": "\r".join,
    "blank lines": "\n\n".join,
    "indented": lambda lines: "key: |\n" + textwrap.indent("\n".join(lines), "    "),
    "indented by tabs": lambda lines: "key: |\r\n\t" + "\r\n\t".join(lines),
    "trailing blanks": " \t\n".join,
    "a folded header": "\r\n ".join,
    "JSON": lambda lines: json.dumps({"key": "\n".join(lines)}),
    "JSON with CRLF": lambda lines: json.dumps("\r\n".join(lines)),
    "JSON in JSON": lambda lines: json.dumps(json.dumps(["\n".join(lines)])),
    "repr": lambda lines: repr("\n".join(lines)),
    "repr of bytes": lambda lines: repr("\n".join(lines).encode()),
    "URL": lambda lines: quote("\n".join(lines)),
    "URL with CRLF twice": lambda lines: quote(quote("\r\n".join(lines))),
    "HTML": "<br/>\n".join,
    "HTML by number": "&#10;".join,
    "a quoted mail": lambda lines: "".join(f"> > {line}\n" for line in lines),
    "a comment": lambda lines: "".join(f"# {line}\n" for line in lines),
    "another comment": lambda lines: "".join(f"    // {line}\n" for line in lines),
    "a frame": lambda lines: "".join(f"| {line}\n" for line in lines),
    "numbered": lambda lines: "".join(f"{n:>6}\t{line}\n" for n, line in enumerate(lines)),
    "numbered by grep": lambda lines: "".join(f"{n}:{line}\n" for n, line in enumerate(lines)),
    "quoted-printable": "=\r\n".join,
    "a shell's line": "\\\n".join,
    "literals": lambda lines: "(" + "\n ".join(map(repr, lines)) + ")",
    "literals of bytes": lambda lines: "(" + "\n ".join(repr(line.encode()) for line in lines) + ")",
    "added literals": lambda lines: " +\n  ".join(f'"{line}"' for line in lines),
    "literals after a plus": lambda lines: "\n  + ".join(f'"{line}"' for line in lines),
    "a list": repr,
    "a list of lines with ends": lambda lines: repr([f"{line}\n" for line in lines]),
    "a JSON list": lambda lines: json.dumps(lines, indent=2),
    "a JSON list in JSON": lambda lines: json.dumps(json.dumps(lines)),
    "pprint": lambda lines: pprint.pformat({"lines": lines}, width=30),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("width", [5, 16, 60, 64, 76])
def test_a_secret_that_is_broken_over_lines_is_hidden(layout: str, encoding: str, width: int) -> None:
    for secret in (SECRET, "Tr0ub4dor&3" * 9, PEM):
        whole = ENCODINGS[encoding](secret)
        lines = [line for line in pieces(whole, width) if line.strip()]
        if encoding in ("URL", "JSON") and any(char in line[-3:] for line in lines for char in "%\\"):
            continue  # such an encoding is not broken within an escape
        text = f"before\n{LAYOUTS[layout](lines)}\nafter"
        shown = Needles([secret]).out_of(text)
        assert "[redacted]" in shown
        assert shown.startswith("before\n")
        assert shown.endswith("\nafter")
        left = [line for line in lines if len(line) >= 16 and line in shown and "KEY--" not in line]
        assert not left, shown
        assert not Needles([secret]).in_text(shown)


@given(
    st.text("abcdefghijklmnopqrstuvwxyzABCXYZ0189-_.+/=&%", min_size=8, max_size=80),
    st.sampled_from(sorted(ENCODINGS)),
    st.sampled_from(sorted(set(LAYOUTS) - {"URL", "URL with CRLF twice"})),
    st.integers(3, 80),
    st.text("xyz ,\n", max_size=20),
)
def test_any_secret_is_found_at_any_width(
    secret: str, encoding: str, layout: str, width: int, around: str
) -> None:
    if len(set(secret)) < 6 or sum(map(str.isalnum, secret)) < 6 or secret.isdigit():
        return
    safe = "abcdefghijklmnopqrstuvwxyzABCXYZ0189"
    lines = pieces(ENCODINGS[encoding](secret), width)
    if any(line[0] not in safe or line[-1] not in safe for line in lines) or "%" in ENCODINGS[encoding](
        secret
    ):
        return  # what looks like a margin, the end of a literal or half an escape is found only in one piece
    text = f"{around}\n{LAYOUTS[layout](lines)}\n{around}"
    needles = Needles([secret])
    assert needles.in_text(text)
    shown = needles.out_of(text)
    assert not needles.in_text(shown)
    assert not needles.in_bytes(shown.encode())
    assert needles.in_bytes(text.encode("utf-16"))
    assert Redactor([secret]).value([text]) != [text]


def test_a_key_that_is_wrapped_anew_is_hidden() -> None:
    needles = Needles([PEM])
    for width in (20, 48, 70, 76, 100, 5_000):
        wrapped = "\n".join(pieces(_BODY, width))
        armoured = f"-----BEGIN PRIVATE KEY-----\n{wrapped}\n-----END PRIVATE KEY-----"
        for text in (
            wrapped,
            armoured,
            textwrap.indent(armoured, "      "),
            json.dumps({"private_key": armoured}),
            f'key = "{_BODY}"',
            armoured.replace("\n", "\r\n"),
        ):
            shown = needles.out_of(f"it is\n{text}\n, he said")
            assert not any(piece in shown for piece in pieces(_BODY, 12)), shown
            assert shown.startswith("it is\n")


def test_a_passphrase_that_is_wrapped_at_its_blanks_is_hidden() -> None:
    secret = "correct horse battery staple"
    needles = Needles([secret])
    for text in (
        textwrap.fill(f"the words are {secret} and no others", 20),
        textwrap.fill(f"the words are {secret} and no others", 14, subsequent_indent="    "),
        pprint.pformat(f"the words are {secret} and no others", width=24),
        "> the words are correct\n> horse battery\n> staple\n",
    ):
        assert "[redacted]" in needles.out_of(text)
        assert not any(word in needles.out_of(text) for word in secret.split())
    assert (
        needles.out_of("the horse is\ncorrect, the battery\nstaple")
        == "the horse is\ncorrect, the battery\nstaple"
    )


def test_lines_in_a_list_are_searched_together() -> None:
    redactor = Redactor([SECRET])
    encoded = base64.b64encode(f"user:{SECRET}".encode()).decode()
    lines = ["a", *pieces(encoded, 7), "b"]
    shown = redactor.value({"lines": lines, "bytes": tuple(line.encode() for line in lines)})
    assert shown["lines"][0] == "a"
    assert shown["lines"][-1] == "b"
    assert len(shown["lines"]) == len(lines)
    assert type(shown["bytes"]) is tuple
    assert [type(line) for line in shown["bytes"]] == [bytes] * len(lines)
    for kept in (shown["lines"], [line.decode() for line in shown["bytes"]]):
        assert not any(line in kept for line in lines[2:-2])
    many = [f"line {n}" for n in range(20_000)]
    assert redactor.value(many) is many
    at = 4_090  # over the end of a batch
    shown = redactor.value([*many[:at], *pieces(encoded, 3), *many[at:]])
    assert [shown[0], shown[at - 1], shown[-1]] == [many[0], many[at - 1], many[-1]]
    assert not any(piece in shown for piece in pieces(encoded, 3)[3:-3])
    assert redactor.value(["abc", SECRET, "x"]) == ["abc", "[redacted]", "x"]
    assert Redactor(["abc"]).value(["abc", "abcd"]) == ["[redacted]", "abcd"]


@pytest.mark.parametrize(
    "text", ["12\n34\n56\n78\n90", "the\nst ate\nlate\nstation", '["pass", "wo"]', "at\nhome"]
)
def test_lines_that_contain_a_secret_by_chance_are_kept(text: str) -> None:
    needles = Needles(["345678", "test", "at ho", SECRET])
    assert needles.out_of(text) == text


def test_the_search_takes_linear_time() -> None:
    needles = Needles([SECRET, PEM, "a b" * 50])
    for unit in (
        "\n",
        " ",
        "\\",
        "\\n",
        "'",
        '"',
        "', '",
        "%25",
        "%0A",
        "&amp;",
        "\t \n",
        "=",
        "> ",
        "1:\n",
        " hunter2\n",
    ):
        for end in ("", "x", "\n", "hunter2\n-secret\n-token"):
            took = []
            for size in (20_000, 160_000):
                text = unit * (size // len(unit)) + end
                began = time.perf_counter()
                needles.in_text(text)
                took.append(time.perf_counter() - began)
            assert took[1] < 24 * took[0] + 0.1, (unit, end, took)


def test_a_stored_run_and_its_table_contain_no_wrapped_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BUTTONS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "home").mkdir()
    encoded = base64.b64encode(f"{SECRET * 5}".encode()).decode()

    def work(x: str, token: str) -> object:
        print(base64.encodebytes((token * 5).encode()).decode())
        lines = pieces(base64.b64encode((token * 5).encode()).decode(), 30)
        if x == "error":
            raise ValueError("\n".join(lines))
        values = {"text": "\n".join(lines), "lines": lines, "yaml": "k: |\n  " + "\n  ".join(lines)}
        return values[x]

    step = {"id": "w", "button": "work", "args": {"x": "${x}", "token": "${inputs.token}"}}
    each = {
        "id": "each",
        "kind": "for_each",
        "over": ["text", "lines", "yaml", "error"],
        "as": "x",
        "steps": [step],
    }
    drawer = {"name": "d", "inputs": [{"name": "token", "secret": True}]}
    results = press(
        {**drawer, "steps": [{**each, "on_item_failure": "continue"}]},
        {"token": SECRET},
        buttons={"work": work},
        durable="on",
        quiet=True,
        check=False,
    )
    files = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    shown = repr(results) + results.to_json() + repr(results.errors.to_dicts()) + repr(results.run.to_dict())
    for piece in pieces(encoded, 30)[:-1]:
        assert piece.encode() not in files
        assert piece not in shown
