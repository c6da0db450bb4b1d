"""The rules of flow drawers (docs/original.md#7-validation).

Flow drawers are stored and checked here, and run elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from drawer_ipy.common.key_path import KeyPath
from drawer_ipy.common.short_repr import shown
from drawer_ipy.definition.reading.shape import Finding
from drawer_ipy.errors import did_you_mean

_AGENT = re.compile(r"activation\.(manager|worker)|agent:[^:\s]+:[^:\s]+")
_KEBAB = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_SESSIONS = ("new_attempt", "continue_stage", "continue_task")
_BACKOFFS = ("fixed", "exponential")
_TRIGGERS = {"heartbeat": "every_seconds", "cron": "cron", "event": "event_type", "webhook": "hook_id"}
_LIMITS = ("max_active_tasks", "max_runtime_seconds", "max_attempts_per_stage")


def flow_findings(flow: Mapping[str, Any]) -> Iterator[Finding]:
    """Return all problems of a flow from top to bottom; paths begin at the drawer."""
    at: KeyPath = ("flow",)
    manager = _mapping(flow, "manager")
    yield from _agent(manager, (*at, "manager"))
    yield from _counts(manager, ("heartbeat_seconds",), (*at, "manager"))
    yield from _counts(_mapping(flow, "limits"), _LIMITS, (*at, "limits"))
    stages = flow.get("stages")
    if not isinstance(stages, list) or not stages:
        yield Finding((*at, "stages"), "a flow needs at least one stage", on_key=False)
        return
    ids = [stage.get("id") for stage in stages if isinstance(stage, Mapping)]
    names = [name for name in ids if isinstance(name, str)]
    first = flow.get("initial_stage")
    if first not in names:
        hint = did_you_mean(str(first or ""), names)
        yield Finding(
            (*at, "initial_stage"), f"initial_stage {shown(first)} is not a stage", hint, on_key=False
        )
    for i, stage in enumerate(stages):
        path = (*at, "stages", i)
        if not isinstance(stage, Mapping):
            yield Finding(path, "a stage is a mapping (`key: value`)", on_key=False)
            continue
        if stage.get("id") in ids[:i]:
            yield Finding((*path, "id"), f"there are two stages {shown(stage.get('id'))}", on_key=False)
        yield from _stage(stage, names, path)


def _mapping(owner: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = owner.get(key)
    return found if isinstance(found, Mapping) else {}


def _agent(owner: Mapping[str, Any], path: KeyPath) -> Iterator[Finding]:
    agent = owner.get("agent")
    if agent is not None and not (isinstance(agent, str) and _AGENT.fullmatch(agent)):
        hint = "write activation.manager, activation.worker or agent:TEAM:NAME"
        yield Finding((*path, "agent"), f"{shown(agent)} refers to no agent", hint, on_key=False)


def _counts(owner: Mapping[str, Any], keys: tuple[str, ...], path: KeyPath) -> Iterator[Finding]:
    for key in keys:
        value = owner.get(key)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
            yield Finding((*path, key), f"{key} must be a whole number, 0 or more", on_key=False)


def _stage(stage: Mapping[str, Any], names: list[str], path: KeyPath) -> Iterator[Finding]:
    name = stage.get("id")
    if not (isinstance(name, str) and _KEBAB.fullmatch(name)):
        hint = "lower case letters, digits and single hyphens"
        yield Finding((*path, "id"), f"{shown(name)} is not a stage id", hint, on_key=False)
    if not stage.get("title"):
        yield Finding((*path, "title"), f"stage {shown(name)} has no title", on_key=False)
    for owner in ("manager", "worker"):
        yield from _agent(_mapping(stage, owner), (*path, owner))
    yield from _counts(stage, ("timeout_seconds", "concurrency"), path)
    retry = _mapping(stage, "retry")
    yield from _counts(retry, ("limit", "initial_seconds"), (*path, "retry"))
    yield from _word(retry, "backoff", _BACKOFFS, (*path, "retry"))
    policy = _mapping(stage, "session_policy")
    for owner in ("manager", "worker"):
        yield from _word(policy, owner, _SESSIONS, (*path, "session_policy"))
    yield from _transitions(stage, names, path)
    yield from _triggers(stage, path)


def _word(owner: Mapping[str, Any], key: str, words: tuple[str, ...], path: KeyPath) -> Iterator[Finding]:
    value = owner.get(key)
    if value not in (None, "") and value not in words:
        hint = f"{did_you_mean(str(value), words)} it is one of {', '.join(words)}".strip()
        yield Finding((*path, key), f"{key} cannot be {shown(value)}", hint, on_key=False)


def _transitions(stage: Mapping[str, Any], names: list[str], path: KeyPath) -> Iterator[Finding]:
    transitions = stage.get("transitions")
    for i, target in enumerate(transitions if isinstance(transitions, list) else []):
        if target not in names:
            hint = did_you_mean(str(target), names)
            yield Finding((*path, "transitions", i), f"there is no stage {shown(target)}", hint, on_key=False)


def _triggers(stage: Mapping[str, Any], path: KeyPath) -> Iterator[Finding]:
    triggers = stage.get("triggers")
    for i, trigger in enumerate(triggers if isinstance(triggers, list) else []):
        at = (*path, "triggers", i)
        kind = trigger.get("kind") if isinstance(trigger, Mapping) else None
        if not isinstance(kind, str) or kind not in _TRIGGERS:
            hint = f"it is one of {', '.join(_TRIGGERS)}"
            yield Finding(at, f"there is no trigger kind {shown(kind)}", hint, on_key=False)
            continue
        needed = _TRIGGERS[kind]
        value = trigger.get(needed)
        if needed == "every_seconds":
            if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
                yield Finding(at, "a heartbeat trigger needs every_seconds above 0", on_key=False)
        elif not value:
            yield Finding(at, f"a {kind} trigger needs {needed}", on_key=False)
