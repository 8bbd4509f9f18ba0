"""What a dashboard says, apart from what a server adds to it: what is compared, and its stamp.

The stamp is a tag, `<owner>:<fingerprint>`: who pushed the dashboard, and a hash of what was pushed
and where to. By it anybody can tell later whether somebody has edited it since. A server that keeps
something else than it is sent has a second hash in it, of that.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, TypeAlias

from llmdash.errors import PromqlError
from llmdash.promql.windows import Duration

Json: TypeAlias = dict[str, Any]

_STAMP = re.compile(
    r"(?P<owner>[A-Za-z0-9][\w.-]*):(?P<sent>[0-9a-f]{16})(?:-(?P<kept>[0-9a-f]{16}))?", re.ASCII
)
#: What a server gives a dashboard, or counts of it; says nothing of its content.
_ADDED = frozenset({"id", "version", "iteration"})
#: What Grafana offers for a refresh, shortest first; a server may replace one by a longer one.
_REFRESHES = ("1s", "5s", "10s", "30s", "1m", "5m", "15m", "30m", "1h", "2h")


@dataclass(frozen=True)
class Stamp:
    """Who pushed a dashboard, and the fingerprints of what was sent and of what the server kept."""

    owner: str
    sent: str
    #: Empty where it is the same.
    other: str = ""

    @property
    def kept(self) -> str:
        """The fingerprint of what is there as long as nobody edits it."""
        return self.other or self.sent

    @property
    def tag(self) -> str:
        """The tag that carries it."""
        return f"{self.owner}:{self.sent}" + (f"-{self.other}" if self.other else "")


def is_owner(text: str) -> bool:
    """Tell whether a text can stand in a stamp as its owner."""
    return _STAMP.fullmatch(f"{text}:{'0' * 16}") is not None


def stamps_in(tags: object) -> tuple[Stamp, ...]:
    """Return the stamps among tags."""
    texts = tags if isinstance(tags, list | tuple) else ()
    found = (_STAMP.fullmatch(tag) for tag in texts if isinstance(tag, str))
    return tuple(
        Stamp(match["owner"], match["sent"], match["kept"] or "") for match in found if match
    )


def stamped(content: Mapping[str, Any], folder_uid: str, owner: str) -> Json:
    """Return a dashboard as it is sent: with its stamp, and without a number of its own."""
    return with_stamp(content, Stamp(owner, fingerprint(content, folder_uid)))


def with_stamp(content: Mapping[str, Any], stamp: Stamp) -> Json:
    """Return a dashboard with one stamp, and without a number of its own."""
    kept = {key: value for key, value in content.items() if key not in _ADDED}
    return {**kept, "id": None, "tags": [*_plain_tags(content), stamp.tag]}


def fingerprint(content: Mapping[str, Any], folder_uid: str) -> str:
    """Return a hash of what a dashboard says and of the folder that it is in."""
    said = {"folder": folder_uid, "dashboard": canonical(content)}
    text = json.dumps(said, allow_nan=False, separators=(",", ":"), sort_keys=True)
    return sha256(text.encode()).hexdigest()[:16]


def canonical(content: Mapping[str, Any]) -> Json:
    """Return what a dashboard says: without stamps, numbers of the server and nulls.

    Servers keep a dashboard as it was sent, but may write numbers differently and fill in nulls.
    """
    kept: Json = _plain({key: value for key, value in content.items() if key not in _ADDED})
    if "tags" in kept:
        kept["tags"] = sorted(set(_plain_tags(content)))
    return kept


def says_the_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Tell whether two dashboards say the same; quick where one is as the other was sent."""
    return _bare(one) == _bare(other) or canonical(one) == canonical(other)


def _bare(content: Mapping[str, Any]) -> Json:
    kept = {key: value for key, value in content.items() if key not in _ADDED}
    return {**kept, "tags": _plain_tags(content)}


def _plain_tags(content: Mapping[str, Any]) -> list[str]:
    return [tag for tag in content.get("tags") or () if not stamps_in([tag])]


def _plain(value: Any, key: str = "") -> Any:
    kind = type(value)
    if kind is str or kind is int:
        return value
    if kind is dict:
        # The first step of thresholds has the value null, which means: from below.
        return {
            name: _plain(inner, name)
            for name, inner in value.items()
            if inner is not None or (key == "steps" and name == "value")
        }
    if kind is list:
        return [_plain(inner, key) for inner in value]
    if kind is float and value.is_integer():
        return int(value)
    return value


def is_as_pushed(content: Mapping[str, Any], folder_uid: str, stamp: Stamp, refresh: str) -> bool:
    """Tell whether a dashboard is what the server kept when its stamp was made.

    A server may have replaced a short refresh by its shortest allowed one; that is no edit.

    Args:
        content: what the server holds.
        folder_uid: where it holds it.
        stamp: the stamp that it carries.
        refresh: what we would send now; what was sent then may be anything shorter than is held.
    """
    held = str(content.get("refresh") or "")
    asked = [held, *(text for text in (refresh, *_REFRESHES) if _is_shorter(text, held))]
    return any(
        fingerprint({**content, "refresh": text}, folder_uid) == stamp.kept
        for text in dict.fromkeys(asked)
    )


def is_slowed(wanted: Mapping[str, Any], held: Mapping[str, Any]) -> bool:
    """Tell whether a dashboard is held as it is wanted but for a longer refresh."""
    asked, given = str(wanted.get("refresh") or ""), str(held.get("refresh") or "")
    return _is_shorter(asked, given) and says_the_same({**held, "refresh": asked}, wanted)


def _is_shorter(text: str, than: str) -> bool:
    try:
        return Duration.parse(text) < Duration.parse(than)
    except PromqlError:
        # One of them is none: a dashboard that is not refreshed.
        return False


def panels_in(content: Mapping[str, Any]) -> Iterator[Json]:
    """Yield the rows and panels of a dashboard in order, those of collapsed rows too."""
    for panel in content.get("panels") or ():
        yield panel
        yield from panels_in(panel)
