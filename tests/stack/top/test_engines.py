"""The servers that are known, held against the rules that llmdash builds for them."""

from __future__ import annotations

import pytest

from llmdash.pack import DEFAULT
from llmstack.top.engines import ANCHORS, NOTES, WATCHED, Watched
from llmstack.top.figures import Figure
from llmstack.top.page_reader import NAMES
from tests.exposition import captured_scrapes
from tests.stack.top.rules import families

RECORDS = {
    Figure.TTFT: ("llm:time_to_first_token_seconds_bucket:rate5m",),
    Figure.TPOT: (
        "llm:inter_token_latency_seconds_bucket:rate5m",
        "llm:time_per_output_token_seconds_bucket:rate5m",
    ),
    Figure.E2E: ("llm:end_to_end_latency_seconds_bucket:rate5m",),
    Figure.E2E_MEAN: (
        "llm:end_to_end_latency_seconds_sum:rate5m",
        "llm:end_to_end_latency_seconds_count:rate5m",
    ),
    Figure.TOKENS: ("llm:generation_tokens:rate5m",),
    Figure.RUNNING: ("llm:requests_running:sum",),
    Figure.WAITING: ("llm:requests_waiting:sum",),
    Figure.KV_CACHE: ("llm:kv_cache_use_ratio:max",),
}
#: Servers whose real pages are there.
KNOWN = {"vllm", "tritonserver", "gateway"}
#: What rules read otherwise: the parts of what waits, which add up to the whole that is read here.
OTHERWISE = {"vllm:num_requests_waiting_by_reason"}


def plain() -> list[Watched]:
    """Each kind of server once, under its own names."""
    return list({each.name: each for each in reversed(WATCHED)}.values())


@pytest.mark.parametrize("figure", Figure)
@pytest.mark.parametrize("watched", plain(), ids=lambda watched: str(watched.name))
def test_the_rules_read_the_same(watched: Watched, figure: Figure) -> None:
    """A figure is read of the families that rules read for it; where rules have none, there is none."""
    own = set(watched.asked[figure].names()) if figure in watched.asked else set()
    read = [families(watched.name, record) for record in RECORDS[figure]]
    # Where a server tells the time between tokens, the other is not read.
    expected = read[0] or read[-1] if figure is Figure.TPOT else set().union(*read)
    if watched.engine.core or figure is Figure.E2E_MEAN:
        # What Triton tells itself is asked of Triton, and a mean only where there is no quantile.
        assert own <= expected
    else:
        assert own == expected - OTHERWISE


def test_every_engine_of_the_pack_is_known() -> None:
    """And its gateway."""
    served = {source.name for source in DEFAULT.sources if source.role.value in ("engine", "gateway")}  # fmt: skip

    assert served == {each.name for each in WATCHED}


@pytest.mark.parametrize("watched", plain(), ids=lambda watched: str(watched.name))
def test_identities_are_those_of_the_sources(watched: Watched) -> None:
    """So that no series is read as two kinds of server."""
    (source,) = [each for each in DEFAULT.sources if each.name == watched.name]
    expected = {(each.label, each.operator, each.value) for each in source.dialect.identity}

    assert expected == {(each.label, each.operator, each.value) for each in watched.engine.identity}


def test_servers_that_have_run_are_known_by_their_anchors() -> None:
    """Each real page of a server shows one."""
    pages = [scrape for scrape in captured_scrapes() if scrape.server in KNOWN]
    silent = [scrape.file for scrape in pages if set(ANCHORS).isdisjoint(scrape.families)]

    assert [] == silent
    assert {scrape.server for scrape in pages} == KNOWN


def test_what_is_read_are_names() -> None:
    """A hundred of them at most, so that a page is read quickly."""
    assert 60 < len(NAMES) < 150
    assert set() == {name for name in NAMES if not name.replace(":", "_").isidentifier()}


def test_notes_fit_into_a_narrow_terminal() -> None:
    """Each kind of server has one."""
    assert {each.name for each in WATCHED} == NOTES.keys()
    assert [] == [name for name, note in NOTES.items() if not 0 < len(f"{name}: {note}") <= 80]
