"""Promises as OpenSLO v1 documents, for whatever reads that format.

OpenSLO has no word for grouping, for pairs of windows, for a floor on bad events or for what an
event is: that stands in annotations of ours, so that reading the documents back loses nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from llmdash.errors import SloError
from llmdash.promql.printer import RULES, to_text
from llmdash.promql.windows import Duration
from llmdash.slos.series import Kind, SloSeries
from llmdash.slos.slo import Begun, Outcomes, Slo, Up, Within, refuse_twins
from llmdash.slos.tiers import Severity, Tier
from llmdash.slos.windows import TILE
from llmdash.yaml_text import to_yaml_documents

VERSION = "openslo/v1"
PREFIX = "llmdash.dev/"

#: OpenSLO promises no more of a name; ours are made of the same letters.
LONGEST_NAME = 63

#: What the tiers of a promise are: `workbook`, solved by objective and period, or `chosen`.
TIERS = f"{PREFIX}tiers"
WORKBOOK = "workbook"
CHOSEN = "chosen"

BY = f"{PREFIX}by"
WHERE = f"{PREFIX}where"
ROLES = f"{PREFIX}roles"
SOURCES = f"{PREFIX}sources"
FEWEST_BAD = f"{PREFIX}fewest-bad"
FAST_SHARE = f"{PREFIX}fast-share"

#: What an event is.
INDICATOR = f"{PREFIX}indicator"
OUTCOMES = "outcomes"
WITHIN = "within"
BEGUN = "begun"
UP = "up"
SIGNAL = f"{PREFIX}signal"
GOOD = f"{PREFIX}good"
BAD = f"{PREFIX}bad"
THRESHOLD = f"{PREFIX}threshold-seconds"
OTHERWISE = f"{PREFIX}otherwise-seconds"
FAILURES = f"{PREFIX}failures"
#: What that annotation says where failures that were never observed are no events.
IGNORED = "ignored"
COMPANION = f"{PREFIX}companion"

#: What a tier has that a condition has not.
SHORT = f"{PREFIX}short-window"
SPENT = f"{PREFIX}budget-spent"

#: The label of an SLO that names who keeps it.
TEAM = "team"

_SERVICE = "llm-serving"
_POSTFIXES = (("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000))

Document = dict[str, Any]


def exported(slos: Sequence[Slo]) -> str:
    """Return promises as OpenSLO documents.

    Raises:
        SloError: two have one name, or one has a name or a window that OpenSLO cannot hold.
    """
    refuse_twins(slos)
    documents = [_service(), *_targets()]
    for slo in slos:
        documents += [_indicator(slo), *_policies(slo), _slo(slo)]
    return to_yaml_documents(documents)


def policy_name(slo: Slo, tier: Tier) -> str:
    """Return what the alert policy of a tier is called."""
    return f"{slo.name}-{tier.place}"


def shorthand(length: Duration) -> str:
    """Return a length as OpenSLO spells it: one number and one letter.

    Periods and windows of promises are whole minutes.
    """
    whole = ((postfix, scale) for postfix, scale in _POSTFIXES if length.milliseconds % scale == 0)
    postfix, scale = next(whole)
    return f"{length.milliseconds // scale}{postfix}"


def listed(values: Sequence[str]) -> str:
    """Return values as one annotation; names have no commas."""
    return ", ".join(values)


def number(value: float) -> str:
    """Return a number with every digit that tells it from its neighbours."""
    return repr(value)


# --- documents -----------------------------------------------------------------------------------


def _document(
    kind: str,
    name: str,
    spec: Document,
    title: str | None = None,
    labels: dict[str, str] | None = None,
    annotations: dict[str, str] | None = None,
) -> Document:
    if len(name) > LONGEST_NAME:
        expected = f"a name of at most {LONGEST_NAME} letters, for OpenSLO"
        raise SloError(f"{kind} {name}", expected, f"{len(name)}", "shorten the promise's name")
    metadata: Document = {"name": name}
    if title is not None:
        metadata["displayName"] = title
    if labels:
        metadata["labels"] = labels
    if annotations:
        metadata["annotations"] = annotations
    return {"apiVersion": VERSION, "kind": kind, "metadata": metadata, "spec": spec}


def _service() -> Document:
    words = "Large language models, as their engines and gateways count their requests."
    return _document("Service", _SERVICE, {"description": words}, "LLM serving")


def _targets() -> Iterator[Document]:
    """Yield who is told: Alertmanager routes by the label `severity`."""
    for severity in Severity:
        words = f"Alertmanager routes alerts of the severity {severity.value}."
        spec = {"description": words, "target": "alertmanager"}
        yield _document("AlertNotificationTarget", severity.value, spec)


def _slo(slo: Slo) -> Document:
    spec = {
        "service": _SERVICE,
        "indicatorRef": slo.name,
        "timeWindow": [{"duration": shorthand(slo.period), "isRolling": True}],
        "budgetingMethod": "Occurrences",
        "objectives": [{"target": slo.objective}],
        "alertPolicies": [{"alertPolicyRef": policy_name(slo, t)} for t in slo.policy.tiers],
    }
    labels = {TEAM: slo.team} if slo.team else None
    return _document("SLO", slo.name, spec, slo.title, labels, dict(_annotations(slo)))


def _annotations(slo: Slo) -> Iterator[tuple[str, str]]:
    yield BY, listed(slo.by)
    if slo.where:
        # Values of labels can be anything, commas too.
        yield WHERE, json.dumps(dict(slo.where), ensure_ascii=False)
    yield ROLES, listed([role.value for role in slo.roles])
    if slo.sources:
        yield SOURCES, listed(slo.sources)
    yield FEWEST_BAD, str(slo.fewest_bad)
    yield TIERS, WORKBOOK if slo.tiers is None else CHOSEN
    if slo.fast is not None:
        yield FAST_SHARE, number(slo.fast.share)


def _indicator(slo: Slo) -> Document:
    # One promise is counted on many sources, in metrics of their own; what it records is one.
    ratio = {"counter": False, "good": _counts(slo, "good"), "total": _counts(slo, "total")}
    told = dict(_told(slo))
    return _document("SLI", slo.name, {"ratioMetric": ratio}, slo.title, annotations=told)


def _counts(slo: Slo, kind: Kind) -> Document:
    """Return where the events of five minutes are read: a series for each source and group."""
    series = SloSeries((slo,), slo.sources).events(kind, TILE).where(slo=slo.name)
    query = to_text(series, RULES)
    return {"metricSource": {"type": "Prometheus", "spec": {"query": query}}}


def _told(slo: Slo) -> Iterator[tuple[str, str]]:
    match slo.indicator:
        case Outcomes() as asked:
            yield INDICATOR, OUTCOMES
            yield SIGNAL, asked.signal
            yield GOOD, listed(asked.good)
            yield BAD, listed(asked.bad)
        case Within() as asked:
            yield INDICATOR, WITHIN
            yield SIGNAL, asked.signal
            yield THRESHOLD, number(asked.threshold)
            if asked.otherwise:
                yield OTHERWISE, listed([number(value) for value in asked.otherwise])
            if not asked.failures:
                yield FAILURES, IGNORED
            yield COMPANION, number(asked.companion)
        case Begun() as asked:
            yield INDICATOR, BEGUN
            yield GOOD, listed(asked.good)
        case Up():
            yield INDICATOR, UP


def _policies(slo: Slo) -> Iterator[Document]:
    for tier in slo.policy.tiers:
        name = policy_name(slo, tier)
        severity = tier.severity.value
        condition = {
            "kind": "burnrate",
            "op": "gt",
            "threshold": tier.factor(slo.period),
            "lookbackWindow": shorthand(tier.long),
            "alertAfter": "0m",
        }
        told = {SHORT: str(tier.short), SPENT: number(tier.spent)}
        spec = {
            "alertWhenBreaching": True,
            "alertWhenResolved": False,
            "alertWhenNoData": False,
            "conditions": [
                {
                    "kind": "AlertCondition",
                    "metadata": {"name": name, "annotations": told},
                    "spec": {"severity": severity, "condition": condition},
                }
            ],
            "notificationTargets": [{"targetRef": severity}],
        }
        yield _document("AlertPolicy", name, spec)
