"""What to do with each of Grafana's own alert rules: as with dashboards, rule by rule.

Rules are written one by one, never as a whole group, so that a rule that somebody put into a group
of ours stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from llmdash.errors import PushError
from llmdash.grafana.actions import Action, Kind, Policy, Verb
from llmdash.grafana.content import Json, Stamp
from llmdash.grafana.held import KEEP_FIRING, Server
from llmdash.grafana.held_rules import (
    API,
    FILE,
    STAMP,
    HeldRule,
    rule_canonical,
    rule_fingerprint,
    seconds,
)
from llmdash.grafana.ownership import Compared, Verdict, judged, judged_gone

_PANEL = ("__dashboardUid__", "__panelId__")


@dataclass(frozen=True)
class RuleGround:
    """What rules are judged by besides themselves."""

    server: Server
    policy: Policy
    folder_uid: str
    #: The Prometheus that they ask.
    datasource_uid: str
    #: Whether people may edit them in Grafana.
    is_editable: bool
    held: Sequence[HeldRule]


def plan_rules(groups: Sequence[Json], ground: RuleGround) -> Iterator[Action]:
    """Yield what to do with the rules of all groups, then with each group's interval.

    Args:
        groups: groups as in a file that provisions them.
        ground: the server, what is allowed, and what is there.
    """
    by_uid = {rule.uid: rule for rule in ground.held}
    wanted = {rule["uid"] for group in groups for rule in group["rules"]}
    for group in groups:
        for rule in group["rules"]:
            sent = rule_sent(rule, group["name"], ground)
            yield _plan_rule(sent, by_uid.get(rule["uid"]), ground)
    if ground.policy.prune:
        for held in ground.held:
            found = None if held.uid in wanted else _plan_prune(held, ground)
            if found is not None:
                yield found


def plan_one_rule(action: Action, held: HeldRule | None, ground: RuleGround) -> Action:
    """Return what to do with a rule by what is there now."""
    if action.verb is not Verb.PRUNE:
        return _plan_rule(action.payload, held, ground)
    found = None if held is None else _plan_prune(held, ground)
    gone = "it is gone already" if held is None else "it is no longer ours"
    return found or replace(action, verb=Verb.UNCHANGED, reason=gone)


def rule_sent(rule: Mapping[str, Any], group: str, ground: RuleGround) -> Json:
    """Return a rule of a file in the form of the API, with its stamp."""
    annotations = dict(rule["annotations"])
    if "dashboardUid" in rule:
        values = (rule["dashboardUid"], str(rule["panelId"]))
        annotations.update(zip(_PANEL, values, strict=True))
    sent: Json = {
        "uid": rule["uid"],
        "title": rule["title"],
        "ruleGroup": group,
        "folderUID": ground.folder_uid,
        "orgID": ground.server.org_id,
        "condition": rule["condition"],
        "data": [_asking(step, ground.datasource_uid) for step in rule["data"]],
        "noDataState": rule["noDataState"],
        "execErrState": rule["execErrState"],
        "for": rule["for"],
        "annotations": annotations,
        "labels": dict(rule["labels"]),
        "isPaused": rule["isPaused"],
    }
    if "keepFiringFor" in rule and ground.server.is_at_least(KEEP_FIRING):
        sent["keep_firing_for"] = rule["keepFiringFor"]
    stamp = Stamp(ground.policy.owner, rule_fingerprint(sent))
    return {**sent, "annotations": {**annotations, STAMP: stamp.tag}}


def _asking(step: Mapping[str, Any], datasource_uid: str) -> Json:
    model = step["model"]
    if model["datasource"]["type"] != "prometheus":
        return dict(step)
    asked = {**model, "datasource": {**model["datasource"], "uid": datasource_uid}}
    return {**step, "datasourceUid": datasource_uid, "model": asked}


def _plan_rule(sent: Json, held: HeldRule | None, ground: RuleGround) -> Action:
    policy = ground.policy

    def act(verdict: Verdict) -> Action:
        saved = held.content if verdict.is_saved and held is not None else None
        what = (verdict.verb, Kind.RULE, sent["uid"], sent["title"])
        return Action(*what, verdict.reason, verdict.remedy, sent, saved=saved)

    if held is None:
        taken = _title_taken(sent, ground)
        if taken is not None:
            return act(
                Verdict(
                    Verb.REFUSE,
                    f"its folder has another rule of this title (uid {taken})",
                    "rename or remove that one, or push into another folder with --folder",
                )
            )
        return act(Verdict(Verb.CREATE))
    is_alike = rule_canonical(sent) == rule_canonical(held.content)
    if held.provenance == FILE:
        if is_alike:
            return act(Verdict(Verb.UNCHANGED, "a file has delivered the same"))
        remedy = "take it out of the provisioning and push again"
        return act(Verdict(Verb.REFUSE, "a file provisions it", remedy))
    if ground.is_editable and held.provenance == API:
        # Grafana does not give back what it once kept from people.
        return act(
            Verdict(
                Verb.REFUSE,
                "it was pushed as a rule that nobody may edit",
                "push without --editable-alerts, or delete it in Grafana first",
            )
        )
    found = Compared(
        held.uid,
        is_alike,
        held.stamps,
        rule_fingerprint(sent),
        lambda: held.is_as_pushed(policy.owner),
    )
    return act(judged(found, policy))


def _title_taken(sent: Json, ground: RuleGround) -> str | None:
    return next(
        (
            rule.uid
            for rule in ground.held
            if rule.title == sent["title"]
            and rule.folder_uid == ground.folder_uid
            and rule.uid != sent["uid"]
        ),
        None,
    )


def _plan_prune(held: HeldRule, ground: RuleGround) -> Action | None:
    policy = ground.policy
    if held.stamp_of(policy.owner) is None or not held.uid.startswith(policy.uid_prefix):
        return None
    if held.provenance == FILE:
        verdict = Verdict(Verb.REFUSE, "a file provisions it", "take it out of the provisioning")
    else:
        verdict = judged_gone(held.is_as_pushed(policy.owner), policy)
    saved = held.content if verdict.is_saved else None
    what = (verdict.verb, Kind.RULE, held.uid, held.title)
    return Action(*what, verdict.reason, verdict.remedy, saved=saved)


def interval_seconds(group: Mapping[str, Any]) -> int:
    """Return how many seconds are between two evaluations of a group of a file.

    Raises:
        PushError: it is no whole number of them.
    """
    found = seconds(group["interval"])
    if not isinstance(found, float) or not found.is_integer():
        raise PushError(f"rule group {group['name']}: expected an interval, got {found!r}")
    return int(found)


def plan_interval(
    group: Mapping[str, Any], held: Mapping[str, Any] | None, ground: RuleGround
) -> Action | None:
    """Return what to do with the interval of a group; None where it is as wanted.

    Args:
        group: the group as it is wanted.
        held: the group as the API tells of it, or None before its first rule is there.
        ground: the server, what is allowed, and what is there.
    """
    wanted = interval_seconds(group)
    name = str(group["name"])
    if held is not None and held.get("interval") == wanted:
        return None
    rules = [HeldRule(rule) for rule in (held or {}).get("rules") or ()]
    foreign = [rule.title for rule in rules if rule.stamp_of(ground.policy.owner) is None]
    what = (Kind.RULE_GROUP, name, name)
    if foreign:
        return Action(
            Verb.REFUSE,
            *what,
            f"its interval is to be {wanted} s, but it holds rules of others: {foreign[0]}",
            "move those to a group of their own in Grafana",
        )
    reason = f"it is evaluated every {wanted} s"
    return Action(
        Verb.CREATE if held is None else Verb.UPDATE, *what, reason, payload={"interval": wanted}
    )
