"""Grafana's own alert rules as they are stored, what they say, and how they are asked for.

The stamp of a rule is an annotation, for rules have no tags.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from llmdash.errors import PromqlError
from llmdash.grafana.client import Client
from llmdash.grafana.content import Json, Stamp, stamps_in
from llmdash.promql.windows import Duration

STAMP = "llmdash_stamp"
#: What a server gives a rule; says nothing of what it does.
_ADDED = frozenset({"id", "guid", "orgID", "updated", "provenance"})
#: What a rule says that says nothing, and what releases add to it since.
_DEFAULTS: Mapping[str, Any] = {
    "isPaused": False,
    "keep_firing_for": "0s",
    "missingSeriesEvalsToResolve": None,
    "missing_series_evals_to_resolve": None,
    "notification_settings": None,
    "record": None,
}
_DURATIONS = ("for", "keep_firing_for")
#: What came from a file, and from the API in the way that keeps people from editing it.
FILE, API = "file", "api"


@dataclass(frozen=True)
class HeldRule:
    """A rule as it is stored."""

    content: Json

    @property
    def uid(self) -> str:
        """Its name in addresses."""
        return str(self.content.get("uid", ""))

    @property
    def title(self) -> str:
        """The name that it alerts under."""
        return str(self.content.get("title", ""))

    @property
    def folder_uid(self) -> str:
        """The folder that it stands in."""
        return str(self.content.get("folderUID", ""))

    @property
    def group(self) -> str:
        """The group that it is evaluated with."""
        return str(self.content.get("ruleGroup", ""))

    @property
    def provenance(self) -> str:
        """Where it came from; empty for one that people may edit."""
        return str(self.content.get("provenance") or "")

    @property
    def stamps(self) -> tuple[Stamp, ...]:
        """The stamp that it carries, if any."""
        return stamps_in([(self.content.get("annotations") or {}).get(STAMP)])

    def stamp_of(self, owner: str) -> Stamp | None:
        """Return the stamp of an owner on it."""
        return next((stamp for stamp in self.stamps if stamp.owner == owner), None)

    def is_as_pushed(self, owner: str) -> bool:
        """Tell whether it is what its stamp was made of."""
        stamp = self.stamp_of(owner)
        return stamp is not None and stamp.kept == rule_fingerprint(self.content)


def rule_fingerprint(rule: Mapping[str, Any]) -> str:
    """Return a hash of what a rule says, where, and without its stamp."""
    text = json.dumps(rule_canonical(rule), separators=(",", ":"), sort_keys=True)
    return sha256(text.encode()).hexdigest()[:16]


def rule_canonical(rule: Mapping[str, Any]) -> Json:
    """Return what a rule says: without its stamp, what servers add, and defaults."""
    kept = {
        name: seconds(value) if name in _DURATIONS else value
        for name, value in rule.items()
        if name not in _ADDED and (name not in _DEFAULTS or _says(name, value))
    }
    annotations = rule.get("annotations") or {}
    kept["annotations"] = {key: text for key, text in annotations.items() if key != STAMP}
    kept["labels"] = dict(rule.get("labels") or {})
    kept["data"] = [_step(step) for step in rule.get("data") or ()]
    return kept


def _says(name: str, value: Any) -> bool:
    default = _DEFAULTS[name]
    if name in _DURATIONS:
        return bool(seconds(value) != seconds(default))
    return bool(value is not None and value != default)


def seconds(value: Any) -> Any:
    """Return a duration in seconds, however a release spells it (`1m`, `1m0s`, nanoseconds)."""
    if isinstance(value, int | float):
        return value / 1e9
    try:
        return Duration.parse(str(value)).seconds
    except PromqlError:
        # Nothing, or in a spelling that is no duration of Prometheus's: told as it is.
        return 0.0 if str(value) in ("", "0", "0s", "None") else value


def _step(step: Mapping[str, Any]) -> Json:
    return {**step, "queryType": step.get("queryType") or ""}


RULES = "/api/v1/provisioning/alert-rules"


def rule_path(uid: str) -> str:
    """Return where a rule is asked for."""
    return f"{RULES}/{quote(uid, safe='')}"


def group_path(folder_uid: str, group: str) -> str:
    """Return where a group is asked for."""
    folder, name = quote(folder_uid, safe=""), quote(group, safe="")
    return f"/api/v1/provisioning/folder/{folder}/rule-groups/{name}"


def read_rules(client: Client) -> tuple[HeldRule, ...]:
    """Return all rules of the organisation."""
    return tuple(HeldRule(rule) for rule in client.get(RULES).body or ())


def read_rule(client: Client, uid: str) -> HeldRule | None:
    """Return a rule, or None where there is none of this uid."""
    answer = client.get(rule_path(uid), expected=(200, 404))
    return None if answer.status == 404 else HeldRule(answer.body)


def read_group(client: Client, folder_uid: str, group: str) -> Json | None:
    """Return a group with its interval, or None where there is none."""
    answer = client.get(group_path(folder_uid, group), expected=(200, 404))
    found: Json | None = None if answer.status == 404 else answer.body
    # Some releases answer with an empty group instead.
    return found if found and found.get("rules") else None
