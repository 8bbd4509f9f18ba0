"""Alerts of promises: the budget burns too fast, or what is promised is no longer counted."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.alerts.alert import Alert, AlertGroup, Shown
from llmdash.dashboards.fleet.slo import UID as SLO_PAGE
from llmdash.promql.expressions import aggregate, joined, over_time, total
from llmdash.promql.nodes import Binary, Expr, Number, Selector
from llmdash.promql.windows import Duration
from llmdash.slos.counting import EVENTS
from llmdash.slos.series import Kind, SloSeries
from llmdash.slos.slo import Slo
from llmdash.slos.tiers import Fast, Severity, Tier, budget, percent, roughly
from llmdash.slos.windows import TILE

#: One name for all promises and tiers: which it is stands in the labels `slo` and `tier`.
BURN = "SloErrorBudgetBurn"
UNCOUNTED = "SloEventsNotCounted"

#: A target that is scraped again within this time was only slow.
_MISSING_FOR = Duration.parse("10m")
#: Whoever looks at tickets the next morning finds it.
_MISSED_FOR = Duration.parse("1d")


def burn_alerts(series: SloSeries, up: Selector, interval: Duration) -> AlertGroup:
    """Return the alerts of all promises that some source can tell of.

    Args:
        series: what the promises record.
        up: how many targets of each source answer their scrapes.
        interval: how often the alerts are evaluated.
    """
    found = [alert for slo in series.slos for alert in _of_slo(slo, series)]
    return AlertGroup("llmdash-slo-alerts", interval, (*found, _uncounted(series, up)))


def _of_slo(slo: Slo, series: SloSeries) -> Iterator[Alert]:
    if slo.policy.fast is not None:
        yield _fast_alert(slo, slo.policy.fast, series)
    for tier in slo.policy.tiers:
        yield _tier_alert(slo, tier, series)


def _of(slo: Slo, selector: Selector) -> Selector:
    return selector.where(slo=slo.name)


def _bad(slo: Slo, series: SloSeries, window: Duration, good: Kind = "good") -> tuple[Expr, Expr]:
    """Return bad events and all events of a window."""
    everything = _of(slo, series.events("total", window))
    return everything - _of(slo, series.events(good, window)), everything


def _above(
    slo: Slo, series: SloSeries, window: Duration, share: float, good: Kind = "good"
) -> Expr:
    """Return the bad events of a window where they are more than a share of all.

    Without events nothing is above anything: an idle hour burns no budget.
    """
    bad, everything = _bad(slo, series, window, good)
    return Binary(">", bad, everything * Number(share))


def _enough(slo: Slo, series: SloSeries, window: Duration, good: Kind = "good") -> Expr:
    """Return the bad events of a window where they are so many that a share of them says much.

    A single event can weigh a little more than one, since an increase is extrapolated.
    """
    bad, _ = _bad(slo, series, window, good)
    return Binary(">", bad, Number(slo.fewest_bad - 0.5, EVENTS))


def _tier_alert(slo: Slo, tier: Tier, series: SloSeries) -> Alert:
    limit = tier.limit(slo.objective, slo.period)
    expr = joined(
        joined(_above(slo, series, tier.long, limit), "and", _enough(slo, series, tier.long)),
        "and",
        _above(slo, series, tier.short, limit),
    )
    factor = tier.factor(slo.period)
    return Alert(
        name=BURN,
        expr=expr,
        keep_firing=tier.lingers,
        severity=tier.severity,
        labels=_labels(slo, tier.place),
        summary=f"{slo.title}: {{{{ $value | humanize }}}} bad events in {tier.long} on "
        f"{_where(slo)}, over {percent(limit)} of all",
        description=f"{percent(slo.objective)} of events are promised to be good over "
        f"{slo.period}. The budget burns {factor:g} x as fast as it may, over {tier.long} and over "
        f"{tier.short}: at this speed {roughly(tier.spent)} of it is gone in {tier.long}.",
        panel=Shown(SLO_PAGE, f"burn-{tier.long}", _page_labels(slo)),
    )


def _fast_alert(slo: Slo, fast: Fast, series: SloSeries) -> Alert:
    expr = joined(
        _above(slo, series, fast.window, fast.share, "tolerable"),
        "and",
        _enough(slo, series, fast.window, "tolerable"),
    )
    return Alert(
        name=BURN,
        expr=expr,
        keep_firing=fast.lingers,
        severity=Severity.PAGE,
        labels=_labels(slo, fast.place),
        summary=f"{slo.title}: {{{{ $value | humanize }}}} events in {fast.window} on "
        f"{_where(slo)} were far beyond it, over {percent(fast.share)} of all",
        description=f"A budget of {percent(budget(slo.objective))} burns so slowly that it would "
        f"page late. More than {percent(fast.share)} of the events of {fast.window} are bad by a "
        "stricter measure: several times the threshold, where the source has such an edge.",
        panel=Shown(SLO_PAGE, "far-beyond", _page_labels(slo)),
    )


def _uncounted(series: SloSeries, up: Selector) -> Alert:
    before = over_time("last", series.hour("total"), _MISSED_FOR)
    now = series.events("total", TILE)
    by = ("slo", "source", "role")
    missing = Binary("unless", aggregate("group", before, by), aggregate("group", now, by))
    serving = Binary(">", total(up, ("source", "role")), Number(0))
    return Alert(
        name=UNCOUNTED,
        expr=joined(missing, "and", serving, on=("source", "role")),
        wait=_MISSING_FOR,
        severity=Severity.TICKET,
        summary="SLO {{ $labels.slo }}: {{ $labels.source }} is up and no longer counts events",
        description="Within the last day events of this promise were counted. The servers still "
        "answer their scrapes, so this is no planned idle: a metric was renamed, or its label "
        "changed (or all servers were started anew and nobody has asked them since). Until it is "
        "mended the promise is watched by nobody, also when this ticket ends after a day.",
        panel=Shown(SLO_PAGE, "events", ("slo", "source")),
    )


def _labels(slo: Slo, tier: str) -> dict[str, str]:
    # The series say `slo` too; said here, rules of two promises are told apart in the file.
    found = {"slo": slo.name, "tier": tier}
    return {**found, "team": slo.team} if slo.team else found


def _page_labels(slo: Slo) -> tuple[str, ...]:
    """Return the labels that choose a promise's lines on its page."""
    return ("slo", "source", *(("model",) if "model" in slo.by else ()))


def _where(slo: Slo) -> str:
    # A source may not tell a promise's models apart.
    more = "".join(f"{{{{ with $labels.{name} }}}} {{{{ . }}}}{{{{ end }}}}" for name in slo.by)
    return f"{{{{ $labels.source }}}}{more}"
