"""Load that is made up: the same by the same seed, with a beginning that is not measured."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import Any

import pytest

from llmstack.errors import SettingsError
from llmstack.load.arrivals import Deterministic
from llmstack.load.lengths import Const, Lognormal
from llmstack.load.mix import MIX
from llmstack.load.planned import Planned
from llmstack.load.synthetic import SyntheticPlan

STEADY: dict[str, Any] = {"rate": 10, "arrivals": Deterministic()}


def test_equal_plans_are_equal_each_time() -> None:
    """And other seeds make others."""
    plan = SyntheticPlan(5, kinds=MIX, total=100)

    assert list(plan) == list(plan) == list(SyntheticPlan(5, kinds=MIX, total=100))
    assert list(plan) != list(SyntheticPlan(5, kinds=MIX, total=100, seed=1))


def test_it_has_no_end_unless_one_is_said() -> None:
    """Requests come as they are asked for."""
    plan = SyntheticPlan(**STEADY, prompts=Const(7), answers=Const(3))

    assert [Planned(0.0, 7, 3), Planned(0.1, 7, 3), Planned(0.2, 7, 3)] == list(islice(plan, 3))


def test_a_duration_is_of_what_is_measured() -> None:
    """After the ramp, in which half as many come, and the warm-up."""
    plan = SyntheticPlan(**STEADY, ramp=10, warm_up=5, duration=20)
    at = [each.at for each in plan]
    measured = [time for time in at if time >= plan.measured_from]

    assert 15 == plan.measured_from
    assert (50 + 50 + 200, 200) == (len(at), len(measured))
    assert at[-1] < 35


def test_a_total_is_of_what_is_measured() -> None:
    """What warms up comes besides."""
    plan = SyntheticPlan(**STEADY, warm_up=5, total=30)
    at = [each.at for each in plan]

    assert 50 + 30 == len(at)
    assert 30 == len([time for time in at if time >= plan.measured_from])


def test_lengths_do_not_change_when_requests_come() -> None:
    """So two runs with other prompts have the same arrivals."""
    short, long = (
        [each.at for each in SyntheticPlan(5, prompts=prompts, total=50)]
        for prompts in (Const(1), Lognormal(800))
    )

    assert short == long


def test_kinds_have_lengths_of_their_own() -> None:
    """And each request says its kind."""
    found = list(SyntheticPlan(5, kinds=MIX, total=4000))
    counts = Counter(each.kind for each in found)
    means = {
        kind.name: sum(each.answer_tokens for each in found if each.kind == kind.name)
        / counts[kind.name]
        for kind in MIX
    }

    assert {kind.name: pytest.approx(kind.share, abs=0.03) for kind in MIX} == {
        name: count / 4000 for name, count in counts.items()
    }
    assert {kind.name: pytest.approx(kind.answer.mean, rel=0.1) for kind in MIX} == means


def test_some_begin_alike() -> None:
    """A share of them, as one of so many prefixes, in no more tokens than they have."""
    plan = SyntheticPlan(
        5, prompts=Const(100), prefix_share=0.5, prefix_tokens=300, prefixes=4, total=2000
    )
    found = [each for each in plan if each.prefix]

    assert pytest.approx(1000, abs=100) == len(found)
    assert {"prefix 0", "prefix 1", "prefix 2", "prefix 3"} == {each.prefix for each in found}
    assert {100} == {each.prefix_tokens for each in found}


def test_prefixes_change_nothing_else() -> None:
    """Lengths and times are those without them."""
    alike = SyntheticPlan(5, prefix_share=0.5, prefix_tokens=30, total=50)

    assert [(each.at, each.prompt_tokens) for each in SyntheticPlan(5, total=50)] == [
        (each.at, each.prompt_tokens) for each in alike
    ]


def test_a_model_takes_all_of_it() -> None:
    """Prompt and answer together are as long as it takes at most."""
    plan = SyntheticPlan(5, model_length=512, total=500)

    assert 512 == max(each.prompt_tokens + each.answer_tokens for each in plan)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"rate": 0}, "rate: expected requests a second above 0, got 0"),
        ({"rate": 1, "prefix_share": 2}, "prefix-share: expected 0 to 1, got 2"),
        ({"rate": 1, "prefix_tokens": -1}, "prefix-tokens: expected tokens from 0, got -1"),
        ({"rate": 1, "prefixes": 0}, "prefixes: expected a number from 1, got 0"),
        ({"rate": 1, "ramp": -1}, "ramp: expected seconds from 0, got -1"),
        ({"rate": 1, "warm_up": -1}, "warm-up: expected seconds from 0, got -1"),
        ({"rate": 1, "duration": 0}, "duration: expected seconds above 0, got 0"),
        ({"rate": 1, "total": 0}, "total: expected requests from 1, got 0"),
        ({"rate": 1, "model_length": 1}, "max-model-len: expected tokens from 2, got 1"),
    ],
)
def test_what_cannot_be_is_refused(wrong: dict[str, Any], told: str) -> None:
    """By the option's name."""
    with pytest.raises(SettingsError) as raised:
        SyntheticPlan(**wrong)

    assert told == str(raised.value)
