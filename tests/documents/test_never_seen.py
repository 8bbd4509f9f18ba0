"""The section of `signals.md` that says which families no real server has shown."""

from __future__ import annotations

import re

import pytest

from llmdash.documents.never_seen import TITLE, never_seen, unseen, was_seen
from llmdash.documents.signals_table import signals_table
from llmdash.metrics import triton_vllm as backend
from llmdash.metrics import vllm as metrics
from llmdash.metrics.seen import SEEN
from llmdash.sources.source import Source
from llmdash.sources.triton import triton
from llmdash.sources.triton_vllm import triton_vllm
from llmdash.sources.vllm import vllm
from tests.sources.examples import inn


def rows(page: str, heading: str) -> dict[str, list[str]]:
    """Return the cells of the table after a heading, by the first of each row."""
    lines = page.partition(heading)[2].split("\n#")[0].splitlines()
    found = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line[:1] == "|"]
    return {first: rest for first, *rest in found[2:]}


def test_families_are_counted_by_source() -> None:
    """Those that were seen and those that were not are all that a source has."""
    sources = (vllm(), triton(), triton_vllm(), inn())
    counted = rows(never_seen(sources), TITLE)

    assert [source.title for source in sources] == list(counted)
    for source in sources:
        known, seen, missing = (int(count) for count in counted[source.title])
        assert len(source.metrics) == known == seen + missing
        assert len(unseen(source)) == missing
    assert "0" == counted[inn().title][1]


@pytest.mark.parametrize(
    ("source", "reason", "family"),
    [
        (vllm(), "the NIXL KV connector", "vllm:nixl_xfer_time_seconds"),
        (
            vllm(),
            f"releases {metrics.GPU_CACHE_USAGE_PERC.versions}",
            metrics.GPU_CACHE_USAGE_PERC.name,
        ),
        (triton(), "a GPU", "nv_gpu_utilization"),
        (triton_vllm(), "the model parameter REPORT_CUSTOM_METRICS", backend.REQUEST_PARAMS_N.name),
        (inn(), "nothing special", "inn_guests_total"),
    ],
)
def test_what_was_never_seen_is_named(source: Source, reason: str, family: str) -> None:
    """Each family stands once, under what a server needs to show it or the releases that did."""
    page = never_seen((source,))
    found = rows(page, f"### {source.title}: never seen")

    assert f"`{family}`" in found[reason][1].split()
    assert 1 == page.count(f"`{family}`")
    for count, names in found.values():
        assert int(count) == len(names.split())


def test_every_unseen_family_is_named_once() -> None:
    """What a backend shares with Triton itself stands under Triton, and nothing that was seen does."""
    sources = (vllm(), triton(), triton_vllm())
    named = re.findall(r"`([^`]+)`", never_seen(sources))
    expected = {metric.name for source in sources for metric in unseen(source)}

    assert expected == set(named)
    assert set() == set(named) & SEEN["triton"]
    assert 1 == named.count("nv_gpu_utilization")


@pytest.mark.parametrize(
    ("source", "family", "seen"),
    [
        (vllm(), metrics.TIME_TO_FIRST_TOKEN_SECONDS.name, True),
        (vllm(prefix="ray_vllm_"), "ray_vllm_time_to_first_token_seconds", True),
        (triton_vllm(), backend.TIME_TO_FIRST_TOKEN_SECONDS.name, False),
        (triton_vllm(), "nv_inference_count", True),
        (inn(), "inn_guests_total", False),
    ],
)
def test_a_name_is_seen_on_its_own_exporter(source: Source, family: str, seen: bool) -> None:
    """vLLM's own server does not vouch for the names that Triton's backend took from it."""
    assert seen == was_seen(source, family)


def test_it_is_part_of_the_signals_page() -> None:
    """The section ends `signals.md`."""
    assert signals_table((inn(),)).endswith(never_seen((inn(),)))
