"""Tiers and their arithmetic, against the numbers of the SRE workbook, chapter 5, and our own limit."""

from __future__ import annotations

import re
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmdash.errors import SloError
from llmdash.promql.windows import Duration
from llmdash.slos.policy import (
    LATEST_PAGE_MINUTES,
    MONTH,
    WORKBOOK,
    Policy,
    left_out,
    workbook,
)
from llmdash.slos.tiers import Fast, Severity, Tier, budget, minutes

PAGE_HOUR, PAGE_SIX, TICKET_DAY, TICKET_DAYS = WORKBOOK
#: An odd tier, of which every number can be told apart.
ODD = Tier(Severity.PAGE, 0.11, Duration.parse("50m"), Duration.parse("15m"))
WEEK = Duration.parse("7d")


def seconds(of: float) -> float:
    """Return minutes in seconds, as exactly as the workbook prints them."""
    return round(of * 60)


# --- tiers of the workbook -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tier", "factor", "spent"),
    [(PAGE_HOUR, 14.4, 0.02), (PAGE_SIX, 6, 0.05), (TICKET_DAY, 3, 0.1), (TICKET_DAYS, 1, 0.1)],
)
def test_factors_over_a_month(tier: Tier, factor: float, spent: float) -> None:
    """The recommended factors follow from the share of the budget that may go in each window."""
    assert factor == tier.factor(MONTH)
    assert spent == tier.spent


@pytest.mark.parametrize(
    ("period", "shares"),
    [
        ("30d", {"page-1h": 0.02, "page-6h": 0.05, "ticket-1d": 0.1, "ticket-3d": 0.1}),
        ("28d", {"page-1h": 3 / 140, "page-6h": 3 / 56, "ticket-1d": 3 / 28, "ticket-3d": 3 / 28}),
        ("90d", {"page-1h": 1 / 150, "page-6h": 1 / 60, "ticket-1d": 1 / 30, "ticket-3d": 1 / 30}),
        ("1w", {"page-1h": 3 / 35, "page-6h": 3 / 14, "ticket-1d": 3 / 7, "ticket-3d": 3 / 7}),
        # A window of three days is no part of three days; at 3 x all is gone after one.
        ("3d", {"page-1h": 0.2, "page-6h": 0.5, "ticket-1d": 1.0}),
        # At 6 x a day's budget is gone after four hours, and at 3 x after eight.
        ("1d", {"page-1h": 0.6}),
        ("15h", {"page-1h": 0.96}),
        ("14h", {}),
    ],
)
def test_tiers_keep_their_speed_over_any_period(period: str, shares: dict[str, float]) -> None:
    """14.4 x, 6 x, 3 x and 1 x: what of the budget is gone then follows from the period."""
    length = Duration.parse(period)
    found = workbook(0.999, length)

    assert shares == pytest.approx({tier.place: tier.spent for tier in found})
    assert [tier.factor(MONTH) for tier in WORKBOOK][: len(found)] == [
        tier.factor(length) for tier in found
    ]
    assert [(tier.long, tier.short) for tier in WORKBOOK][: len(found)] == [
        (tier.long, tier.short) for tier in found
    ]


def test_short_windows_are_a_twelfth() -> None:
    """Each short window is a twelfth of its long one."""
    assert [12.0] * 4 == [tier.long.seconds / tier.short.seconds for tier in WORKBOOK]


@pytest.mark.parametrize(
    ("objective", "expected"),
    [
        (0.9999, (0.1, 0.2, 0.4, 0.4)),
        (0.999, (0.9, 2.2, 4.3, 4.3)),
        (0.995, (4.3, 10.8, 21.6, 21.6)),
        (0.99, (8.6, 21.6, 43.2, 43.2)),
        (0.95, (43.2, 108, 216, 216)),
        (0.9, (inf, 216, 432, 432)),
    ],
)
def test_minutes_to_detect_a_total_outage(objective: float, expected: tuple[float, ...]) -> None:
    """The workbook's table: at 90 % the fastest tier never fires, at 95 % after 43 minutes."""
    found = [tier.minutes_to_fire(1, objective, MONTH) for tier in WORKBOOK]

    assert list(expected) == [round(each, 1) for each in found]


@pytest.mark.parametrize(
    ("tier", "detection"), [(PAGE_HOUR, 52), (PAGE_SIX, 130), (TICKET_DAYS, 259)]
)
def test_detection_to_the_second(tier: Tier, detection: int) -> None:
    """At 99.9 % a total outage is seen after 52 s, 2m10s and 4m19s."""
    assert detection == seconds(tier.minutes_to_fire(1, 0.999, MONTH))


@pytest.mark.parametrize(
    ("tier", "reset"),
    [(PAGE_HOUR, 296 + 900), (PAGE_SIX, 1789 + 300), (TICKET_DAY, 7178), (TICKET_DAYS, 21578)],
)
def test_reset_to_the_second(tier: Tier, reset: int) -> None:
    """After a total outage at 99.9 % the hour is clean in 4m56s, and its page fires on for 15 minutes."""
    assert reset == seconds(tier.minutes_to_reset(1, 0.999, MONTH))


def test_burn_of_36_over_an_hour() -> None:
    """A single window of 36 x finds an outage in 2m10s, and is blind to a burn of 35."""
    tier = Tier(Severity.PAGE, 0.05, Duration.parse("1h"), Duration.parse("59m"))

    assert 36 == tier.factor(MONTH)
    assert 130 == seconds(tier.minutes_to_fire(1, 0.999, MONTH))
    assert inf == tier.minutes_to_fire(0.035, 0.999, MONTH)
    # With a short window of about the long one's length, as with one alone, it lasts 58 minutes,
    # and five more as any page does.
    assert 57 + 5 == round(tier.minutes_to_reset(1, 0.999, MONTH))


@pytest.mark.parametrize(
    ("factor", "least"),
    [(14.4, 0.930556), (14, 0.928571), (7, 0.857143), (6, 0.833333), (3, 0.666667), (2, 0.5)],
)
def test_objectives_at_which_a_tier_can_never_fire(factor: float, least: float) -> None:
    """A factor needs an objective above 1 - 1/factor: 14.4 x above 93.06 %, 6 x above 83.3 %."""
    tier = Tier(Severity.PAGE, factor / 720, Duration.parse("1h"), Duration.parse("5m"))

    assert inf == tier.minutes_to_fire(1, least - 1e-5, MONTH)
    assert 60 > tier.minutes_to_fire(1, least + 1e-5, MONTH) > 59.9


@pytest.mark.parametrize(
    ("objective", "events"), [(0.9999, 694), (0.999, 69), (0.99, 6), (0.95, 1)]
)
def test_one_error_of_little_traffic(objective: float, events: int) -> None:
    """Of so many events an hour, or fewer, one error alone is over 14.4 x the budget."""
    limit = PAGE_HOUR.limit(objective, MONTH)

    assert 1 / events > limit >= 1 / (events + 1)


def test_a_share_at_the_limit_fires_nothing() -> None:
    """Exactly the limit is not above it, in the closed form as in the rules."""
    limit = ODD.limit(0.98, WEEK)

    assert 0.44352 == limit
    assert (inf, 0.0) == (
        ODD.minutes_to_fire(limit, 0.98, WEEK),
        ODD.minutes_to_reset(limit, 0.98, WEEK),
    )
    assert 50 * 0.44352 / 0.7 == pytest.approx(ODD.minutes_to_fire(0.7, 0.98, WEEK))
    assert 15 * (1 - 0.44352 / 0.7) + 5 == pytest.approx(ODD.minutes_to_reset(0.7, 0.98, WEEK))


@pytest.mark.parametrize("objective", [0.9, 0.95, 0.99, 0.999, 0.9999, 0.99999])
def test_a_budget_has_no_noise(objective: float) -> None:
    """1 - 0.999 is 0.001 and not 0.0010000000000000009, which rules would print."""
    assert len(str(objective)) + 3 >= len(str(budget(objective)))
    assert pytest.approx(1 - objective) == budget(objective)


# --- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spent", "long", "short", "message"),
    [
        (0, "1h", "5m", "page-1h: expected a share of the budget above 0, up to 1, got 0"),
        (1.1, "1h", "5m", "page-1h: expected a share of the budget above 0, up to 1, got 1.1"),
        (0.02, "1h", "1h", "page-1h: expected a short window below 1h, got 1h"),
        (0.02, "1h", "2h", "page-1h: expected a short window below 1h, got 2h"),
    ],
)
def test_a_tier_that_is_none(spent: float, long: str, short: str, message: str) -> None:
    """A share of nothing, of more than all, and windows that do not nest are refused."""
    with pytest.raises(SloError) as caught:
        Tier(Severity.PAGE, spent, Duration.parse(long), Duration.parse(short))

    assert message == str(caught.value)


@pytest.mark.parametrize("share", [0, 1, -0.1, 1.5])
def test_a_fast_tier_that_is_none(share: float) -> None:
    """A share that everything or nothing passes is refused."""
    with pytest.raises(SloError) as caught:
        Fast(share)

    assert f"fast tier: expected a share between 0 and 1, got {share:g}" == str(caught.value)


def test_a_tier_by_hand_that_can_never_fire() -> None:
    """14.4 x at 90 % is refused with its arithmetic and with what would work."""
    with pytest.raises(SloError) as caught:
        Policy.solved(0.9, MONTH, [PAGE_HOUR])

    assert (
        "tier page-1h: expected a tier that can fire, got 14.4 x a budget of 0.1 is 1.44 of all "
        "events; spend less than 0.0138 of the budget, or take a longer window"
    ) == str(caught.value)


def test_a_tier_by_hand_that_fires_while_the_promise_is_kept() -> None:
    """Half the even speed leaves half of the budget: nobody is told of that."""
    slow = Tier(Severity.TICKET, 0.05, Duration.parse("3d"), Duration.parse("6h"))
    with pytest.raises(SloError) as caught:
        Policy.solved(0.999, MONTH, [PAGE_HOUR, slow])

    assert (
        "tier ticket-3d: expected a tier that fires where 30d of it would break the promise, got "
        "0.5 x, at which budget is left; spend 0.1 of the budget or more, or take a shorter window"
    ) == str(caught.value)
    assert (TICKET_DAYS,) == Policy.solved(0.999, MONTH, [TICKET_DAYS]).tiers


@given(
    objective=st.floats(0.05, 0.97),
    spent=st.floats(0.01, 1),
    hours=st.integers(1, 72),
    days=st.integers(4, 90),
)
@settings(derandomize=True, database=None, max_examples=300)
def test_the_remedy_of_a_refusal_works(
    objective: float, spent: float, hours: int, days: int
) -> None:
    """A tier that spends what the message says is taken; one that is taken can fire."""
    period = Duration(days * 86_400_000)
    long, short = Duration(hours * 3_600_000), Duration.parse("5m")
    tier = Tier(Severity.PAGE, spent, long, short)
    try:
        policy = Policy.solved(objective, period, [tier])
    except SloError as error:
        asked = re.fullmatch(r"spend (less than )?([0-9.e-]+) of the budget.*", error.hint)
        assert asked is not None
        is_slow = asked[1] is None
        mended = Tier(Severity.PAGE, float(asked[2]) * (1 if is_slow else 0.99), long, short)

        assert is_slow == (tier.factor(period) < 1)
        assert is_slow or tier.limit(objective, period) >= 1
        assert (mended,) == Policy.solved(objective, period, [mended]).tiers
    else:
        assert (tier,) == policy.tiers
        assert 1 <= tier.factor(period)
        assert tier.minutes_to_fire(1, objective, period) < minutes(long)


def test_no_tier_at_all() -> None:
    """A policy that tells nobody is refused; one with a fast tier alone is not."""
    with pytest.raises(SloError) as caught:
        Policy.solved(0.99, MONTH, [])

    assert "tiers: expected a tier, got none" == str(caught.value)
    assert Fast(0.7) == Policy.solved(0.99, MONTH, [], Fast(0.7)).fast


def test_tiers_that_cannot_be_told_apart() -> None:
    """An alert is told by its severity and its long window, so two of these are refused."""
    hour, five, ten = (Duration.parse(text) for text in ("1h", "5m", "10m"))
    tiers = [Tier(Severity.PAGE, 0.02, hour, five), Tier(Severity.PAGE, 0.01, hour, ten)]
    with pytest.raises(SloError) as caught:
        Policy.solved(0.99, MONTH, tiers)

    assert (
        "tiers: expected one tier of a severity and a long window, got 2 called page-1h"
    ) == str(caught.value)


# --- policies ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("objective", "able"),
    [
        (0.999, WORKBOOK),
        (0.95, WORKBOOK),
        (0.9306, WORKBOOK),
        (0.93, WORKBOOK[1:]),
        (0.9, WORKBOOK[1:]),
        (0.8, WORKBOOK[2:]),
        (0.5, WORKBOOK[3:]),
    ],
)
def test_tiers_that_cannot_fire_are_left_out(objective: float, able: tuple[Tier, ...]) -> None:
    """Of the workbook's tiers those stay that a total outage fires; the others can be named."""
    policy = Policy.solved(objective, MONTH)
    left = [place for place, _ in left_out(objective, MONTH)]

    assert able == policy.tiers
    assert [tier.place for tier in WORKBOOK] == [*left, *(tier.place for tier in policy.tiers)]


def test_what_is_left_out_has_a_reason() -> None:
    """An objective, a window or a budget can be too small for a tier; the first of them is said."""
    assert (
        ("page-1h", "above 144% of events: not even a total outage could fire it"),
        ("page-6h", "at 6 x the budget is gone in less than 6h"),
        ("ticket-1d", "no window of 1d is in a period of 1d"),
        ("ticket-3d", "no window of 3d is in a period of 1d"),
    ) == left_out(0.9, Duration.parse("1d"))
    assert () == left_out(0.999, MONTH)


def test_an_hour_has_a_fast_tier_alone() -> None:
    """Where the period is too short for every tier, an outage still pages."""
    policy = Policy.solved(0.999, Duration.parse("1h"))

    assert ((), Fast()) == (policy.tiers, policy.fast)


@pytest.mark.parametrize(
    ("objective", "has_fast", "page"),
    [
        (0.999, False, 0.864),
        (0.99, False, 8.64),
        (0.983, False, 14.688),
        (0.982, True, 2.5),
        (0.95, True, 2.5),
        (0.9, True, 2.5),
        (0.5, True, 2.5),
    ],
)
def test_a_fast_tier_where_budgets_page_late(objective: float, has_fast: bool, page: float) -> None:
    """Where an outage would be paged after more than 15 minutes there is a tier that is faster."""
    policy = Policy.solved(objective, MONTH)

    assert has_fast == (policy.fast is not None)
    assert page == pytest.approx(policy.minutes_to_page(1))
    assert policy.minutes_to_page(1) <= LATEST_PAGE_MINUTES


@pytest.mark.parametrize(
    ("objective", "bad", "page", "ticket"),
    [
        (0.999, 1, 0.864, 4.32),
        (0.999, 0.5, 1.728, 8.64),
        (0.999, 0.1, 8.64, 43.2),
        # 2 x the budget's own speed: above the last tier alone.
        (0.999, 0.002, inf, 2160),
        (0.999, 0.001, inf, inf),
        (0.95, 0.5, 216, 432),
        (0.95, 0.1, inf, 2160),
    ],
)
def test_when_a_policy_tells(objective: float, bad: float, page: float, ticket: float) -> None:
    """The first tier of a severity that fires is when somebody is told."""
    policy = Policy.solved(objective, MONTH)

    assert page == pytest.approx(policy.minutes_to_page(bad))
    assert ticket == pytest.approx(policy.minutes_to_ticket(bad))


def test_what_is_only_just_late_fires_no_fast_tier() -> None:
    """Where bad events are not bad by the stricter measure, only the budget pages."""
    policy = Policy.solved(0.95, MONTH)

    assert 2.5 == policy.minutes_to_page(1)
    assert 3.125 == policy.minutes_to_page(1, bad_by_fast=0.8)
    assert 43.2 == pytest.approx(policy.minutes_to_page(1, bad_by_fast=0.5))


@pytest.mark.parametrize(
    ("bad", "fires", "resets"), [(1, 3.5, 16.5), (0.7, inf, 0), (0.875, 4, 16)]
)
def test_a_fast_tier_is_one_window(bad: float, fires: float, resets: float) -> None:
    """It fires when its window holds the share, and a quarter of an hour longer than it does."""
    fast = Fast(0.7)

    assert fires == pytest.approx(fast.minutes_to_fire(bad))
    assert resets == pytest.approx(fast.minutes_to_reset(bad))
