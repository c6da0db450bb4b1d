"""``runs``, ``runs keep`` and ``runs remove``: the runs that are stored on disk."""

from __future__ import annotations

from collections.abc import Sequence

from drawer_ipy.errors import did_you_mean
from drawer_ipy.pressing.stored import find_stored, open_in, runs_in
from drawer_ipy.record.jsonable import jsonable
from drawer_ipy.verbs.base import VerbCode, VerbContext, VerbError, VerbParser, VerbResult

_VERBS = ("open", "keep", "remove")


def run(words: Sequence[str], context: VerbContext) -> VerbResult:
    """``runs [NAME]``, or ``runs open|keep|remove ID``.

    Raises:
        VerbError: UNKNOWN_VERB.
        UsageError: there is no such run, or it cannot be read or changed.
    """
    if words and words[0] in _VERBS:
        return _one(words[0], words[1:], context)
    about = "List the stored runs, newest first; of one drawer if its name is given."
    parser = VerbParser("runs", f"{about}\n`runs open|keep|remove ID` shows, keeps or removes one.")
    parser.add_argument("name", metavar="NAME", nargs="?", default="", help="only runs of this drawer")
    if len(words) > 1 and not any(word.startswith("-") for word in words):
        raise VerbError(
            f"runs has no verb {words[0]!r}",
            code=VerbCode.UNKNOWN_VERB,
            remediation=did_you_mean(words[0], _VERBS) or f"its verbs are {', '.join(_VERBS)}",
        )
    options = parser.read(words)
    folder = context.workspace.runs_folder
    found = runs_in(folder, options.name)
    if options.name and not found:
        others = f"`runs` lists all; `{options.name} logs` also lists runs that are not stored"
        hint = did_you_mean(options.name, _VERBS) or others
        of = f"there is no stored run of {options.name!r} in {folder}"
        raise VerbError(of, code=VerbCode.NOT_FOUND, remediation=hint)
    text = repr(found) if found else f"no stored runs; they would be in {folder}"
    return VerbResult({"runs": [one.to_dict() for one in found], "folder": str(folder)}, text)


def _one(verb: str, words: Sequence[str], context: VerbContext) -> VerbResult:
    texts = {
        "open": "Show the table of a stored run.",
        "keep": "Keep a run when older ones are removed; --no undoes that.",
        "remove": "Remove a stored run from the disk.",
    }
    parser = VerbParser(f"runs {verb}", texts[verb])
    if verb == "remove":
        parser.dry()
    latest = "; the name of a drawer opens its latest run" if verb == "open" else ""
    parser.add_argument("id", metavar="ID", help=f"the id of the run, or its beginning{latest}")
    if verb == "keep":
        parser.add_argument("--no", action="store_true", help="do not keep it any more")
    options = parser.read(words)
    found = find_stored(context.workspace.runs_folder, options.id, by_name=verb == "open")
    if verb == "open":
        results = open_in(found, context.surroundings())
        return VerbResult(lambda: jsonable(results.run.to_dict()), str(results), results=results)
    if verb == "keep":
        found.keep(not options.no)
        said = "is not kept any more" if options.no else "is kept"
        return VerbResult({"id": found.id, "keep": not options.no}, f"run {found.id} {said}")
    if options.dry_run:
        return VerbResult({"id": found.id, "removed": False}, f"would remove {found.about.path}")
    found.remove()
    return VerbResult({"id": found.id, "removed": True}, f"run {found.id} is removed")
