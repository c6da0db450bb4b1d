"""What a button lacks: reasons why every press would fail, as far as they are known before a run.

Nothing is sent and no program is started. Texts are filled in, files are checked and programs are searched on
the PATH, with the code that a press uses.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING

from drawer_ipy.buttons.script.button import ScriptButton
from drawer_ipy.definition.button_runtimes import runtime_of
from drawer_ipy.definition.checking.callee import Callee
from drawer_ipy.definition.checking.unmet import Present, Unmet, unset_in

if TYPE_CHECKING:
    from drawer_ipy.buttons.prompt import PromptButton

Origins = Callable[[], Collection[str]]


def lacking(button: Callee, present: Present, allowed_origins: Origins = tuple) -> Iterator[Unmet]:
    """Yield what each press of `button` needs and would not find.

    Args:
        allowed_origins: see HttpButton.
    """
    spec = button.spec
    if spec is None:
        return
    unset = list(unset_in(spec, present))
    yield from unset
    unset_paths = {one.path for one in unset}
    runtime = runtime_of(spec)
    try:
        found = runtime.lacking(button, present, allowed_origins)
    except Exception as error:  # of a runtime of another distribution
        yield Unmet((), runtime.failing("lacks", error), certain=False)
        return
    for one in found:
        if not any(path[: len(one.path)] == one.path for path in unset_paths):
            yield one


def of_script(button: ScriptButton, _present: Present, _origins: Origins) -> Iterator[Unmet]:
    """Yield the program or the file that a script lacks."""
    if (error := button.lacking()) is not None:
        yield Unmet(("runtime",), error.message, error.remediation)


def of_prompt(button: PromptButton, _present: Present, _origins: Origins) -> Iterator[Unmet]:
    """Yield the text that a prompt lacks."""
    if (error := button.lacking()) is not None:
        yield Unmet(("prompt",), error.message, error.remediation)
