"""Translation of a YAML parser's errors into plain words with a hint.

A parser reports what it expected next; a user needs to know which mistake causes the error. These functions
search the line for the few mistakes that cause nearly all errors, such as references without quotes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from ruamel.yaml.error import MarkedYAMLError

from drawer_ipy.definition.reading.characters import character_name
from drawer_ipy.definition.reading.tree import Malformed
from drawer_ipy.definition.reading.yaml_refused import magic_inside

_REFERENCE = re.compile(r"\$\{[^}\n]*\}?")
_TEMPLATE = re.compile(r"\{\{[^}\n]*\}\}")
_QUOTED = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\n]|'')*'")
_NO_SPACE = re.compile(r"^\s*(?:- )?([A-Za-z_][\w-]*):(?=[^\s:/])")
_NO_COLON = re.compile(r"^[ ]*(?:- +)*([A-Za-z_][\w-]*)(?: +([^\s:]+))?\Z", re.MULTILINE)
"""A last line of one or two words, the first of which could be a key."""

_VALUE_START = re.compile(r"[:,]\s+|[\[{]\s*|^\s*- +")
_KEY = re.compile(r"^\s*(?:- )?[\w-]+:\s+")
_ODD_SPACE = re.compile(r"[ ]*[\u00a0\u2000-\u200b\u202f\u3000]")
_ODD_BREAK = re.compile(r"[\x85\u2028\u2029]")
_CLOSING = {"{": "}", "[": "]"}


class _Trouble(NamedTuple):
    """A parser's error with the line that it is about."""

    problem: str
    context: str
    text: str
    at: int
    context_at: int

    @property
    def line_start(self) -> int:
        return self.text.rfind("\n", 0, self.at) + 1

    @property
    def line(self) -> str:
        return self.text[self.line_start :].partition("\n")[0]

    @property
    def bare_line(self) -> str:
        """The line with quoted parts blanked out, so that their content is not read as YAML."""
        return _blanked(self.line)

    @property
    def character(self) -> str:
        return self.text[self.at : self.at + 1]


def _blanked(text: str) -> str:
    """`text` with quoted parts replaced by blanks of the same length."""
    return _QUOTED.sub(lambda found: "_" * len(found[0]), text)


def explain(error: MarkedYAMLError, text: str) -> Malformed:
    """Describe `error` in plain words, at the position of the mistake."""
    mark = error.problem_mark or error.context_mark
    index = min(int(mark.index), len(text)) if mark is not None else 0
    context_index = int(error.context_mark.index) if error.context_mark is not None else index
    trouble = _Trouble(str(error.problem or ""), str(error.context or ""), text, index, context_index)
    for rule in _RULES:
        found = rule(trouble)
        if found is not None:
            return found
    plain = trouble.problem.replace("<", "").replace(">", "")
    return Malformed(f"this is not YAML: {plain or 'it cannot be read'}", index)


def _magic(it: _Trouble) -> Malformed | None:
    return magic_inside(it.line, it.line_start)


def _odd_space(it: _Trouble) -> Malformed | None:
    """A character that looks like a line break or a space, as in text copied from a page or a chat."""
    found = _ODD_SPACE.match(it.text, it.line_start)
    hint = "indent with ordinary spaces"
    if found is None:
        # In this line, or in the line before, which then ends differently than it appears to.
        start = it.text.rfind("\n", 0, max(it.line_start - 1, 0)) + 1
        found = _ODD_BREAK.search(_blanked(it.text[: it.at]), start)
        hint = "begin a new line there, or quote the value"
    if found is None:
        return None
    return Malformed(f"there is {character_name(found[0][-1])} here", found.end() - 1, hint)


def _tab(it: _Trouble) -> Malformed | None:
    if it.character != "\t":
        return None
    before = it.text[it.line_start : it.at]
    if before.strip():
        return Malformed("there is a tab here", it.at, "use spaces between a key and its value")
    return Malformed("this line is indented with a tab", it.at, "indent with spaces, two per level")


def _unquoted_braces(it: _Trouble) -> Malformed | None:
    line = it.bare_line
    for pattern, what in ((_TEMPLATE, "{{...}}"), (_REFERENCE, "${...}")):
        for found in pattern.finditer(line):
            before = line[: found.start()]
            start = max((m.end() for m in _VALUE_START.finditer(before)), default=0)
            in_flow = before.count("{") > before.count("}") or before.count("[") > before.count("]")
            begins = what.startswith("{") and start == found.start()
            # `over: ${x}` alone is fine in a block; `{a: ${x}}`, `[${x}]` and `${a ? b : c}` are not.
            if not (in_flow or begins or re.search(r":(\s|\}|$)", found[0])):
                continue
            return Malformed(
                f"YAML reads the braces of {what} as a mapping, since they are not in quotes",
                it.line_start + start,
                f"quote it: {_quoted(it.line[start : _value_end(line, found.end(), in_flow)])}",
            )
    return None


def _value_end(line: str, at: int, in_flow: bool) -> int:
    """The end of the value that continues at offset `at`: the next comma, bracket or end of the line."""
    found = re.match(r"[^,\]}\s]*" if in_flow else r".*?(?=\s+#|\s*$)", line[at:])
    return at + (found.end() if found else 0)


def _quoted(text: str) -> str:
    return f"'{text}'" if '"' in text else f'"{text}"'


def _quoted_then_more(it: _Trouble) -> Malformed | None:
    before = it.text[it.line_start : it.at].rstrip()
    if "expected <block end>" not in it.problem or not before.endswith(('"', "'")):
        return None
    return Malformed(
        "text continues after the closing quote",
        it.at,
        "quote the whole value with the other kind of quotes, or double an inner ' to ''",
    )


def _indicator(it: _Trouble) -> Malformed | None:
    if "cannot start any token" not in it.problem:
        return None
    return Malformed(f"a value cannot begin with {it.character!r}", it.at, "put the value in quotes")


def _no_space_after_colon(it: _Trouble) -> Malformed | None:
    if "could not find expected ':'" not in it.problem:
        return None
    line_start = it.text.rfind("\n", 0, it.context_at) + 1
    line = it.text[line_start:].partition("\n")[0]
    found = _NO_SPACE.match(line)
    if found:
        return Malformed(
            f"a space is missing after {found[1]}:", line_start + found.end(), f"write `{found[1]}: ...`"
        )
    return _colon_missing(it.text[:line_start] + line) or Malformed(
        "this line is not a `key: value`", it.context_at, "give it a key, or indent it as text"
    )


def _colon_in_value(it: _Trouble) -> Malformed | None:
    if "mapping values are not allowed" not in it.problem:
        return None
    key = _KEY.match(it.line)
    if key and it.line_start + key.end() <= it.at:
        return Malformed(
            "there is a second `: ` in this line, so YAML reads the value as a mapping",
            it.at,
            f"quote the value: {_quoted(it.line[key.end() :].strip())}",
        )
    return _colon_missing(it.text[: it.line_start]) or Malformed(
        "this line is indented deeper than the key before it, which already has a value",
        it.at,
        "give all keys of a mapping the same indentation",
    )


def _colon_missing(text: str) -> Malformed | None:
    """The error that the last line of `text` is a key without a colon, if it looks like one."""
    found = _NO_COLON.search(text.rstrip())
    if found is None:
        return None
    fixed = f"{found[1]}: {found[2] or ''}".rstrip()
    return Malformed(f"a colon is missing after {found[1]}", found.end(1), f"write `{fixed}`")


def _list_on_key_line(it: _Trouble) -> Malformed | None:
    if "sequence entries are not allowed" not in it.problem:
        return None
    return Malformed("a list entry cannot be on the line of its key", it.at, "put `- ` on the next line")


def _last_open(text: str) -> int | None:
    """The offset of the innermost bracket that is still open at the end of `text`."""
    bare = _blanked(text)
    opened: list[int] = []
    for at, char in enumerate(bare):
        if char in _CLOSING:
            opened.append(at)
        elif opened and char == _CLOSING[bare[opened[-1]]]:
            opened.pop()
    return opened[-1] if opened else None


def _unclosed(it: _Trouble) -> Malformed | None:
    if "quoted scalar" in it.context and "end of stream" in it.problem:
        return Malformed("these quotes are not closed", it.context_at, "add the closing quote")
    if "escape character" in it.problem or "escape sequence" in it.problem:
        return Malformed(
            f"invalid escape \\{it.character}", it.at, "in double quotes a backslash is written \\\\"
        )
    if "while parsing a flow node" in it.context and (opened := _last_open(it.text)) is not None:
        bracket = it.text[opened]
        return Malformed(f"this {bracket} is not closed", opened, f"add {_CLOSING[bracket]}")
    if "while parsing a flow" in it.context:
        opening = "[" if "sequence" in it.context else "{"
        closing = "]" if opening == "[" else "}"
        if it.character == ":" and _last_open(it.text) is None:
            return Malformed(
                f"within {opening} {closing}, a key and its colon must be on one line",
                it.at,
                "write `key: value` without a line break in the key, or one key per line without brackets",
            )
        if it.at >= len(it.text.rstrip()) or it.line_start > it.context_at:
            return Malformed(f"this {opening} is not closed", it.context_at, f"add {closing}")
        return Malformed(
            f"a comma or {closing} is expected here", it.at, "put text that contains , [ ] { } in quotes"
        )
    return None


def _indentation(it: _Trouble) -> Malformed | None:
    if "expected <block end>" not in it.problem:
        return None
    if it.character in ("}", "]"):
        return Malformed(f"this {it.character} closes nothing", it.at, "remove it")
    if "'-'" in it.problem or "'?'" in it.problem:
        return Malformed(
            "list entries (`- `) and `key: value` lines are mixed on one level",
            it.at,
            "indent the entries of a list below its key",
        )
    return Malformed(
        "the indentation of this line does not match the lines that it belongs to",
        it.at,
        "give all keys of a mapping, and all `- ` of a list, the same indentation",
    )


def _extra_text(it: _Trouble) -> Malformed | None:
    if "expected '<document start>'" not in it.problem:
        return None
    return Malformed("there is more text after the end of the definition", it.at)


_RULES: tuple[Callable[[_Trouble], Malformed | None], ...] = (
    _magic,
    _tab,
    _odd_space,
    _unquoted_braces,
    _quoted_then_more,
    _indicator,
    _no_space_after_colon,
    _colon_in_value,
    _list_on_key_line,
    _unclosed,
    _indentation,
    _extra_text,
)
