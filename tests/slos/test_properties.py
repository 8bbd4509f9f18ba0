"""Properties of all promises that can be written: rules that parse, and alerts that fire as foretold."""

from __future__ import annotations

from math import inf, isinf

import promql_parser
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from llmdash.alerts.alert import Alert
from llmdash.alerts.burn import burn_alerts
from llmdash.errors import SloError
from llmdash.intervals import Intervals
from llmdash.layer import Layer
from llmdash.pack import DEFAULT
from llmdash.placement import Placement
from llmdash.promql.printer import RULES, to_text
from llmdash.promql.windows import Duration
from llmdash.recordings import Recording
from llmdash.slos.detection import detections
from llmdash.slos.policy import Policy
from llmdash.slos.rules import promises, slo_rules
from llmdash.slos.slo import Begun, Outcomes, Slo, Up, Within
from llmdash.slos.tiers import Fast, Severity, Tier
from llmdash.sources.source import Role, Source
from tests.slos.simulation import Simulation
from tests.slos.taverns import slo, tavern

# Runs are equal everywhere: a failure here is a failure for everybody.
SETTLED = settings(
    derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)
INTERVALS = Intervals(retention=Duration.parse("90d"))
SOURCES = (*DEFAULT.sources, tavern())

#: So many that a floor on bad events is passed at once, and no share of them is a fraction.
EVENTS_A_MINUTE = 1e6


def minutes(count: int) -> Duration:
    return Duration(count * 60_000)


@st.composite
def tiers(draw: st.DrawFn, longest: int = 36) -> Tier:
    """Return a tier, which may be one that can never fire; windows are multiples of five minutes."""
    long = draw(st.integers(2, longest))
    short = draw(st.integers(1, long - 1))
    spent = draw(st.floats(0.001, 1))
    severity = draw(st.sampled_from(Severity))
    return Tier(severity, spent, minutes(long * 5), minutes(short * 5))


INDICATORS = st.one_of(
    st.builds(
        Outcomes,
        good=st.just(("ok",)),
        bad=st.sampled_from([("error",), ("cancelled",), ("error", "cancelled")]),
    ),
    st.builds(
        Within,
        signal=st.sampled_from(["time_to_first_token", "end_to_end_latency", "queue_time"]),
        threshold=st.sampled_from([0.7, 1.0, 2.0, 2.5, 30.0]),
        otherwise=st.sampled_from([(), (1.0,), (5.0, 0.7)]),
        failures=st.booleans(),
        companion=st.floats(1.1, 20),
    ),
    st.just(Begun()),
    st.just(Up()),
)
TITLES = st.text("abc {}%\"'\\|`$ü\n", min_size=1, max_size=20).filter(
    lambda text: "{{" not in text
)


@st.composite
def slos(draw: st.DrawFn, name: str) -> Slo:
    """Return a promise of whatever kind, or try another where it is refused."""
    try:
        return Slo(
            name=name,
            title=draw(TITLES),
            indicator=draw(INDICATORS),
            objective=draw(st.floats(0.01, 0.99999)),
            period=Duration(draw(st.integers(72, 24 * 90)) * 3_600_000),
            roles=tuple(draw(st.lists(st.sampled_from(Role), min_size=1, unique=True))),
            fewest_bad=draw(st.integers(1, 100)),
            tiers=draw(st.none() | st.lists(tiers(), max_size=3).map(tuple)),
            fast=draw(st.none() | st.builds(Fast, share=st.floats(0.01, 0.99))),
            team=draw(st.sampled_from(["", "kitchen"])),
        )
    except SloError:
        assume(False)
        raise


def made(
    *promised: Slo, sources: tuple[Source, ...] = SOURCES
) -> tuple[list[Recording], tuple[Alert, ...]]:
    """Return what promises record, and their alerts."""
    found = promises(promised, sources, Placement(), INTERVALS)
    groups = slo_rules(found, INTERVALS)
    series = found.series
    if series is None:
        return [], ()
    up = Layer(sources, INTERVALS, Placement()).gauge("up", "sum")
    recordings = [recording for group in groups for recording in group.recordings]
    return recordings, burn_alerts(series, up, INTERVALS.alerts).alerts


@given(st.tuples(slos("supper"), slos("lunch")))
@settings(SETTLED, max_examples=60)
def test_rules_parse_and_are_told_apart(promised: tuple[Slo, Slo]) -> None:
    """Every rule is PromQL to another parser, and no two have a name and labels in common."""
    recordings, alerts = made(*promised)
    for expr in (*(each.expr for each in recordings), *(each.expr for each in alerts)):
        promql_parser.parse(to_text(expr, RULES))
    records = [(each.name, each.labels) for each in recordings]
    # Alerts of two promises differ by the label `slo`, which their expressions keep.
    told = [(to_text(each.expr, RULES), each.name, *sorted(each.labels.items())) for each in alerts]

    assert len(records) == len(set(records))
    assert len(told) == len(set(told))


@given(slos("supper"))
@settings(SETTLED, max_examples=60)
def test_alerts_of_one_promise_are_told_apart(promised: Slo) -> None:
    """The tiers of a promise have labels of their own: Alertmanager would take two for one."""
    _, alerts = made(promised)
    told = [(each.name, *sorted(each.labels.items())) for each in alerts]

    assert len(told) == len(set(told))


# --- the closed form -----------------------------------------------------------------------------


class Case:
    """A promise on an inn, and its windows and alerts as they run."""

    def __init__(self, promised: Slo) -> None:
        self.policy: Policy = promised.policy
        recordings, alerts = made(promised, sources=(tavern(),))
        windows = [
            each
            for each in recordings
            if "increase" in each.name and not each.name.endswith("increase5m")
        ]
        self.alerts = [alert for alert in alerts if "tier" in alert.labels]
        self._simulation = Simulation(windows, self.alerts)
        self.longest = max([60, *(round(t.long.seconds / 60) for t in self.policy.tiers)])

    def minute(self, bad: float = 0, bad_by_fast: float = 0) -> set[str]:
        """Let a minute pass; return the severities that fire at its end."""
        firing = self._simulation.minute(
            good=EVENTS_A_MINUTE * (1 - bad),
            total=EVENTS_A_MINUTE,
            tolerable=EVENTS_A_MINUTE * (1 - bad_by_fast),
        )
        return {alert.severity.label for alert in firing}

    def fires(self, bad: float, bad_by_fast: float) -> dict[str, float]:
        """Return when each severity fires first after a clean past; infinite where none does."""
        found: dict[str, float] = {}
        for _ in range(self.longest):
            assert set() == self.minute()
        for minute in range(1, self.longest + 1):
            for severity in self.minute(bad, bad_by_fast):
                found.setdefault(severity, minute)
        return found

    def quiet(self) -> dict[str, float]:
        """Return how long each severity fires on once all events are good."""
        found: dict[str, float] = {}
        for minute in range(1, self.longest + 1):
            for severity in self.minute():
                found[severity] = minute
        return found


def is_first_minute(found: float, foretold: float) -> bool:
    """Tell whether a minute that was seen is the first whole one after a time that was foretold."""
    if isinf(foretold) or isinf(found):
        return found == foretold
    return foretold - 1e-6 <= found <= foretold + 1 + 1e-6


@given(
    objective=st.floats(0.05, 0.9999),
    days=st.integers(1, 60),
    chosen=st.lists(tiers(longest=24), min_size=1, max_size=3),
    fast=st.none() | st.builds(Fast, share=st.floats(0.05, 0.95)),
    bad=st.floats(0.001, 1),
    far=st.floats(0, 1),
)
@settings(SETTLED, max_examples=80)
def test_alerts_fire_and_end_as_foretold(
    objective: float,
    days: int,
    chosen: list[Tier],
    fast: Fast | None,
    bad: float,
    far: float,
) -> None:
    """Pages and tickets come, and end, in the minute of the closed form, or never if it says so."""
    try:
        promised = slo(
            objective=objective,
            period=Duration(days * 86_400_000),
            tiers=tuple(chosen),
            fast=fast,
            fewest_bad=1,
        )
    except SloError:
        assume(False)
        raise
    case = Case(promised)
    policy = case.policy
    # Some bad events are bad by the stricter measure too.
    bad_by_fast = bad * far
    limits = [tier.limit(objective, promised.period) for tier in policy.tiers]
    assume(all(abs(bad - limit) > 1e-6 for limit in limits))
    assume(policy.fast is None or abs(bad_by_fast - policy.fast.share) > 1e-6)
    seen = case.fires(bad, bad_by_fast)
    ended = case.quiet()

    assert is_first_minute(
        seen.get(Severity.PAGE.label, inf), policy.minutes_to_page(bad, bad_by_fast)
    )
    assert is_first_minute(seen.get(Severity.TICKET.label, inf), policy.minutes_to_ticket(bad))
    for severity in Severity:
        ends = [
            tier.minutes_to_reset(bad, objective, promised.period)
            for tier in policy.tiers
            if tier.severity is severity
        ]
        if policy.fast is not None and severity is Severity.PAGE:
            ends.append(policy.fast.minutes_to_reset(bad_by_fast))
        last = ended.get(severity.label, 0)
        foretold = max(ends, default=0)

        assert is_first_minute(last + 1, foretold) if foretold else last == 0


@pytest.mark.parametrize("objective", [0.9, 0.95, 0.99, 0.999])
def test_the_detection_table_is_what_the_rules_do(objective: float) -> None:
    """The pages of the workbook's tiers up to six hours: each row of the table, run."""
    for row in detections(slo(objective=objective, period=Duration.parse("30d")).policy):
        case = Case(slo(objective=objective, period=Duration.parse("30d"), fewest_bad=1))
        case.longest = 360
        seen = case.fires(row.bad, row.bad)

        assert is_first_minute(seen.get(Severity.PAGE.label, inf), row.page), row
