"""Promises out of OpenSLO v1 documents; what is not understood is refused, and nothing guessed.

What an event is, and which windows belong together, OpenSLO cannot say in words that we can read:
documents from elsewhere get our annotations first (`openslo.py` names them). Services, data sources
and who is notified are no part of a promise here, and are passed over.
"""

from __future__ import annotations

from dataclasses import dataclass

from llmdash.errors import OpenSloError, SloError
from llmdash.promql.labels import nearest
from llmdash.promql.windows import Duration
from llmdash.slos import openslo
from llmdash.slos.openslo_fields import (
    LINE,
    OF_CONDITION,
    OF_INDICATOR,
    OF_SLO,
    annotations_of,
    duration_of,
    fast_of,
    indicator_of,
    names_of,
    objective_of,
    period_of,
    placed,
    roles_of,
    shorthand_of,
    spent_of,
    where_of,
    whole_of,
)
from llmdash.slos.policy import Policy
from llmdash.slos.reading import Fields, Reading
from llmdash.slos.slo import Indicator, Slo, refuse_twins
from llmdash.slos.tiers import Severity, Tier
from llmdash.yaml_text import YamlError, read_yaml_documents

_KINDS = ("SLO", "SLI", "AlertPolicy", "AlertCondition")
_PASSED_OVER = ("Service", "DataSource", "AlertNotificationTarget")
_HEAD = ("apiVersion", "kind", "metadata", "spec")
_METADATA = ("name", "displayName", "labels", "annotations")


def imported(text: str) -> tuple[Slo, ...]:
    """Return the promises of OpenSLO documents, in order.

    Raises:
        OpenSloError: it lists what was not understood first of each document and promise, with
            place and remedy.
    """
    try:
        documents = read_yaml_documents(text)
    except YamlError as error:
        said = SloError(f"line {error.line}", "OpenSLO documents in YAML", error.problem)
        raise OpenSloError([said]) from error
    problems: list[SloError] = []
    objects: dict[tuple[str, str], Reading] = {}
    for document in documents:
        head = Reading(document.content, f"line {document.line}")
        try:
            _take(head, document.line, objects)
        except SloError as error:
            problems.append(error)
    found = []
    for (kind, _), reading in objects.items():
        if kind == "SLO":
            try:
                found.append(_Import(objects, reading).slo())
            except SloError as error:
                problems.append(error)
    if not problems and not found:
        problems.append(SloError("the file", "a document of the kind SLO", "none"))
    if problems:
        raise OpenSloError(problems)
    refuse_twins(found)
    return tuple(found)


def _take(head: Reading, line: int, objects: dict[tuple[str, str], Reading]) -> None:
    """Put a document where references find it."""
    fields = head.fields(_HEAD)
    fields["apiVersion"].require(openslo.VERSION, "other versions have other fields")
    kind = fields["kind"].choice((*_KINDS, *_PASSED_OVER))
    name = fields["metadata"].fields(_METADATA)["name"].text()
    if (kind, name) in objects:
        raise SloError(head.place, f"one {kind} of the name {name}", "another")
    objects[kind, name] = Reading(head.value, f"{kind} {name}{LINE}{line})")


@dataclass(frozen=True)
class _Import:
    """Reads one SLO and what it refers to."""

    objects: dict[tuple[str, str], Reading]
    document: Reading

    def slo(self) -> Slo:
        metadata, spec = self._parts(self.document)
        spec_fields = spec.fields(
            (
                "description",
                "service",
                "indicator",
                "indicatorRef",
                "timeWindow",
                "budgetingMethod",
                "objectives",
                "alertPolicies",
            )
        )
        hint = "llmdash counts events, never slices of time"
        spec_fields["budgetingMethod"].require("Occurrences", hint)
        told = annotations_of(metadata, OF_SLO)
        period = period_of(spec_fields["timeWindow"])
        objective = objective_of(spec_fields["objectives"])
        fast = fast_of(told)
        tiers = self._tiers(spec_fields, told, objective, period)
        name = metadata["name"].text()
        title = metadata.get("displayName")
        labels = metadata["labels"].entries() if "labels" in metadata else {}
        said: dict[str, object] = {}
        for field, value in (
            ("by", names_of(told, openslo.BY)),
            ("where", where_of(told)),
            ("roles", roles_of(told)),
            ("sources", names_of(told, openslo.SOURCES)),
            ("fewest_bad", whole_of(told, openslo.FEWEST_BAD)),
            ("team", labels[openslo.TEAM].text() if openslo.TEAM in labels else None),
        ):
            if value is not None:
                said[field] = value
        try:
            return Slo(
                name=name,
                title=name if title is None else title.text(),
                indicator=self._indicator(spec_fields),
                objective=objective,
                period=period,
                tiers=tiers,
                fast=fast,
                **said,  # type: ignore[arg-type]  # each is read as its field has it
            )
        except SloError as error:
            raise placed(error, self.document.place) from error

    # --- what it refers to -----------------------------------------------------------------------

    def _parts(self, document: Reading) -> tuple[Fields, Reading]:
        fields = document.fields(_HEAD)
        return fields["metadata"].fields(_METADATA), fields["spec"]

    def _referred(self, reference: Reading, kind: str) -> Reading:
        name = reference.text()
        found = self.objects.get((kind, name))
        if found is None:
            names = [other for known, other in self.objects if known == kind]
            raise reference.refused(f"the name of an {kind} of this file", nearest(name, names))
        return found

    def _indicator(self, spec: Fields) -> Indicator:
        inline, reference = spec.get("indicator"), spec.get("indicatorRef")
        if reference is not None and inline is None:
            document = self._referred(reference, "SLI")
        elif inline is not None and reference is None:
            document = inline
        else:
            got = "neither" if inline is None else "both"
            raise SloError(spec.place, "indicator or indicatorRef", got)
        metadata, spec_of = self._parts(document)
        spec_of.fields(("description", "thresholdMetric", "ratioMetric"))
        return indicator_of(annotations_of(metadata, OF_INDICATOR))

    def _tiers(
        self, spec: Fields, told: Fields, objective: float, period: Duration
    ) -> tuple[Tier, ...] | None:
        listed = spec["alertPolicies"].items() if "alertPolicies" in spec else ()
        found = tuple(self._tier(policy, period) for policy in listed)
        hint = f"{openslo.WORKBOOK} for those that objective and period ask for"
        if openslo.TIERS in told:
            kind = told[openslo.TIERS].choice((openslo.WORKBOOK, openslo.CHOSEN))
        elif found:
            kind = openslo.CHOSEN
        else:
            expected = f"alert policies, or the annotation {openslo.TIERS}"
            raise SloError(spec.place, expected, "neither", hint)
        if kind == openslo.CHOSEN:
            return found
        solved = Policy.solved(objective, period).tiers
        if found not in ((), solved):
            got = ", ".join(tier.place for tier in found)
            expected = f"the tiers that are solved ({', '.join(tier.place for tier in solved)})"
            hint = f"say {openslo.CHOSEN} for tiers of your own"
            raise SloError(told[openslo.TIERS].place, expected, f"others ({got})", hint)
        return None

    def _tier(self, policy: Reading, period: Duration) -> Tier:
        if isinstance(policy.value, str):
            document = self._referred(policy, "AlertPolicy")
        elif isinstance(policy.value, dict) and "alertPolicyRef" in policy.value:
            reference = policy.fields(("alertPolicyRef",))["alertPolicyRef"]
            document = self._referred(reference, "AlertPolicy")
        else:
            document = policy
        metadata, spec = self._parts(document)
        annotations_of(metadata, ())
        fields = spec.fields(
            (
                "description",
                "alertWhenBreaching",
                "alertWhenResolved",
                "alertWhenNoData",
                "conditions",
                "notificationTargets",
            )
        )
        fields["alertWhenBreaching"].require(True, "a tier tells while its condition holds")
        for name, hint in (
            ("alertWhenResolved", "Alertmanager tells of that (send_resolved)"),
            ("alertWhenNoData", "SloEventsNotCounted tells of that"),
        ):
            if name in fields:
                fields[name].require(False, hint)
        return self._condition(fields["conditions"].only("condition"), period)

    def _condition(self, condition: Reading, period: Duration) -> Tier:
        document = condition
        if isinstance(condition.value, dict) and "conditionRef" in condition.value:
            reference = condition.fields(("conditionRef",))["conditionRef"]
            document = self._referred(reference, "AlertCondition")
        metadata, spec = self._parts(document)
        told = annotations_of(metadata, OF_CONDITION)
        fields = spec.fields(("description", "severity", "condition"))
        severity = Severity(fields["severity"].choice([each.value for each in Severity]))
        burn = fields["condition"].fields(
            ("kind", "op", "threshold", "lookbackWindow", "alertAfter")
        )
        if "kind" in burn:
            burn["kind"].require("burnrate")
        burn["op"].require("gt", "a tier fires above its threshold")
        if "alertAfter" in burn:
            burn["alertAfter"].require("0m", "the short window keeps a tier from firing too soon")
        long = shorthand_of(burn["lookbackWindow"])
        hint = "a twelfth of the long one is usual"
        short = duration_of(told.require(openslo.SHORT, hint))
        spent = spent_of(burn["threshold"], told, long, period)
        try:
            return Tier(severity, spent, long, short)
        except SloError as error:
            raise placed(error, document.place) from error
