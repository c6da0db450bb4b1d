"""Dispatch of the typed words to the verb's module, which is imported on demand."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence

from drawer_ipy.errors import DrawerError, did_you_mean
from drawer_ipy.verbs.base import HelpWanted, VerbCode, VerbContext, VerbError, VerbResult

# Word -> module and function. These come first on the line ...
GENERAL: Mapping[str, tuple[str, str]] = {
    "create": ("shelf", "create"),
    "list": ("shelf", "list_all"),
    "ls": ("shelf", "list_all"),
    "schema": ("shelf", "schema"),
    "remove": ("shelf", "remove_first"),
    "rm": ("shelf", "remove_first"),
    "cache": ("cache", "run"),
    "runs": ("runs", "run"),
}

# ... and these after a drawer's name.
OF_DRAWER: Mapping[str, tuple[str, str]] = {
    "summary": ("looking", "summary"),
    "validate": ("looking", "validation"),
    "logs": ("looking", "logs"),
    "add": ("adding", "run"),
    "connect": ("connecting", "run"),
    "set": ("setting", "run"),
    "press": ("pressing", "run"),
    "remove": ("shelf", "remove"),
    "rm": ("shelf", "remove"),
}

# Verbs of the original for parts that are only stored here.
_ELSEWHERE: Mapping[str, str] = {
    "stage": "flows are stored and checked here, not run; edit `flow:` in drawer.json",
    "trigger": "triggers are stored and checked here, not served; edit `triggers:` in drawer.json",
}

HELP = """\
drawer create NAME                   a new, empty drawer
drawer list                          all drawers
drawer schema [button]               the JSON Schema of drawer.json or button.json, for editors
drawer remove NAME                   remove a drawer with its history
drawer cache info                    the cached results
drawer cache clear [BUTTON...]       delete cached results
drawer runs [NAME]                   the stored runs
drawer runs open|keep|remove ID      show, keep or remove one

drawer NAME                          its steps, its problems, its last runs
drawer NAME validate                 its problems
drawer NAME add TARGET...            BUTTON, drawer/NAME, for_each:BUTTON or wait:30s
drawer NAME connect A to B           set the arguments of step B to the output of step A
drawer NAME connect A.output.x to B.args.y
drawer NAME set PATH=VALUE...        each.parallelism=10, each.work.args.n=3
drawer NAME press [name=value...]    run it; name=@rows.csv reads a file
drawer NAME logs [--failed]          its last runs
drawer NAME remove                   remove it with its history

`drawer NAME VERB --help` has details; with --dry-run a verb only shows what it would do."""


def run_verb(argv: Sequence[str], context: VerbContext) -> VerbResult:
    """Run the verb in `argv` (without the word ``drawer`` itself).

    Raises:
        VerbError: UNKNOWN_VERB, or an error of the verb about its words.
        DrawerError: another error of the verb.
    """
    words = list(argv)
    if not words or words[0] in ("help", "--help", "-h"):
        return VerbResult({"help": HELP}, HELP, is_help=True)
    try:
        outcome = _call(words, context)
        _add_refused(outcome, context.workspace.refused)
        return outcome
    except HelpWanted as wanted:
        return VerbResult({"help": str(wanted)}, str(wanted).rstrip(), is_help=True)
    except DrawerError as error:
        context.workspace.explain(error)
        raise


def _add_refused(outcome: VerbResult, refused: str) -> None:
    """Add a note about a refused folder to `outcome`; the result of a press has it already."""
    note = f"note: {refused}"
    if refused and note not in outcome.notes:
        outcome.text = f"{outcome.text}\n{note}"
        outcome.notes.append(note)


def _call(words: list[str], context: VerbContext) -> VerbResult:
    first = words[0]
    if first.startswith("-"):
        raise VerbError(
            f"the option {first} cannot come before a verb",
            code=VerbCode.UNKNOWN_VERB,
            remediation=f"begin with {', '.join(GENERAL)}, or the name of a drawer",
        )
    if first in GENERAL:
        outcome: VerbResult = _function(*GENERAL[first])(words[1:], context)
        return outcome
    verb = words[1] if len(words) > 1 and words[1] != "--dry-run" else "summary"
    if verb in ("--help", "-h"):
        raise HelpWanted(HELP)
    if verb not in OF_DRAWER:
        raise _unknown(first, verb)
    if len(words) == 1:
        _near_verb(first, context)
    outcome = _function(*OF_DRAWER[verb])(first, words[2:], context)
    return outcome


def _function(module: str, function: str):  # type: ignore[no-untyped-def]  # two shapes, see the tables
    return getattr(importlib.import_module(f"drawer_ipy.verbs.{module}"), function)


def _unknown(name: str, verb: str) -> VerbError:
    if "=" in verb:
        hint = f"did you mean `{name} press {verb} ...`?"
    elif name in OF_DRAWER and name not in GENERAL:
        hint = f"the drawer comes first: {verb} {name} ..."
    elif verb in _ELSEWHERE:
        hint = _ELSEWHERE[verb]
    else:
        known = f"the verbs are {', '.join(OF_DRAWER)}"
        hint = f"{did_you_mean(verb, OF_DRAWER)} {known}".strip()
    return VerbError(f"unknown verb {verb!r}", code=VerbCode.UNKNOWN_VERB, remediation=hint)


def _near_verb(word: str, context: VerbContext) -> None:
    """Check that `word` is not a misspelt verb.

    Raises:
        VerbError: UNKNOWN_VERB, if `word` is similar to a verb and there is no drawer with that name.
    """
    near = did_you_mean(word, [*GENERAL, *OF_DRAWER])
    if not near:
        return
    from drawer_ipy.verbs.target import find_target, not_found

    try:
        find_target(word, context)
    except VerbError as error:
        if error.code != VerbCode.NOT_FOUND:
            raise
        drawer = not_found(word, context).remediation
        hint = near if "did you mean" not in drawer else drawer
        message = f"{word!r} is neither a verb nor a drawer"
        raise VerbError(message, code=VerbCode.UNKNOWN_VERB, remediation=hint) from None
