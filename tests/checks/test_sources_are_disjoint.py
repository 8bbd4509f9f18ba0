"""sources_are_disjoint: no series answers for two sources of a pack."""

from __future__ import annotations

from dataclasses import replace

import pytest

from llmdash.checks.sources_are_disjoint import sources_are_disjoint
from llmdash.promql.expressions import not_equal
from llmdash.promql.nodes import Matcher
from llmdash.sources import triton, vllm
from llmdash.sources.source import Dialect, Source, answered, counter
from tests.checks.examples import build, pack
from tests.sources.examples import DIALECT, GUESTS, inn

OTHER_JOB = replace(DIALECT, job="tavern", match_job=True)
THIS_JOB = replace(DIALECT, match_job=True)


def counting(name: str, dialect: Dialect, *matchers: Matcher) -> Source:
    answers = answered(
        requests=counter("requests", dialect.term(GUESTS, where=matchers, outcome="ok"))
    )
    return replace(inn(name, answers=answers), dialect=dialect)


@pytest.mark.parametrize(
    "sources",
    [
        (vllm(), triton()),
        (vllm(job="east"), vllm(name="west", job="west"), triton(job="both")),
        (vllm(), vllm(name="ray", prefix="ray_vllm:")),
        (triton(job="east"), triton(name="west", job="west")),
        (counting("inn", THIS_JOB), counting("tavern", OTHER_JOB)),
        (
            counting("inn", DIALECT, Matcher("end", "=", "fed")),
            counting("tavern", DIALECT, not_equal("end", "fed")),
        ),
        (
            counting("inn", replace(DIALECT, identity=(not_equal("room", ""),))),
            counting("tavern", replace(DIALECT, identity=(Matcher("room", "=", ""),))),
        ),
        (vllm(),),
        (),
    ],
)
def test_sources_that_share_nothing_are_disjoint(sources: tuple[Source, ...]) -> None:
    """Other names, other jobs, or matchers that cannot hold together keep sources apart."""
    assert [] == list(sources_are_disjoint(build(of=pack(*sources))))


@pytest.mark.parametrize(
    ("sources", "problems"),
    [
        (
            (counting("inn", DIALECT), counting("tavern", DIALECT)),
            [
                "sources inn and tavern: inn_guests_total can answer for both; give each a job "
                "matcher, or matchers that cannot hold together (sources_are_disjoint)"
            ],
        ),
        (
            (counting("inn", DIALECT), counting("tavern", OTHER_JOB)),
            [
                "sources inn and tavern: inn_guests_total can answer for both; give each a job "
                "matcher, or matchers that cannot hold together (sources_are_disjoint)"
            ],
        ),
        (
            (
                counting("inn", DIALECT, Matcher("end", "=", "fed")),
                counting("tavern", DIALECT, Matcher("end", "=", "fed")),
                counting("hostel", DIALECT, not_equal("end", "fed")),
                counting("castle", DIALECT, not_equal("end", "left")),
            ),
            [
                "sources inn and tavern: inn_guests_total can answer for both; give each a job "
                "matcher, or matchers that cannot hold together (sources_are_disjoint)",
                "sources inn and castle: inn_guests_total can answer for both; give each a job "
                "matcher, or matchers that cannot hold together (sources_are_disjoint)",
                "sources tavern and castle: inn_guests_total can answer for both; give each a job "
                "matcher, or matchers that cannot hold together (sources_are_disjoint)",
                "sources hostel and castle: inn_guests_total can answer for both; give each a job "
                "matcher, or matchers that cannot hold together (sources_are_disjoint)",
            ],
        ),
        (
            (triton(), triton(name="west")),
            [
                "sources triton and west: nv_inference_first_response_histogram_ms_bucket and 7 more "
                "can answer for both; give each a job matcher, or matchers that cannot hold together "
                "(sources_are_disjoint)"
            ],
        ),
        (
            (triton(), triton(name="west", job="triton")),
            [
                "sources triton and west: nv_inference_first_response_histogram_ms_bucket and 8 more "
                "can answer for both; give each a job matcher, or matchers that cannot hold together "
                "(sources_are_disjoint)"
            ],
        ),
    ],
)
def test_series_that_two_sources_read_are_found(
    sources: tuple[Source, ...], problems: list[str]
) -> None:
    """A name that two sources can read from one series is said once a pair, with how many more."""
    assert problems == [str(p) for p in sources_are_disjoint(build(of=pack(*sources)))]


def test_every_alternative_counts() -> None:
    """A pack of a V1 and a V0 vLLM is told apart by nothing but a job."""
    (problem,) = sources_are_disjoint(build(of=pack(vllm(), vllm(name="old", v0=True))))

    assert "sources vllm and old" == problem.place
    assert problem.message.startswith("vllm:cache_config_info and ")
