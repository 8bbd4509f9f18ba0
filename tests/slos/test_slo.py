"""A promise as it is written: what it refuses and says, and what follows from it."""

from __future__ import annotations

from typing import Any

import pytest

from llmdash.errors import LlmdashError, SloError
from llmdash.promql.windows import Duration
from llmdash.slos.defaults import SLOS
from llmdash.slos.policy import WORKBOOK
from llmdash.slos.slo import Begun, Indicator, Outcomes, Slo, Up, Within, refuse_twins, windows_of
from llmdash.slos.tiers import Fast, Severity, Tier
from llmdash.sources.source import Role

LATENCY = Within("time_to_first_token", 0.7)


def slo(**changed: Any) -> Slo:
    """Return a promise, sound but for what is changed."""
    settings: dict[str, Any] = {
        "name": "supper",
        "title": "Supper in time",
        "indicator": LATENCY,
        "objective": 0.98,
    }
    return Slo(**{**settings, **changed})


def tier(long: str, short: str = "5m", spent: float = 0.02) -> Tier:
    return Tier(Severity.PAGE, spent, Duration.parse(long), Duration.parse(short))


@pytest.mark.parametrize(
    "name",
    ["", "Supper", "supper_in_time", "supper-", "-supper", "supper--time", "7th", "süppe", "a b"],
)
def test_a_name_that_is_no_name(name: str) -> None:
    """The label `slo` is small letters, digits and single hyphens, beginning with a letter."""
    with pytest.raises(SloError) as caught:
        slo(name=name)

    assert (
        f"SLO {name}: expected a name of small letters, digits and hyphens, got {name!r}"
    ) == str(caught.value)


@pytest.mark.parametrize("name", ["a", "supper", "supper-2", "p95-of-supper"])
def test_a_name(name: str) -> None:
    """What a name may be."""
    assert f"SLO {name}" == slo(name=name).place


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"objective": 0}, "an objective between 0 and 1, got 0"),
        ({"objective": 1}, "an objective between 0 and 1, got 1"),
        ({"objective": 99.9}, "an objective between 0 and 1, got 99.9; say 0.999"),
        ({"objective": 100}, "an objective between 0 and 1, got 100"),
        ({"objective": -0.5}, "an objective between 0 and 1, got -0.5"),
        ({"objective": float("nan")}, "an objective between 0 and 1, got nan"),
        ({"fewest_bad": 0}, "one bad event or more, got 0"),
        ({"roles": ()}, "a role, got none"),
        (
            {"by": ("model", "prompt_class"), "where": {"prompt_class": "small"}},
            "prompt_class in by or in where, got it in both",
        ),
        ({"period": Duration.parse("7h30m")}, "a period of whole hours, got 7h30m"),
        ({"tiers": (tier("1h1m", "5m"),)}, "windows that are a multiple of 5m, got 1h1m"),
        ({"tiers": (tier("1h", "7m"),)}, "windows that are a multiple of 5m, got 7m"),
        ({"title": "Fed {{ $value }}"}, "a title without {{, got 'Fed {{ $value }}'"),
    ],
)
def test_a_promise_that_cannot_be_kept(changed: dict[str, Any], message: str) -> None:
    """Each refusal names the promise, what was expected and what stood there."""
    with pytest.raises(SloError) as caught:
        slo(**changed)

    assert f"SLO supper: expected {message}" == str(caught.value)


def test_tiers_are_judged_at_once() -> None:
    """A tier that can never fire is refused when the promise is written, not when it is built."""
    with pytest.raises(SloError, match=r"^tier page-1h: expected a tier that can fire, got 14.4 x"):
        slo(objective=0.9, tiers=(tier("1h"),))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"signal": "generation_tokens"},
            "outcomes: expected a counter that is split by a label, got generation_tokens",
        ),
        (
            {"signal": "requests_running"},
            "outcomes: expected a counter that is split by a label, got requests_running",
        ),
        (
            {"bad": ("erorr",)},
            "outcomes: expected one of ok, error, cancelled, got outcome erorr; "
            "did you mean error?",
        ),
        (
            {"good": ("ok", "error")},
            "outcomes: expected good and bad outcomes that differ, got error as both",
        ),
        (
            {"good": ()},
            "outcomes: expected good and bad outcomes that differ, got none of one kind",
        ),
        ({"bad": ()}, "outcomes: expected good and bad outcomes that differ, got none of one kind"),
        ({"signal": "request"}, "no signal is called request; did you mean requests?"),
    ],
)
def test_outcomes_that_are_none(settings: dict[str, Any], message: str) -> None:
    """Outcomes are values of a counter's own label, told apart into good and bad."""
    with pytest.raises(LlmdashError) as caught:
        Outcomes(**settings)

    assert message == str(caught.value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"signal": "requests", "threshold": 0.7},
            "within: expected a distribution, got requests",
        ),
        (
            {"signal": "queue_time", "threshold": 0},
            "within: expected a threshold above zero, got 0",
        ),
        (
            {"signal": "queue_time", "threshold": 0.7, "otherwise": (1.1, -3)},
            "within: expected a threshold above zero, got -3",
        ),
        (
            {"signal": "queue_time", "threshold": float("nan")},
            "within: expected a threshold above zero, got nan",
        ),
        (
            {"signal": "queue_time", "threshold": 0.7, "companion": 1},
            "within: companion: expected a factor above 1, got 1",
        ),
        (
            {"signal": "queue_tim", "threshold": 0.7},
            "no signal is called queue_tim; did you mean queue_time?",
        ),
    ],
)
def test_a_limit_that_is_none(settings: dict[str, Any], message: str) -> None:
    """A limit is one of a distribution, above zero, with a stricter measure that is stricter."""
    with pytest.raises(LlmdashError) as caught:
        Within(**settings)

    assert message == str(caught.value)


@pytest.mark.parametrize(
    ("good", "message"),
    [
        (("okay",), "begun: expected one of ok, error, cancelled, got okay; did you mean ok?"),
        ((), "begun: expected an outcome that is good, got none"),
    ],
)
def test_answers_that_end_in_no_way(good: tuple[str, ...], message: str) -> None:
    """An answer ends in an outcome of requests."""
    with pytest.raises(LlmdashError) as caught:
        Begun(good)

    assert message == str(caught.value)


@pytest.mark.parametrize(
    ("indicator", "asked"),
    [
        (Outcomes(), ("requests",)),
        (LATENCY, ("time_to_first_token",)),
        (Within("queue_time", 0.7, failures=False), ("queue_time",)),
        (Begun(), ("time_to_first_token", "requests", "requests_running")),
        (Up(), ("up",)),
    ],
)
def test_what_is_asked_of_a_source(indicator: Indicator, asked: tuple[str, ...]) -> None:
    """A promise names the signals without which a source cannot tell of it."""
    assert asked == indicator.signals


def test_a_policy_is_solved_from_the_promise() -> None:
    """Objective, period and tiers by hand make the policy; the workbook's tiers otherwise."""
    by_hand = slo(objective=0.97, period=Duration.parse("7d"), tiers=(tier("2h", "10m", 0.11),))

    assert WORKBOOK == slo(objective=0.999).policy.tiers
    assert ["page-2h"] == [each.place for each in by_hand.policy.tiers]
    assert 9.24 == by_hand.policy.tiers[0].factor(by_hand.period)
    assert Fast(0.7) == slo(objective=0.999, fast=Fast(0.7)).policy.fast


def test_windows_are_those_of_all_tiers() -> None:
    """Every window that some tier reads is listed once, the shortest first."""
    day = slo(name="day", tiers=(tier("50m", "10m", 0.01), tier("1h", "10m")))
    month = slo(name="month", objective=0.999)

    assert ["10m", "50m", "1h"] == [str(window) for window in windows_of([day])]
    assert ["5m", "10m", "30m", "50m", "1h", "2h", "6h", "1d", "3d"] == [
        str(window) for window in windows_of([month, day])
    ]


def test_two_of_one_name() -> None:
    """Two promises of one name would have one history."""
    refuse_twins([slo(name="lunch"), slo(name="supper")])
    with pytest.raises(SloError) as caught:
        refuse_twins([slo(), slo(name="lunch"), slo(objective=0.5)])

    assert "SLO supper: expected one promise of a name, got 2" == str(caught.value)


def test_promises_that_ship() -> None:
    """The requirement's own: availability 99.9 %, TTFT 2 s and 150 ms between tokens for 95 %."""
    by_name = {each.name: each for each in SLOS}
    small = by_name["ttft-small-prompts"]

    assert len(by_name) == len(SLOS)
    assert (Outcomes(), 0.999) == (
        by_name["availability"].indicator,
        by_name["availability"].objective,
    )
    assert (2.0, 0.95, {"prompt_class": "small"}, (Role.GATEWAY,)) == (
        getattr(small.indicator, "threshold", None),
        small.objective,
        dict(small.where),
        small.roles,
    )
    assert (Within("inter_token_latency", 0.15), 0.95) == (
        by_name["inter-token"].indicator,
        by_name["inter-token"].objective,
    )
    assert {"30d"} == {str(each.period) for each in SLOS}
