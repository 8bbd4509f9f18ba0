"""The DCGM exporter: both generations of its names answer the same questions, in the same units."""

from __future__ import annotations

import pytest

from llmdash.intervals import Intervals
from llmdash.metrics.metric import Needs, Versions
from llmdash.promql.printer import to_text
from llmdash.promql.windows import Duration
from llmdash.recordings import recordings_of
from llmdash.signals import THROTTLE_REASONS, signal
from llmdash.signals.gpu import GPU_SIGNALS, LINK_ERRORS
from llmdash.sources import dcgm
from llmdash.sources.answer import CounterAnswer, families_of

INTERVALS = Intervals(rate_window=Duration.parse("11m"))
OLD = Versions("3.3.5", "4.5.3")
NEW = Versions("4.7.0")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "llm:gpu_power_watts:sum",
            'sum(max by (UUID) (DCGM_FI_DEV_BOARD_POWER_WATTS{UUID!=""} or ignoring (Hostname) DCGM_FI_DEV_POWER_USAGE{UUID!=""}))',
        ),
        (
            "llm:gpu_power_watts:count",
            'count(max by (UUID) (DCGM_FI_DEV_BOARD_POWER_WATTS{UUID!=""} or ignoring (Hostname) DCGM_FI_DEV_POWER_USAGE{UUID!=""}))',
        ),
        (
            "llm:gpu_energy_joules:rate11m",
            'sum(max by (UUID) (rate(DCGM_FI_DEV_GPU_ENERGY_JOULES_TOTAL{UUID!=""}[11m]) or ignoring (Hostname) rate(DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{UUID!=""}[11m]) / 1000))',
        ),
        (
            "llm:gpu_memory_used_bytes:sum",
            'sum(max by (UUID, GPU_I_ID) (DCGM_FI_DEV_FB_USED_BYTES{UUID!=""} or ignoring (Hostname) DCGM_FI_DEV_FB_USED{UUID!=""} * 1048576))',
        ),
        (
            "llm:gpu_utilisation_ratio:max",
            'max(DCGM_FI_DEV_GPU_UTIL_RATIO{UUID!=""} or ignoring (Hostname) DCGM_FI_DEV_GPU_UTIL{UUID!=""} / 100)',
        ),
    ],
)  # fmt: skip
def test_new_and_old_names_are_joined_in_one_unit(name: str, text: str) -> None:
    """The old name is converted inside the aggregation; a GPU told of in several series counts once."""
    rules = {rule.name: to_text(rule.expr) for rule in recordings_of(dcgm(), INTERVALS).recordings}

    assert text == rules[name]


def test_both_generations_answer_the_same() -> None:
    """What the exporter shows by default is asked of either generation alone, and answered."""
    own_file = {
        name
        for name, answer in dcgm().answers.items()
        if Needs.OWN_COUNTERS in dcgm().needs(families_of(answer))
    }

    assert set(dcgm(versions=OLD).answers) - own_file == set(dcgm(versions=NEW).answers) - own_file
    assert len(set(dcgm().answers) - own_file) > 20


def test_every_question_to_a_gpu_is_answered() -> None:
    """A question that no source answers is none: the GPU signals are all DCGM's."""
    assert {"up", *(asked.name for asked in GPU_SIGNALS)} == set(dcgm().answers)


@pytest.mark.parametrize(
    ("name", "values"),
    [("gpu_throttled_time", THROTTLE_REASONS), ("gpu_nvlink_errors", LINK_ERRORS)],
)
def test_each_kind_is_a_term_of_its_own(name: str, values: tuple[str, ...]) -> None:
    """What several families count is one question, told apart by a label of ours."""
    answer = dcgm().answers[name]
    assert isinstance(answer, CounterAnswer)

    assert values == tuple(dict(term.fixed)[signal(name).split_by] for term in answer.terms)
