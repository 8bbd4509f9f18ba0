"""The writing half of a push: one thing after the other, each judged anew when that may matter.

An answer that never came, and a version that is no longer the newest, are settled by looking again:
what is there by now is planned as if for the first time.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any
from urllib.parse import quote

from llmdash.artifacts import save_aside
from llmdash.errors import ArtifactError, GrafanaError, RefusedError, UnansweredError
from llmdash.grafana.actions import WRITES, Action, Kind, Verb
from llmdash.grafana.alert_rules import plan_interval, plan_one_rule
from llmdash.grafana.client import Client, waits
from llmdash.grafana.content import fingerprint, is_as_pushed, with_stamp
from llmdash.grafana.held import read_dashboard, read_datasources, read_folder
from llmdash.grafana.held_rules import RULES, group_path, read_group, read_rule, rule_path
from llmdash.grafana.plan import plan_dashboard, plan_prune
from llmdash.grafana.push import Planned

#: What says that somebody else wrote in between: versions differ, a resource version, a name.
_CONFLICT = frozenset({409, 412})
#: So often a thing is planned anew because somebody else wrote it; then it is reported.
_REPLANS = 1
_MESSAGE = "llmdash push"
_SAVE = "/api/dashboards/db"
#: What a person can do about a refusal that only a write brings to light.
_REMEDIES = {
    "plugin-dashboard": "it belongs to a plugin; give ours another uid",
    "name-exists": "another dashboard of its folder has this title; rename or remove that one",
    "version-mismatch": "somebody is editing it right now; push again when they are done",
}
#: Lets people edit what the API wrote.
_EDITABLE = {"X-Disable-Provenance": "true"}


class State(Enum):
    """What became of an action."""

    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class Outcome:
    """An action and what became of it."""

    action: Action
    state: State
    #: What went wrong, or what is worth knowing.
    message: str = ""
    #: Where somebody's work was saved.
    backup: Path | None = None


def is_delivered(outcome: Outcome) -> bool:
    """Tell whether a thing is as it is wanted now."""
    return outcome.state is State.DONE and outcome.action.verb is not Verb.REFUSE


@dataclass
class Delivery:
    """Carries out a plan."""

    client: Client
    planned: Planned
    #: Where what was edited in Grafana is saved before it is overwritten.
    backups: Path

    def carry_out(self) -> Iterator[Outcome]:
        """Yield the outcome of each action, as soon as it is known.

        What fails stops nothing but what rests on it.
        """
        failed: set[str] = set()
        for action in self.planned.actions:
            folder = self._folder_of(action)
            if folder in failed:
                outcome = Outcome(action, State.FAILED, "its folder could not be made")
            else:
                outcome = self._outcome(action)
            if outcome.state is State.FAILED and action.kind is Kind.FOLDER:
                failed.add(action.uid)
            yield outcome

    def _folder_of(self, action: Action) -> str:
        if action.kind is Kind.FOLDER:
            return str(action.payload.get("parentUid", ""))
        if action.kind in (Kind.RULE, Kind.RULE_GROUP) and self.planned.rule_ground is not None:
            return self.planned.rule_ground.folder_uid
        wanted = self.planned.dashboard(action.uid)
        return "" if wanted is None else self.planned.place_of(wanted).uid

    def _outcome(self, action: Action) -> Outcome:
        if action.verb not in WRITES:
            return Outcome(action, State.DONE)
        try:
            return self._settled(action)
        except (GrafanaError, ArtifactError) as error:
            return Outcome(action, State.FAILED, str(error))

    def _settled(self, action: Action) -> Outcome:
        """Return what became of something, looking again where nobody knows."""
        backup, replans, lost = None, 0, ""
        pauses = iter(waits())
        while True:
            if action.verb is Verb.PRUNE:
                action = self._replanned(action)
            if action.verb not in WRITES:
                # Somebody else decided it meanwhile, or the answer of our own write was lost.
                return Outcome(action, State.DONE, lost, backup)
            if action.saved is not None and backup is None:
                backup = self._save(action)
            try:
                self._write(action)
            except UnansweredError as error:
                lost = "it was written, though no answer came"
                pause = next(pauses, None)
                if pause is None:
                    return Outcome(action, State.FAILED, str(error), backup)
                self.client.wait(pause)
            except RefusedError as error:
                if error.status not in _CONFLICT or replans >= _REPLANS:
                    return Outcome(action, State.FAILED, _with_remedy(error), backup)
                lost = "somebody else had written it meanwhile"
                replans += 1
                self.client.wait(waits()[0])
            else:
                return Outcome(action, State.DONE, "", backup)
            if action.verb is not Verb.PRUNE:
                action = self._replanned(action)

    def _replanned(self, action: Action) -> Action:
        """Plan a thing anew by what is there now."""
        planned, client = self.planned, self.client
        if action.kind is Kind.FOLDER:
            there = read_folder(client, action.uid) is not None
            return replace(action, verb=Verb.UNCHANGED) if there else action
        if action.kind is Kind.DATASOURCE:
            held = read_datasources(client) or ()
            there = any(each.uid == action.uid for each in held)
            return replace(action, verb=Verb.UNCHANGED) if there else action
        if action.kind is Kind.RULE_GROUP:
            return self._replanned_group(action)
        if action.kind is Kind.RULE:
            assert planned.rule_ground is not None  # else there were no rules to plan
            rule = read_rule(client, action.uid)
            return plan_one_rule(action, rule, planned.rule_ground)
        dashboard, wanted = read_dashboard(client, action.uid), planned.dashboard(action.uid)
        if wanted is not None:
            return plan_dashboard(wanted, dashboard, planned.place_of(wanted), planned.ground)
        gone = replace(action, verb=Verb.UNCHANGED, reason="it is gone already")
        if dashboard is None:
            return gone
        place = planned.place(dashboard.folder_uid)
        return plan_prune(dashboard, place, planned.ground) or replace(
            action, verb=Verb.UNCHANGED, reason="it is no longer ours"
        )

    def _replanned_group(self, action: Action) -> Action:
        ground, groups = self.planned.rule_ground, self.planned.wanted.rule_groups
        assert ground is not None  # else there were no groups to plan
        group = next(each for each in groups if each["name"] == action.uid)
        held = read_group(self.client, ground.folder_uid, action.uid)
        found = plan_interval(group, held, ground)
        return replace(action, verb=Verb.UNCHANGED) if found is None else found

    def _save(self, action: Action) -> Path:
        text = json.dumps(action.saved, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
        return save_aside(self.backups, f"{quote(action.uid, safe='')}.json", text)

    def _write(self, action: Action) -> None:
        if action.kind is Kind.FOLDER:
            self.client.write("POST", "/api/folders", action.payload)
        elif action.kind is Kind.DATASOURCE:
            self.client.write("POST", "/api/datasources", action.payload)
        elif action.kind is Kind.DASHBOARD:
            self._write_dashboard(action)
        elif action.kind is Kind.RULE:
            self._write_rule(action)
        else:
            self._write_group(action)

    def _write_dashboard(self, action: Action) -> None:
        if action.verb is Verb.PRUNE:
            path = f"/api/dashboards/uid/{quote(action.uid, safe='')}"
            self.client.write("DELETE", path, expected=(200, 404))
            return
        wanted = self.planned.dashboard(action.uid)
        assert wanted is not None  # only what is wanted is created or updated
        content: dict[str, Any] = dict(action.payload)
        if action.verb is Verb.UPDATE:
            # The lock: another version than the one that was judged is refused.
            content["version"] = action.version
        body = {
            "dashboard": content,
            # Left out, it would move the dashboard to the root.
            "folderUid": self.planned.place_of(wanted).uid,
            "message": _MESSAGE,
            "overwrite": False,
        }
        # 202 is what a server says that hands the change on to a repository.
        answer = self.client.write("POST", _SAVE, body, expected=(200, 202))
        version = (answer.body or {}).get("version")
        self._settle(action, body, version)

    def _settle(self, action: Action, body: dict[str, Any], version: object) -> None:
        """Look at what was kept, and stamp it anew where that is not what was sent.

        Else the next push would take what the server has made of it for somebody's edit.
        """
        held = read_dashboard(self.client, action.uid)
        if held is None or held.version != version:
            return  # somebody was quicker; the next push judges that
        stamp = self.planned.ground.stamp_on(held)
        refresh = str(action.payload.get("refresh") or "")
        if stamp is None or is_as_pushed(held.content, held.folder_uid, stamp, refresh):
            return
        kept = replace(stamp, other=fingerprint(held.content, held.folder_uid))
        content = {**with_stamp(action.payload, kept), "version": held.version}
        self.client.write("POST", _SAVE, {**body, "dashboard": content}, expected=(200, 202))

    def _write_rule(self, action: Action) -> None:
        headers = self._rule_headers()
        if action.verb is Verb.CREATE:
            self.client.write("POST", RULES, action.payload, headers=headers, expected=(201,))
        elif action.verb is Verb.UPDATE:
            self.client.write("PUT", rule_path(action.uid), action.payload, headers=headers)
        else:
            path = rule_path(action.uid)
            self.client.write("DELETE", path, headers=headers, expected=(204, 404))

    def _write_group(self, action: Action) -> None:
        ground = self.planned.rule_ground
        assert ground is not None  # else there were no groups to plan
        held = read_group(self.client, ground.folder_uid, action.uid)
        if held is None:
            raise GrafanaError(f"rule group {action.uid}: none of its rules could be made")
        body = {**held, "interval": action.payload["interval"]}
        path = group_path(ground.folder_uid, action.uid)
        self.client.write("PUT", path, body, headers=self._rule_headers())

    def _rule_headers(self) -> dict[str, str]:
        ground = self.planned.rule_ground
        return dict(_EDITABLE) if ground is not None and ground.is_editable else {}


def _with_remedy(error: RefusedError) -> str:
    remedy = _REMEDIES.get(error.answer.reason)
    return f"{error}; {remedy}" if remedy else str(error)
