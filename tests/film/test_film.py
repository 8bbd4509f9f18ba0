"""The committed films are what the incidents make, and who fires in them is who must."""

from __future__ import annotations

from decimal import Decimal
from functools import cache

import pytest
import yaml

from tests.film import document, rule_tests
from tests.film.fired import STEP, Fired, Played
from tests.film.incident import Incident
from tests.film.incidents import INCIDENTS
from tests.film.notified import Notified
from tests.film.values import Values

#: What a film is asked for, and how it is called.
ASKED_FOR = {
    "total outage": "Total outage",
    "slow prefill": "Slow prefill",
    "KV exhaustion": "KV cache exhausted",
    "one bad GPU": "One bad GPU",
    "livelock": "Livelock",
    "model swap": "Model swap",
    "scrape gap": "Scrape gap",
    "traffic ×10": "Traffic × 10",
    "night idle": "Idle night",
    "rolling restart": "Rolling restart",
    "all targets gone": "All targets gone",
    "XID": "GPU fell off the bus (XID 79)",
}


@cache
def played() -> tuple[tuple[Incident, Played], ...]:
    """Each incident with what the committed rule test expects of it."""
    found = rule_tests.read_rule_tests(rule_tests.FILE.read_text())
    return tuple(zip(INCIDENTS, (each for _, each in found), strict=True))


@cache
def built_alerts() -> frozenset[str]:
    groups = [g for file in rule_tests.RULES for g in yaml.safe_load(file.read_text())["groups"]]
    return frozenset(rule["alert"] for g in groups for rule in g["rules"] if "alert" in rule)


def test_the_rule_test_is_what_is_written() -> None:
    """Incidents, and the seconds that the file has itself, make the file byte by byte."""
    assert rule_tests.write_rule_tests(played()) == rule_tests.FILE.read_text()


def test_the_document_is_what_is_written() -> None:
    """The document says what the rule test holds."""
    assert document.write_document(played()) == document.FILE.read_text()


@pytest.mark.parametrize("number", range(len(INCIDENTS)), ids=[i.title for i in INCIDENTS])
def test_who_must_fire_fires(number: int) -> None:
    """Exactly the alerts that the incident asks for; what promtool finds is what is expected."""
    incident, found = played()[number]

    assert incident.fires == found.names


@pytest.mark.parametrize("incident", INCIDENTS, ids=[i.title for i in INCIDENTS])
def test_who_stays_quiet_could_fire(incident: Incident) -> None:
    """They are alerts that are built, and none of those that must fire."""
    assert incident.quiet
    assert set() == incident.quiet.keys() - built_alerts()
    assert set() == incident.quiet.keys() & incident.fires


@pytest.mark.parametrize("incident", INCIDENTS, ids=[i.title for i in INCIDENTS])
def test_a_film_ends_with_an_evaluation(incident: Incident) -> None:
    """And begins with one: what changes then is seen at once."""
    assert 0 == incident.begins * 60 % STEP
    assert 0 == incident.minutes * 60 % STEP


def test_no_incident_is_left_out() -> None:
    """All that were asked for are played."""
    assert set() == set(ASKED_FOR.values()) - {incident.title for incident in INCIDENTS}


def test_values_are_written_in_runs() -> None:
    """Samples that rise evenly are one run, whichever stretches they come from."""
    values = Values()
    values.rise(Decimal("2.5"), 4)
    values.rise(Decimal("2.5"), 4)
    values.miss(2, is_scraped=True)
    values.miss(1, is_scraped=True)
    values.stand(Decimal(7), 1)
    values.stand(Decimal(7), 2)

    assert "2.5+2.5x7 stale _x2 7x2" == str(values)


def test_a_scrape_that_is_not_made_ends_no_series() -> None:
    """Prometheus marks a series as ended only where a scrape does not show it."""
    values = Values()
    values.stand(Decimal(1), 2)
    values.miss(3, is_scraped=False)
    values.miss(2, is_scraped=True)

    assert "1x1 _x3 stale _x1" == str(values)


def fired(name: str, severity: str, first: int, **labels: str) -> Fired:
    told = {"alertname": name, "severity": severity, "instance": "n", **labels}
    return Fired(tuple(sorted(told.items())), first * STEP, 9 * STEP, 10 - first)


def test_an_alert_is_muted_by_one_that_says_more() -> None:
    """From the moment on at which that fires, and only about the same GPU."""
    lost = fired("GpuLost", "critical", 3, gpu="0")
    same, other = (fired("GpuRowRemapFailed", "critical", 2, gpu=gpu) for gpu in "01")
    notified = Notified((lost, same, other))

    assert [2 * STEP] == list(notified.told_at(same))
    assert ["GpuLost"] == notified.muted_by(same, 3 * STEP)
    assert [] == notified.muted_by(other, 3 * STEP)


def test_alerts_of_one_kind_are_one_message() -> None:
    """Alertmanager groups by name, source and model; what is muted at once is no message."""
    lost = fired("GpuLost", "critical", 2, gpu="0", source="dcgm")
    muted = fired("GpuUncorrectedErrors", "critical", 2, gpu="0", source="dcgm")
    beside = fired("GpuLost", "critical", 4, gpu="1", source="dcgm")
    notified = Notified((lost, muted, beside))

    assert {("GpuLost", "dcgm", ""): 2 * STEP} == notified.messages(pages=True)
    assert {} == notified.messages(pages=False)
