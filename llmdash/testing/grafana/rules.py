"""Alert rules of the fake Grafana, over its provisioning API."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

from llmdash.testing.grafana.folders import Folders
from llmdash.testing.grafana.profiles import Profile
from llmdash.testing.grafana.replies import Asked, Reply, refused

_REQUIRED = ("title", "condition", "data", "noDataState", "execErrState", "folderUID", "ruleGroup")
#: Seconds that the scheduler counts in, and the interval of a group that names none.
_STEP, _USUAL = 10, 60
_STEP_DEFAULTS = {"intervalMs": 1000, "maxDataPoints": 43200}
Key = tuple[str, str]


@dataclass
class Rules:
    """All rules of an organisation, and how often their groups are evaluated."""

    profile: Profile
    folders: Folders
    by_uid: dict[str, dict[str, Any]] = field(default_factory=dict)
    intervals: dict[Key, int] = field(default_factory=dict)
    #: How often each rule was written.
    writes: dict[str, int] = field(default_factory=dict)

    def put(self, rule: dict[str, Any], provenance: str = "") -> None:
        """Store a rule as somebody else would."""
        self.by_uid[rule["uid"]] = {**copy.deepcopy(rule), "provenance": provenance}
        self.intervals.setdefault((rule["folderUID"], rule["ruleGroup"]), _USUAL)

    def make(self, asked: Asked) -> Reply:
        """Answer POST /api/v1/provisioning/alert-rules."""
        rule = asked.body or {}
        if rule.get("uid") in self.by_uid:
            return refused(400, "a rule with this uid already exists")
        return self._stored(rule, asked, 201)

    def change(self, uid: str, asked: Asked) -> Reply:
        """Answer PUT /api/v1/provisioning/alert-rules/:uid."""
        there = self.by_uid.get(uid)
        if there is None:
            return refused(404, "rule not found")
        return self._stored({**(asked.body or {}), "uid": uid}, asked, 200)

    def _stored(self, rule: dict[str, Any], asked: Asked, status: int) -> Reply:
        missing = [name for name in _REQUIRED if not rule.get(name)]
        if missing:
            return refused(400, f"invalid alert rule: no {missing[0]}")
        if rule["folderUID"] not in self.folders.by_uid:
            return refused(400, "invalid alert rule: folder does not exist")
        uid = rule.get("uid") or f"rule{len(self.by_uid)}"
        there = self.by_uid.get(uid)
        for other, each in self.by_uid.items():
            is_same = (each["folderUID"], each["title"]) == (rule["folderUID"], rule["title"])
            if is_same and other != uid:
                return refused(400, "rule title has to be unique in its folder")
        provenance = "" if _is_free(asked) else "api"
        if there is not None and there["provenance"] and there["provenance"] != provenance:
            text = f"cannot change provenance from '{there['provenance']}' to '{provenance}'"
            return refused(500, text)
        kept = {**copy.deepcopy(rule), "uid": uid, "provenance": provenance}
        kept["data"] = [
            {**step, "model": {**_STEP_DEFAULTS, **step["model"]}} for step in kept["data"]
        ]
        if not self.profile.has_keep_firing:
            kept.pop("keep_firing_for", None)
        self.by_uid[uid] = kept
        self.writes[uid] = self.writes.get(uid, 0) + 1
        self.intervals.setdefault((kept["folderUID"], kept["ruleGroup"]), _USUAL)
        return Reply(status, self._told(kept))

    def give(self, uid: str) -> Reply:
        """Answer GET /api/v1/provisioning/alert-rules/:uid."""
        found = self.by_uid.get(uid)
        return Reply(404, None) if found is None else Reply(200, self._told(found))

    def give_all(self) -> Reply:
        """Answer GET /api/v1/provisioning/alert-rules."""
        return Reply(200, [self._told(rule) for rule in self.by_uid.values()])

    def delete(self, uid: str, asked: Asked) -> Reply:
        """Answer DELETE /api/v1/provisioning/alert-rules/:uid."""
        found = self.by_uid.get(uid)
        provenance = "" if _is_free(asked) else "api"
        if found is not None and found["provenance"] not in ("", provenance):
            return refused(409, f"cannot delete with provided provenance '{provenance}'")
        self.by_uid.pop(uid, None)
        return Reply(204)

    def give_group(self, folder_uid: str, group: str) -> Reply:
        """Answer GET /api/v1/provisioning/folder/:uid/rule-groups/:group."""
        rules = self._of((folder_uid, group))
        if not rules:
            return Reply(404, None)
        said = {"title": group, "folderUid": folder_uid}
        interval = self.intervals[folder_uid, group]
        told = [self._told(rule) for rule in rules]
        return Reply(200, {**said, "interval": interval, "rules": told})

    def change_group(self, folder_uid: str, group: str, asked: Asked) -> Reply:
        """Answer PUT /api/v1/provisioning/folder/:uid/rule-groups/:group, which replaces it."""
        body = asked.body or {}
        interval = int(body.get("interval") or 0)
        if interval <= 0 or interval % _STEP:
            return refused(400, f"interval ({interval}s) should be divided exactly by {_STEP}s")
        kept = {rule["uid"] for rule in body.get("rules") or ()}
        for rule in self._of((folder_uid, group)):
            if rule["uid"] not in kept:
                del self.by_uid[rule["uid"]]
        self.intervals[folder_uid, group] = interval
        return Reply(200, body)

    def _of(self, key: Key) -> list[dict[str, Any]]:
        return [
            rule for rule in self.by_uid.values() if (rule["folderUID"], rule["ruleGroup"]) == key
        ]

    def _told(self, rule: dict[str, Any]) -> dict[str, Any]:
        said = {"id": 1, "orgID": 1, "updated": "2026-01-01T00:00:00Z", **rule}
        if self.profile.has_keep_firing:
            more = {"notification_settings": None, "record": None, "guid": f"guid-{rule['uid']}"}
            said = {"keep_firing_for": "0s", **more, **said}
        return copy.deepcopy(said)


def _is_free(asked: Asked) -> bool:
    return asked.headers.get("x-disable-provenance", "") == "true"
