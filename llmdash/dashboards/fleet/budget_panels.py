"""Error budgets over time: what is left, how fast it goes, what ate it, and how it will end."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.dashboards.counted import number_of
from llmdash.dashboards.fleet.promise_questions import PromiseQuestions, drawn
from llmdash.dashboards.panels import (
    Mapping,
    Panel,
    Query,
    Stat,
    StateTimeline,
    Threshold,
    TimeSeries,
)
from llmdash.dashboards.policy import ANY, BUDGET_LEFT, LEAST_DRAWN, TIME_TO_EXHAUSTION
from llmdash.dashboards.style import BAD, WARNING
from llmdash.promql.expressions import aggregate, first_of
from llmdash.promql.units import COUNT
from llmdash.slos.tiers import Severity

#: A page is graver than a ticket, so where both fire it is the maximum.
_STATES = {Severity.PAGE: (2, BAD), Severity.TICKET: (1, WARNING)}


def verdict_tiles(asked: PromiseQuestions) -> Iterator[Panel]:
    """Yield how many promises are broken, nearly so, or burn; each promise counts for each line."""
    left, burn = asked.budget_left(), asked.burn(asked.windows[0])
    nearly = BUDGET_LEFT[-1].value
    yield Stat(
        key="overspent",
        title="Budgets overspent",
        description="Promises that are broken, each counted on every source and model: more "
        "events of the period were bad than may be. They stay so until the bad hours are older "
        "than the period.",
        queries=(Query("count", number_of(left < 0, left)),),
        thresholds=(Threshold(1, BAD),),
    )
    yield Stat(
        key="nearly-spent",
        title=f"Under {nearly:.0%} left",
        description="Budgets that are overspent or nearly so. What is risky (an upgrade, a new "
        "model) can wait until they have recovered.",
        queries=(Query("count", number_of(left < nearly, left)),),
        thresholds=ANY,
    )
    for severity, title, text in (
        (Severity.PAGE, "Pages", "Tiers that call somebody now: the budget goes within days."),
        (Severity.TICKET, "Tickets", "Tiers that ask for work now: the budget ends too early."),
    ):
        _, color = _STATES[severity]
        yield Stat(
            key=f"{severity.value}s-now",
            title=title,
            description=f"{text} The timeline below names them; zero as long as promises are "
            "counted and none burns too fast.",
            queries=(Query("count", number_of(asked.burning(severity), burn)),),
            thresholds=(Threshold(1, color),),
        )
    yield Stat(
        key="uncounted-now",
        title="No longer counted",
        description="Promises whose events were counted an hour ago and are not now, though the "
        "servers answer: nobody watches them. A metric was renamed, or its labels changed.",
        queries=(Query("count", number_of(asked.uncounted(), burn)),),
        thresholds=ANY,
    )


def budget_panels(asked: PromiseQuestions) -> Iterator[Panel]:
    """Yield what is left of each budget, and when it is gone at the speed of now."""
    yield TimeSeries(
        key="budget-left",
        title="Budget left",
        description="Share of the bad events that a whole period allows and that has not been "
        "used. A step down is an incident, a slope is a fault that stays. Below zero the promise "
        f"is broken; lines end at {LEAST_DRAWN:.0%}, the table tells how far it is. It recovers as "
        "bad hours grow older than the period.",
        queries=(Query("left", drawn(asked.budget_left()), _legend(asked.names)),),
        thresholds=BUDGET_LEFT,
        base_color=BAD,
        minimum=LEAST_DRAWN,
        maximum=1,
    )
    yield TimeSeries(
        key="time-left",
        title="Time until the budget is gone",
        description="What is left, divided by the speed at which the last hour spent it. At the "
        "top, the whole period, nothing burns; a line that falls to days is a fault that a page or "
        "ticket should have told of. At zero the budget is gone.",
        queries=(Query("time", asked.exhaustion(), _legend(asked.names)),),
        thresholds=TIME_TO_EXHAUSTION,
        base_color=BAD,
    )


def forecast_panels(asked: PromiseQuestions) -> Iterator[Panel]:
    """Yield what will be left a period from now, as a middle and the longest window go on."""
    longest = asked.windows[-1]
    shorter = asked.windows[len(asked.windows) // 2]
    for window in dict.fromkeys((shorter, longest)):
        yield TimeSeries(
            key=f"forecast-{window}",
            title=f"Forecast from the last {window}",
            description="What is left of the budget at the end of a whole period that goes on as "
            f"the last {window} did: by then all that is older has left the period. Below zero the "
            "promise will be broken at this speed, however full the budget still is; above what is "
            "left now, it recovers.",
            queries=(Query("left", drawn(asked.forecast(window)), _legend(asked.names)),),
            thresholds=BUDGET_LEFT,
            base_color=BAD,
            minimum=LEAST_DRAWN,
            maximum=1,
        )


def burn_panels(asked: PromiseQuestions) -> Iterator[Panel]:
    """Yield how fast budgets are spent, a graph for each window that a tier judges by."""
    for window in asked.windows:
        yield TimeSeries(
            key=f"burn-{window}",
            title=f"Burn over {window}",
            description=f"Bad events of the last {window} as a share of all, over the share that "
            "may be bad. At 1 a period uses its budget up exactly. Above a further dashed line a "
            "tier fires, as soon as its short window is above it too. Zero without traffic.",
            queries=(Query("burn", asked.burn(window), _legend(asked.names)),),
            thresholds=asked.burn_limits(window),
            unit=COUNT,
            minimum=0,
        )
    if asked.has_fast:
        yield _far_beyond(asked)


def _far_beyond(asked: PromiseQuestions) -> Panel:
    shares = {slo.policy.fast.share for slo in asked.series.slos if slo.policy.fast is not None}
    return TimeSeries(
        key="far-beyond",
        title="Events far beyond the threshold",
        description="Share of the last five minutes' events that are bad by a stricter measure, "
        "several times the threshold where the source has such an edge. Promises with a large "
        "budget page above the dashed line, since their budget would tell too late. A gap means "
        "no traffic.",
        queries=(Query("share", asked.far_beyond(), _legend(asked.names)),),
        thresholds=tuple(Threshold(share, BAD) for share in sorted(shares)),
        minimum=0,
        maximum=1,
    )


def eaten_panels(asked: PromiseQuestions) -> Iterator[Panel]:
    """Yield what used the budgets up: by promise, by source, and by whom else it is promised."""
    for name in asked.names:
        called = "promise" if name == "slo" else name.replace("_", " ")
        yield TimeSeries(
            key=f"eaten-by-{called.replace(' ', '-')}",
            title=f"Budget eaten in an hour, by {called}",
            description="Bad events of the hour before, as a share of all that a period allows "
            "the promise on everything chosen. The thickest band ate the most, whatever the "
            "number of its events; choose one promise, and the bands add up to its loss.",
            queries=(Query("eaten", asked.eaten(name), _legend(asked.eaten_labels(name))),),
            stack=True,
        )
    by = asked.eaten_labels("source")
    yield TimeSeries(
        key="events",
        title="Events and bad events in an hour",
        description="How many events the hour before had, and how many of them were bad. Few "
        "events make a burn that jumps; a count that ends while servers are busy is a metric that "
        "was renamed.",
        queries=(
            Query("bad", asked.bad(by), f"{_legend(by)} bad"),
            Query("all", asked.events(by), _legend(by)),
        ),
    )


def alert_panels(asked: PromiseQuestions) -> Iterator[Panel]:
    """Yield which tiers fired when."""
    by = (*asked.names, "tier")
    firing = first_of(
        *(aggregate("group", asked.burning(one), by) * state for one, (state, _) in _STATES.items())
    )
    yield StateTimeline(
        key="burn-alerts",
        title="Burn alerts",
        description="When which tier fired for which promise. A page that comes back every night "
        "is a fault, no accident; tickets without pages are a slow loss. No data means that none "
        "fired.",
        queries=(Query("firing", firing, _legend(by)),),
        mappings=tuple(Mapping(state, one.value, color) for one, (state, color) in _STATES.items()),
        width=24,
    )


def _legend(names: tuple[str, ...]) -> str:
    return " ".join(f"{{{{{name}}}}}" for name in names)
