"""OpenSLO: what is written keeps to the format and reads back exactly; what is odd is refused."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from llmdash.cli import main
from llmdash.errors import OpenSloError, SloError
from llmdash.promql.windows import Duration
from llmdash.slos.declaration import declared
from llmdash.slos.defaults import SLOS
from llmdash.slos.openslo import exported
from llmdash.slos.openslo_import import imported
from llmdash.slos.slo import Begun, Indicator, Outcomes, Slo, Up, Within
from llmdash.slos.tiers import Fast, Severity, Tier
from llmdash.sources.source import Role

ROLES = (Role.GATEWAY, Role.ENGINE, Role.APP)
AVAILABILITY = exported((Slo(name="inn", title="Inn", indicator=Outcomes(), objective=0.999),))

#: What somebody else wrote, references and all, with the annotations that only llmdash reads.
FOREIGN = """
apiVersion: openslo/v1
kind: DataSource
metadata: {name: prom}
spec: {type: Prometheus, connectionDetails: {url: somewhere}}
---
apiVersion: openslo/v1
kind: AlertCondition
metadata:
  name: fast-burn
  annotations: {llmdash.dev/short-window: 15m}
spec:
  description: More than it may.
  severity: page
  condition: {kind: burnrate, op: gt, threshold: 7, lookbackWindow: 2h, alertAfter: 0m}
---
apiVersion: openslo/v1
kind: AlertPolicy
metadata: {name: burns}
spec:
  alertWhenBreaching: true
  alertWhenNoData: false
  conditions: [{conditionRef: fast-burn}]
  notificationTargets: [{targetRef: pager}]
---
apiVersion: openslo/v1
kind: SLO
metadata:
  name: first-token
  labels: {team: kitchen, tier: gold}
  annotations:
    somebody.else/dashboard: yes-please
    llmdash.dev/where: '{"prompt_class": "small"}'
    llmdash.dev/roles: gateway
spec:
  description: As promised to the guests.
  service: inn
  indicator:
    metadata:
      name: first-token
      annotations:
        llmdash.dev/indicator: within
        llmdash.dev/signal: time_to_first_token
        llmdash.dev/threshold-seconds: "0.7"
    spec:
      ratioMetric:
        counter: true
        good: {metricSource: {metricSourceRef: prom, spec: {query: good_total}}}
        total: {metricSource: {metricSourceRef: prom, spec: {query: all_total}}}
  timeWindow: [{duration: 4w, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{displayName: Guests, targetPercent: 99.5}]
  alertPolicies: [{alertPolicyRef: burns}]
"""


def documents(slos: tuple[Slo, ...]) -> list[Any]:
    return list(yaml.safe_load_all(exported(slos)))


def declared_again(slos: tuple[Slo, ...]) -> object:
    """Return what the Python of promises declares when it is run."""
    found: dict[str, object] = {}
    exec(declared(slos), found)
    return found["SLOS"]


def problems_of(text: str) -> list[str]:
    with pytest.raises(OpenSloError) as raised:
        imported(text)
    return str(raised.value).splitlines()


# --- any promise ---------------------------------------------------------------------------------

LABELS = st.sampled_from(("model", "tenant", "tier", "region"))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
ABOVE_ZERO = st.floats(min_value=1e-3, max_value=1e6)


@st.composite
def indicators(draw: st.DrawFn) -> Indicator:
    kind = draw(st.sampled_from(("outcomes", "within", "begun", "up")))
    if kind == "up":
        return Up()
    if kind == "begun":
        return Begun(draw(st.sampled_from((("ok",), ("ok", "cancelled")))))
    if kind == "outcomes":
        first, second, third = draw(st.permutations(("ok", "error", "cancelled")))
        good = draw(st.sampled_from(((first,), (first, third))))
        return Outcomes(good=good, bad=(second,))
    return Within(
        draw(st.sampled_from(("time_to_first_token", "queue_time", "end_to_end_latency"))),
        draw(ABOVE_ZERO),
        otherwise=tuple(draw(st.lists(ABOVE_ZERO, max_size=3))),
        failures=draw(st.booleans()),
        companion=draw(st.floats(min_value=1.1, max_value=100)),
    )


@st.composite
def tiers(draw: st.DrawFn, hours: int) -> Tier:
    long = draw(st.integers(2, hours * 12))
    short = draw(st.integers(1, long - 1))
    return Tier(
        draw(st.sampled_from(Severity)),
        draw(st.floats(min_value=1e-3, max_value=1)),
        Duration.parse(f"{long * 5}m"),
        Duration.parse(f"{short * 5}m"),
    )


@st.composite
def promises(draw: st.DrawFn) -> Slo:
    hours = draw(st.integers(72, 2000))
    by = tuple(draw(st.lists(LABELS, unique=True, max_size=2)))
    where = draw(st.dictionaries(LABELS.filter(lambda name: name not in by), TEXTS, max_size=2))
    chosen = st.lists(tiers(hours), max_size=3, unique_by=lambda tier: tier.place).map(tuple)
    fast = st.builds(Fast, st.floats(min_value=0.01, max_value=0.99))
    try:
        return Slo(
            name=draw(st.from_regex(r"[a-z][a-z0-9]{0,9}(-[a-z0-9]{1,9}){0,2}", fullmatch=True)),
            title=draw(TEXTS.filter(lambda text: "{{" not in text)),
            indicator=draw(indicators()),
            objective=draw(st.floats(min_value=1e-3, max_value=0.999999)),
            period=Duration.parse(f"{hours}h"),
            by=by,
            where=where,
            roles=tuple(draw(st.lists(st.sampled_from(ROLES), min_size=1, unique=True))),
            sources=tuple(draw(st.lists(st.sampled_from(("vllm", "triton-vllm")), unique=True))),
            fewest_bad=draw(st.integers(1, 10**6)),
            tiers=draw(st.none() | chosen),
            fast=draw(st.none() | fast),
            team=draw(TEXTS),
        )
    except SloError:
        # Tiers by hand that this objective can never fire.
        assume(False)
        raise


@given(st.lists(promises(), min_size=1, max_size=3, unique_by=lambda slo: slo.name).map(tuple))
@settings(max_examples=60, deadline=None)
def test_any_promise_reads_back_exactly(slos: tuple[Slo, ...]) -> None:
    """Nothing is lost or changed on the way to OpenSLO and back, nor on that to Python."""
    assert slos == imported(exported(slos))
    assert slos == declared_again(slos)


# --- what is written -----------------------------------------------------------------------------


def test_what_ships_keeps_to_the_format() -> None:
    """Names, targets, windows and annotations are as OpenSLO v1 has them, and references resolve."""
    found = documents(SLOS)
    names = {(each["kind"], each["metadata"]["name"]) for each in found}

    assert len(names) == len(found)
    assert {"openslo/v1"} == {each["apiVersion"] for each in found}
    for _, name in names:
        assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", name)
    for each in found:
        assert all(isinstance(v, str) for v in each["metadata"].get("annotations", {}).values())
        spec = each["spec"]
        if each["kind"] == "SLO":
            (window,), (objective,) = spec["timeWindow"], spec["objectives"]
            assert {"duration": "30d", "isRolling": True} == window
            assert 0 <= objective["target"] < 1
            assert ("SLI", spec["indicatorRef"]) in names
            assert ("Service", spec["service"]) in names
            for policy in spec["alertPolicies"]:
                assert ("AlertPolicy", policy["alertPolicyRef"]) in names
        if each["kind"] == "AlertPolicy":
            (condition,) = spec["conditions"]
            burn = condition["spec"]["condition"]
            assert re.fullmatch(r"[1-9][0-9]*[mhdwMQY]", burn["lookbackWindow"])
            (target,) = spec["notificationTargets"]
            assert ("AlertNotificationTarget", target["targetRef"]) in names


def test_a_tier_is_a_policy() -> None:
    """14.4 x over an hour pages; the short window, which OpenSLO has no word for, is annotated."""
    (policy,) = (d for d in documents(SLOS) if d["metadata"]["name"] == "availability-page-1h")
    (condition,) = policy["spec"]["conditions"]

    assert {
        "severity": "page",
        "condition": {
            "kind": "burnrate",
            "op": "gt",
            "threshold": 14.4,
            "lookbackWindow": "1h",
            "alertAfter": "0m",
        },
    } == condition["spec"]
    assert {
        "llmdash.dev/short-window": "5m",
        "llmdash.dev/budget-spent": "0.02",
    } == condition["metadata"]["annotations"]


def test_an_indicator_reads_what_the_promise_records() -> None:
    """Any tool that asks Prometheus finds good and all events there, whatever the source."""
    (sli,) = (d for d in documents(SLOS) if (d["kind"], d["metadata"]["name"]) == ("SLI", "ttft"))
    ratio = sli["spec"]["ratioMetric"]

    assert [
        'llm:slo_good:increase5m{slo="ttft"}',
        'llm:slo_total:increase5m{slo="ttft"}',
    ] == [ratio[kind]["metricSource"]["spec"]["query"] for kind in ("good", "total")]
    assert ratio["counter"] is False


def test_what_the_format_cannot_hold_is_refused() -> None:
    """A name that OpenSLO has no room for is said, not cut."""
    message = (
        "expected a name of at most 63 letters, for OpenSLO, got 64; shorten the promise's name"
    )
    with pytest.raises(SloError, match=re.escape(message)):
        exported((Slo(name="a" * 64, title="", indicator=Up(), objective=0.9),))


def test_declarations_are_as_a_formatter_has_them() -> None:
    """What ships fits into a line of 100 letters, and says nothing that is so by default."""
    lines = declared(SLOS).splitlines()

    assert [] == [line for line in lines if len(line) > 100]
    assert "from llmdash import Outcomes, Slo, Up, Within" == lines[0]
    assert [] == [line for line in lines if "period" in line or "by=" in line]
    assert "SLOS = ()\n" == declared(())


# --- what is read --------------------------------------------------------------------------------


def test_documents_from_elsewhere_are_understood() -> None:
    """References, inline objects, percent and weeks; what a tier spends follows from its burn."""
    assert (
        Slo(
            name="first-token",
            title="first-token",
            indicator=Within("time_to_first_token", 0.7),
            objective=0.995,
            period=Duration.parse("28d"),
            where={"prompt_class": "small"},
            roles=(Role.GATEWAY,),
            tiers=(
                Tier(
                    Severity.PAGE,
                    round(7 * 2 / (28 * 24), 12),
                    Duration.parse("2h"),
                    Duration.parse("15m"),
                ),
            ),
            team="kitchen",
        ),
    ) == imported(FOREIGN)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "budgetingMethod: Occurrences",
            "budgetingMethod: Timeslices",
            "SLO first-token (line 26): spec.budgetingMethod: expected Occurrences, got "
            "'Timeslices'; llmdash counts events, never slices of time",
        ),
        (
            "duration: 4w",
            "duration: 1M",
            "SLO first-token (line 26): spec.timeWindow[0].duration: expected a length such as "
            "5m, 6h, 30d or 4w, got '1M'; a month, quarter or year is no fixed length",
        ),
        (
            "isRolling: true}",
            "calendar: {startTime: 2020-01-01, timeZone: UTC}}",
            "SLO first-token (line 26): spec.timeWindow[0].calendar: expected a rolling window, "
            "got {'startTime': datetime.date(2020, 1, 1), 'timeZone': 'UTC'}; a period of llmdash "
            "rolls on, and has no first day",
        ),
        (
            "        llmdash.dev/indicator: within\n",
            "",
            "SLO first-token (line 26): spec.indicator.metadata.annotations: expected the field "
            "llmdash.dev/indicator, got none; say what an event is, for llmdash",
        ),
        (
            "time_to_first_token",
            "time_to_first_tokens",
            "SLO first-token (line 26): spec.indicator.metadata.annotations.llmdash.dev/signal: "
            "expected a signal that signals.md names, got 'time_to_first_tokens'; "
            "did you mean time_to_first_token?",
        ),
        (
            "alertPolicyRef: burns",
            "alertPolicyRef: burn",
            "SLO first-token (line 26): spec.alertPolicies[0].alertPolicyRef: expected the name "
            "of an AlertPolicy of this file, got 'burn'; did you mean burns?",
        ),
        (
            "annotations: {llmdash.dev/short-window: 15m}",
            "annotations: {}",
            "AlertCondition fast-burn (line 7): metadata.annotations: expected the field "
            "llmdash.dev/short-window, got none; a twelfth of the long one is usual",
        ),
        (
            "op: gt",
            "op: lte",
            "AlertCondition fast-burn (line 7): spec.condition.op: expected gt, got 'lte'; "
            "a tier fires above its threshold",
        ),
        (
            "alertWhenNoData: false",
            "alertWhenNoData: true",
            "AlertPolicy burns (line 17): spec.alertWhenNoData: expected false, got true; "
            "SloEventsNotCounted tells of that",
        ),
        (
            "  alertPolicies: [{alertPolicyRef: burns}]\n",
            "",
            "SLO first-token (line 26): spec: expected alert policies, or the annotation "
            "llmdash.dev/tiers, got neither; workbook for those that objective and period ask for",
        ),
        (
            "targetPercent: 99.5",
            "target: 99.5",
            "SLO first-token (line 26): expected an objective between 0 and 1, got 99.5; say 0.995",
        ),
        (
            "targetPercent: 99.5",
            "op: lte, value: 0.7, targetPercent: 99.5",
            "SLO first-token (line 26): spec.objectives[0]: expected one of displayName, target, "
            "targetPercent, got op; a threshold stands in the annotation "
            "llmdash.dev/threshold-seconds of the SLI",
        ),
        (
            "threshold: 7",
            "threshold: 700",
            "AlertCondition fast-burn (line 7): page-2h: expected a share of the budget above "
            "0, up to 1, got 2.08333",
        ),
        (
            "kind: SLO\n",
            "kind: SLOs\n",
            "line 26: kind: expected one of SLO, SLI, AlertPolicy, AlertCondition, Service, "
            "DataSource, AlertNotificationTarget, got 'SLOs'; did you mean SLO?",
        ),
        (
            "  service: inn\n",
            "  service: inn\n  service: tavern\n",
            "line 38: expected OpenSLO documents in YAML, got the key service stands twice",
        ),
    ],
)
def test_what_is_not_understood_is_refused(old: str, new: str, problem: str) -> None:
    """Each refusal has the document and its line, the field, what was expected and a remedy."""
    assert FOREIGN.count(old) == 1

    assert [problem] == problems_of(FOREIGN.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "threshold: 14.4",
            "threshold: 10",
            "AlertPolicy inn-page-1h (line 50): spec.conditions[0].spec.condition.threshold: "
            "expected 14.4, at which 0.02 of the budget is gone in 1h, got 10; change it, or take "
            "away llmdash.dev/budget-spent",
        ),
        (
            "    - alertPolicyRef: inn-ticket-3d\n",
            "",
            "SLO inn (line 154): metadata.annotations.llmdash.dev/tiers: expected the tiers that "
            "are solved (page-1h, page-6h, ticket-1d, ticket-3d), got others (page-1h, page-6h, "
            "ticket-1d); say chosen for tiers of your own",
        ),
        (
            "llmdash.dev/fewest-bad: '3'",
            "llmdash.dev/fewest-bad: 3",
            "SLO inn (line 154): metadata.annotations.llmdash.dev/fewest-bad: expected a text, "
            "got 3; quote it",
        ),
        (
            "llmdash.dev/good: ok",
            "llmdash.dev/good: okay",
            "SLI inn (line 26): metadata.annotations: outcomes: expected one of ok, error, "
            "cancelled, got outcome okay; did you mean ok?",
        ),
        (
            "llmdash.dev/by: model",
            "llmdash.dev/buy: model",
            "SLO inn (line 154): metadata.annotations: expected one of llmdash.dev/by, "
            "llmdash.dev/where, llmdash.dev/roles, llmdash.dev/sources, llmdash.dev/fewest-bad, "
            "llmdash.dev/tiers, llmdash.dev/fast-share, got "
            "llmdash.dev/buy; did you mean llmdash.dev/by?",
        ),
    ],
)
def test_what_contradicts_itself_is_refused(old: str, new: str, problem: str) -> None:
    """A change by hand in one place that another place denies is no change that is dropped."""
    assert AVAILABILITY.count(old) == 1

    assert [problem] == problems_of(AVAILABILITY.replace(old, new))


def test_problems_of_all_promises_are_said_at_once() -> None:
    """Two broken promises are two lines, and a file without a promise says so."""
    broken = exported(SLOS[:2]).replace("Occurrences", "Timeslices")

    assert 2 == len(problems_of(broken))
    assert ["the file: expected a document of the kind SLO, got none"] == problems_of("")


# --- the command ---------------------------------------------------------------------------------


def test_the_command_writes_and_reads(tmp_path: Path) -> None:
    """What is exported to a file and imported from it is the Python of the same promises."""
    file = tmp_path / "slos.yaml"
    written = CliRunner().invoke(main, ["slo", "export", "--output", str(file)])
    shown = CliRunner().invoke(main, ["slo", "export"])
    read = CliRunner().invoke(main, ["slo", "import", str(file)])

    assert (0, "") == (written.exit_code, written.output)
    assert (0, exported(SLOS)) == (shown.exit_code, shown.output)
    assert (0, file.read_text("utf-8")) == (shown.exit_code, shown.output)
    assert (0, declared(SLOS)) == (read.exit_code, read.output)


def test_the_command_says_what_it_cannot_read(tmp_path: Path) -> None:
    """A file that is no OpenSLO or no text ends with one message and exit code 1."""
    file = tmp_path / "slos.yaml"
    file.write_text("a: [1", "utf-8")
    broken = CliRunner().invoke(main, ["slo", "import", str(file)])
    file.write_bytes(b"\xff\xfe\x00")
    binary = CliRunner().invoke(main, ["slo", "import", str(file)])

    assert (1, 1) == (broken.exit_code, binary.exit_code)
    assert broken.output.startswith("Error: line 1: expected OpenSLO documents in YAML, got ")
    assert f"Error: {file}: expected UTF-8, got invalid start byte\n" == binary.output
