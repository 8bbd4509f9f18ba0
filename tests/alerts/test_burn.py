"""Alerts of promises, written out: one for each tier, a fast one, and one for what is no longer counted."""

from __future__ import annotations

import pytest

from llmdash.alerts.alert import Alert, AlertGroup
from llmdash.alerts.burn import BURN, UNCOUNTED, burn_alerts
from llmdash.intervals import Intervals
from llmdash.layer import Layer
from llmdash.placement import Placement
from llmdash.promql.printer import RULES, to_text
from llmdash.promql.windows import Duration
from llmdash.slos.series import SloSeries
from llmdash.slos.slo import Slo
from llmdash.slos.tiers import Fast, Severity, Tier
from tests.slos.taverns import slo, tavern

#: 7 % of a week in 2 h burns 5.88 x a budget of 2 %, which is 11.76 % of all events.
ODD = Tier(Severity.PAGE, 0.07, Duration.parse("2h"), Duration.parse("10m"))
SLOW = Tier(Severity.TICKET, 0.13, Duration.parse("7h"), Duration.parse("35m"))

UP = Layer((tavern(),), Intervals(), Placement()).gauge("up", "sum")


def group(*slos: Slo) -> AlertGroup:
    return burn_alerts(SloSeries(slos, ("tavern",)), UP, Duration.parse("17s"))


def labelled(alert: Alert) -> tuple[str, dict[str, str]]:
    return alert.name, alert.static_labels


def test_one_alert_for_each_tier() -> None:
    """All burn alerts have one name; promise, severity and tier tell them apart, the fast tier first."""
    found = group(slo(tiers=(ODD, SLOW), fast=Fast(0.7)), slo(name="lunch", tiers=(SLOW, ODD)))

    assert ("llmdash-slo-alerts", "17s") == (found.name, str(found.interval))
    assert [
        (BURN, {"severity": "critical", "slo": "supper", "tier": "page-fast-5m"}),
        (BURN, {"severity": "critical", "slo": "supper", "tier": "page-2h"}),
        (BURN, {"severity": "warning", "slo": "supper", "tier": "ticket-7h"}),
        (BURN, {"severity": "warning", "slo": "lunch", "tier": "ticket-7h"}),
        (BURN, {"severity": "critical", "slo": "lunch", "tier": "page-2h"}),
        (UNCOUNTED, {"severity": "warning"}),
    ] == [labelled(alert) for alert in found.alerts]


def test_a_tier_written_out() -> None:
    """Both windows are above the limit, and the long one has enough bad events."""
    (found, _) = group(slo(tiers=(ODD,), fewest_bad=7)).alerts

    assert (
        'llm:slo_total:increase2h{slo="supper"} - llm:slo_good:increase2h{slo="supper"}'
        ' > llm:slo_total:increase2h{slo="supper"} * 0.1176'
        " and "
        'llm:slo_total:increase2h{slo="supper"} - llm:slo_good:increase2h{slo="supper"} > 6.5'
        " and "
        'llm:slo_total:increase10m{slo="supper"} - llm:slo_good:increase10m{slo="supper"}'
        ' > llm:slo_total:increase10m{slo="supper"} * 0.1176'
    ) == to_text(found.expr, RULES)
    # Two windows are the wait; a page of a window this short fires on over pauses of a quarter hour.
    assert (None, "15m") == (found.wait, str(found.keep_firing))


def test_a_fast_tier_written_out() -> None:
    """One window of the stricter measure, with enough events that are bad by it."""
    (found, *_) = group(slo(tiers=(ODD,), fast=Fast(0.7), fewest_bad=7)).alerts

    assert (
        'llm:slo_total:increase5m{slo="supper"} - llm:slo_tolerable:increase5m{slo="supper"}'
        ' > llm:slo_total:increase5m{slo="supper"} * 0.7'
        " and "
        'llm:slo_total:increase5m{slo="supper"} - llm:slo_tolerable:increase5m{slo="supper"} > 6.5'
    ) == to_text(found.expr, RULES)


def test_what_is_no_longer_counted_written_out() -> None:
    """Counted within the last day and not now, on a source that still answers: a ticket after ten minutes."""
    *_, found = group(slo(tiers=(ODD,))).alerts

    assert (
        "group by (slo, source, role) (last_over_time(llm:slo_total:hour[1d]))"
        " unless group by (slo, source, role) (llm:slo_total:increase5m)"
        " and on (source, role) sum by (source, role) (llm:up:sum) > 0"
    ) == to_text(found.expr, RULES)
    assert "10m" == str(found.wait)


def test_words_say_what_burns_how_fast() -> None:
    """The summary names promise, window, source, group and limit; the description the arithmetic."""
    (found, _) = group(slo(tiers=(ODD,))).alerts

    assert (
        "Supper for all: {{ $value | humanize }} bad events in 2h on {{ $labels.source }}"
        "{{ with $labels.model }} {{ . }}{{ end }}, over 11.76% of all"
    ) == found.summary
    assert (
        "98% of events are promised to be good over 1w. The budget burns 5.88 x as fast as it may, "
        "over 2h and over 10m: at this speed 7% of it is gone in 2h."
    ) == found.description


def test_words_of_the_fast_tier() -> None:
    """It says that these events are far beyond the threshold, and why there is such a tier."""
    (found, *_) = group(slo(tiers=(ODD,), fast=Fast(0.7))).alerts

    assert (
        "Supper for all: {{ $value | humanize }} events in 5m on {{ $labels.source }}"
        "{{ with $labels.model }} {{ . }}{{ end }} were far beyond it, over 70% of all"
    ) == found.summary
    assert found.description.startswith("A budget of 2% burns so slowly that it would page late.")


@pytest.mark.parametrize("team", ["", "kitchen"])
def test_a_team_is_told(team: str) -> None:
    """A promise's team is a label of its burn alerts, for Alertmanager to route by."""
    found = group(slo(tiers=(ODD, SLOW), fast=Fast(0.7), team=team)).alerts

    assert [team] * 3 == [alert.labels.get("team", "") for alert in found[:-1]]
    assert "team" not in found[-1].labels
