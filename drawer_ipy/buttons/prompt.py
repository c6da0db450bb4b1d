"""Prompt buttons: their output is a text with its arguments filled in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from drawer_ipy.buttons.base import Call, Outcome
from drawer_ipy.buttons.http.template import TextTemplate
from drawer_ipy.buttons.spec_button import SpecButton
from drawer_ipy.common.folders import read_regular
from drawer_ipy.definition.button_runtimes import Setting
from drawer_ipy.definition.checking.requests import request_troubles
from drawer_ipy.definition.faults import refuse
from drawer_ipy.definition.models import ArgSpec, ButtonSpec
from drawer_ipy.errors import Code, DrawerError, ErrorInfo

_FILE = "AGENTS.md"
"""The file with the text, in the folder of a workspace button."""


class PromptError(DrawerError):
    """A prompt has no text."""

    default_code = Code.PROMPT_ERROR


class PromptButton(SpecButton):
    """A prompt as a button; the output is its text with ``{{arg}}`` filled in, ready for a model.

    Args:
        spec: a specification. If it declares no arguments, the placeholders in the text are its arguments.
        read: returns the text at each press; by default the specification's ``prompt``.
    """

    kind = "prompt"

    def __init__(self, spec: ButtonSpec, read: Callable[[], str] | None = None) -> None:
        self._read = read
        self._template = TextTemplate(spec.prompt)
        implied = (ArgSpec(name=name, type="any", required=True) for name in self._template.names)
        super().__init__(spec, spec.args or tuple(implied))

    def bind(self, args: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the arguments as text. Raises ArgumentError, see base.Button."""
        return self._arguments.texts(args)

    async def press(self, bound: Mapping[str, Any], call: Call) -> Outcome:  # noqa: ARG002 - as base.Button
        """Fill in the text; see base.Button."""
        try:
            template = self._text()
        except PromptError as error:
            return Outcome(status="error", error=error.info(), exit_code=1)
        text = template.fill(bound)
        if not text.strip():
            return Outcome(status="error", error=self._error("is empty").info(), exit_code=1)
        return Outcome(text, stdout=text)

    def lacking(self) -> ErrorInfo | None:
        """Return why no press can succeed (no file, or no text in it); ``None`` if there is a text."""
        try:
            template = self._text()
        except PromptError as error:
            return error.info()
        empty = not template.names and not template.literals[0].strip()
        return self._error("is empty").info() if empty else None

    def _text(self) -> TextTemplate:
        if self._read is None:
            return self._template
        try:
            return TextTemplate(self._read())
        except (OSError, UnicodeDecodeError) as error:
            raise self._error(f"cannot be read: {error}") from None

    def _error(self, what: str) -> PromptError:
        message = f"the prompt of button {self.name!r} {what}"
        return PromptError(message, remediation="write the text for the model into it")


def make_prompt(spec: ButtonSpec, setting: Setting) -> PromptButton:
    """Return a prompt as a button; without ``prompt``, its text is in a file of the button's folder."""
    refuse(spec.name, request_troubles(spec))
    if spec.prompt or setting.folder is None:
        return PromptButton(spec)
    path = setting.folder / _FILE
    return PromptButton(spec, lambda: read_regular(path.resolve()).decode("utf-8"))
