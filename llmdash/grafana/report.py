"""What a push did or would do, as people and programs read it: text, Markdown and JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from llmdash.grafana.actions import Action, Kind, Verb
from llmdash.grafana.changes import Change
from llmdash.grafana.content import Json
from llmdash.grafana.delivery import Outcome, State
from llmdash.grafana.push import Planned

SCHEMA = "llmdash-push/1"
_DONE = {
    Verb.CREATE: "created",
    Verb.UPDATE: "updated",
    Verb.UNCHANGED: "unchanged",
    Verb.REFUSE: "refused",
    Verb.PRUNE: "pruned",
}
_WIDTH = max(len(verb.value) for verb in Verb)


def heading(url: str, planned: Planned) -> str:
    """Return where a push goes."""
    server = planned.server
    release = f" {server.release}" if server.release else ""
    return f"Grafana{release} at {url}, organisation {server.org_name} ({server.org_id})"


#: So many differences of something that is left to a person are told without being asked for.
_TOLD = 3


def line(action: Action) -> str:
    """Return an action in one line; for what is left to a person, what differs and the remedy."""
    what = f"{action.verb.value:<{_WIDTH}}  {action.kind.value} {_named(action)}"
    lines = [f"{what}: {action.reason}" if action.reason else what]
    if action.verb is Verb.REFUSE:
        lines += [_in_lines(change)[0] for change in action.changes[:_TOLD]]
        more = len(action.changes) - _TOLD
        lines += [f"and {more} more; see --diff text"] if more > 0 else []
    if action.remedy:
        lines.append(f"→ {action.remedy}")
    return f"\n{'':<{_WIDTH}}  ".join(lines)


def _named(action: Action) -> str:
    return action.title if action.title == action.uid else f"{action.title} ({action.uid})"


def outcome_line(outcome: Outcome) -> str:
    """Return what became of an action, and where somebody's work was saved."""
    if outcome.state is State.FAILED:
        action = outcome.action
        text = f"{'failed':<{_WIDTH}}  {action.kind.value} {_named(action)}: {outcome.message}"
    else:
        text = line(outcome.action) + (f" ({outcome.message})" if outcome.message else "")
    return text + (f"\n{'':<{_WIDTH}}  saved in {outcome.backup}" if outcome.backup else "")


def is_silent(action: Action) -> bool:
    """Tell whether an action is no news."""
    return action.verb is Verb.UNCHANGED and not action.reason


def summary(planned: Planned, outcomes: Sequence[Outcome] | None) -> str:
    """Return how many of each there are: what was done, or what would be."""
    failed = 0
    counted: Counter[tuple[Kind, Verb]] = Counter()
    for outcome in outcomes or ():
        if outcome.state is State.FAILED:
            failed += 1
        else:
            counted[outcome.action.kind, outcome.action.verb] += 1
    if outcomes is None:
        counted.update((action.kind, action.verb) for action in planned.actions)
    parts = []
    for kind in Kind:
        told = [
            f"{counted[kind, verb]} {_DONE[verb] if outcomes is not None else _would(verb)}"
            for verb in Verb
            if counted[kind, verb]
        ]
        if told:
            parts.append(f"{kind.value}s: {', '.join(told)}")
    if failed:
        parts.append(f"{failed} failed")
    return "; ".join(parts) or "nothing to do"


def _would(verb: Verb) -> str:
    return _DONE[verb] if verb is Verb.UNCHANGED else f"to {verb.value}"


def differences(planned: Planned, form: str) -> str:
    """Return what would change in each dashboard, panel by panel.

    Args:
        planned: the plan.
        form: `text`, or `markdown` for a comment in a review.
    """
    differing = [
        action
        for action in planned.actions
        if action.changes and action.verb in (Verb.UPDATE, Verb.REFUSE)
    ]
    write = _markdown if form == "markdown" else _text
    return "\n".join(text for action in differing for text in write(action))


def _text(action: Action) -> Iterator[str]:
    yield f"{action.verb.value} {_named(action)}"
    for change in action.changes:
        lines = _in_lines(change)
        yield f"  {lines[0]}"
        yield from (f"      {each}" for each in lines[1:])


def _markdown(action: Action) -> Iterator[str]:
    yield f"### {action.verb.value.capitalize()}: {action.title} (`{action.uid}`)"
    yield ""
    if action.reason:
        yield f"{action.reason[0].upper()}{action.reason[1:]}."
        yield ""
    for change in action.changes:
        lines = _in_lines(change)
        yield f"- {_escaped(lines[0])}"
        if len(lines) > 1:
            yield from ("", "  ```diff", *(f"  {each}" for each in lines[1:]), "  ```")
    yield ""


def _escaped(text: str) -> str:
    for sign in ("\\", "`", "*", "_", "<", "|"):
        text = text.replace(sign, f"\\{sign}")
    return text


#: A difference longer than this is told in lines below each other.
_SHORT = 60


def _in_lines(change: Change) -> list[str]:
    """Return a change in one line, or long texts below each other as reviews show them."""
    before, after = change.before, change.after
    texts = [text for text in (before, after) if text is not None]
    if all(len(text) <= _SHORT and "\n" not in text for text in texts):
        return [str(change)]
    head = ": ".join(part for part in (change.place, change.what) if part)
    verb = "added" if before is None else "removed" if after is None else "changed"
    minus = [] if before is None else [f"- {each}" for each in before.splitlines()]
    plus = [] if after is None else [f"+ {each}" for each in after.splitlines()]
    return [f"{head} {verb}", *minus, *plus]


def as_json(url: str, planned: Planned, outcomes: Sequence[Outcome] | None) -> Json:
    """Return a push as data; `outcomes` are None for a dry run."""
    results: list[Any] = (
        [_outcome_json(outcome) for outcome in outcomes]
        if outcomes is not None
        else [_action_json(action) for action in planned.actions]
    )
    return {
        "schema": SCHEMA,
        "grafana": {
            "url": url,
            "release": str(planned.server.release) if planned.server.release else None,
            "org": {"id": planned.server.org_id, "name": planned.server.org_name},
        },
        "is_dry_run": outcomes is None,
        "actions": results,
        "notes": list(planned.notes),
    }


def _action_json(action: Action) -> Json:
    return {
        "verb": action.verb.value,
        "kind": action.kind.value,
        "uid": action.uid,
        "title": action.title,
        "reason": action.reason,
        "remedy": action.remedy,
        "changes": [
            {
                "place": change.place,
                "what": change.what,
                "before": change.before,
                "after": change.after,
            }
            for change in action.changes
            if action.verb is not Verb.UNCHANGED
        ],
    }


def _outcome_json(outcome: Outcome) -> Json:
    return {
        **_action_json(outcome.action),
        "state": outcome.state.value,
        "message": outcome.message,
        "backup": str(outcome.backup) if outcome.backup else None,
    }
