"""The bits of DCGM's mask of clock events, and the names that the exporter gives them."""

from __future__ import annotations

from llmdash.metrics import dcgm_exporter
from llmdash.metrics.clock_events import CLOCK_EVENTS


def test_bits_are_powers_of_two() -> None:
    """Each event has a bit of its own, from 1 to 256 without a gap."""

    assert [2**power for power in range(9)] == [event.bit for event in CLOCK_EVENTS]


def test_names_are_those_of_the_label() -> None:
    """The exporter's label `clock_event` holds these names, and no others."""
    names = tuple(event.name for event in CLOCK_EVENTS)
    families = (
        dcgm_exporter.DCGM_EXP_CLOCK_EVENTS_COUNT,
        dcgm_exporter.DCGM_EXP_CLOCK_EVENTS_TOTAL,
    )

    assert len(names) == len(set(names))
    assert {names} == {family.labels.allowed("clock_event") for family in families}


def test_heat_and_power_supply_are_harm() -> None:
    """Slowdown by heat or by the power supply is harm; idling, settings and the limit are not."""

    assert {"hw_slowdown", "sw_thermal", "hw_thermal", "hw_power_brake"} == {
        event.name for event in CLOCK_EVENTS if event.is_harm
    }


def test_a_meaning_is_a_sentence() -> None:
    """A meaning is one sentence, and no two events share it."""
    meanings = [event.meaning for event in CLOCK_EVENTS]

    assert [] == [meaning for meaning in meanings if not meaning.endswith(".")]
    assert len(meanings) == len(set(meanings))
