"""The fleets of the proof: all families are served, and renamed ones one name at a time."""

from __future__ import annotations

import pytest

from llmdash.sources.dcgm import dcgm
from llmdash.sources.triton import triton
from llmdash.sources.trtllm import trtllm
from tests.live.exposition import fetch_exposition
from tests.live.fleets import Fleet, Generation, made_fleet

OLD, NEW = "DCGM_FI_DEV_FB_USED", "DCGM_FI_DEV_FB_USED_BYTES"


@pytest.mark.parametrize(
    ("generation", "shown"),
    [
        (Generation.NEWEST, {NEW}),
        (Generation.OLDEST, {OLD}),
        (Generation.EVERY, {OLD, NEW}),
    ],
)
def test_a_generation_has_its_names(generation: Generation, shown: set[str]) -> None:
    """A renamed family has one name, but in the middle of an upgrade."""
    names = {metric.name for metric in generation.families(dcgm())}

    assert shown == names & {OLD, NEW}


def test_two_generations_leave_out_what_is_between_them() -> None:
    """What the oldest does not show, the newest does, unless it came and went between the two."""
    source = dcgm()
    both = {*Generation.OLDEST.families(source), *Generation.NEWEST.families(source)}
    names = {metric.successor for metric in source.metrics}
    between = {m for m in source.metrics if m.successor is not None and m.name in names}

    assert set(source.metrics) - between == both
    assert {"DCGM_FI_DEV_NVLINK_THROUGHPUT_TOTAL", "DCGM_FI_DEV_NVLINK_THROUGHPUT_L0"} == {
        metric.name for metric in between
    }


def test_each_source_is_played_where_it_is_scraped() -> None:
    """A fleet knows the address and the page of each source, and takes in those that run elsewhere."""
    sources = (triton(), trtllm())
    with made_fleet((source, Generation.NEWEST) for source in sources) as fleet:
        joined = fleet.joined({"vllm": "http://127.0.0.1:7/metrics"})

        assert ["triton", "trtllm"] == list(fleet.targets)
        assert [["127.0.0.1:7"]] == [joined.targets["vllm"]]
        assert fleet.urls["trtllm"].endswith("/prometheus/metrics")
        for page, source in zip(fleet.pages(), sources, strict=True):
            assert {metric.name for metric in source.metrics} == set(page.families)


def test_gpus_without_a_pod_carry_none() -> None:
    """The exporter leaves out what it does not know of a GPU."""
    with made_fleet([(dcgm(), Generation.NEWEST)]) as fleet:
        family = fetch_exposition(fleet.urls["dcgm"]).families["DCGM_FI_DEV_GPU_TEMP_CELSIUS"]

    assert {True, False} == {"pod" in labels for labels in family.label_sets}
    assert {"GPU-0", "GPU-1"} == {value for name, value in family.label_values if name == "UUID"}


def test_a_fleet_replaces_what_runs_elsewhere() -> None:
    """A real server takes the place of the one that plays it."""
    fleet = Fleet({"vllm": "http://127.0.0.1:7/metrics", "app": "http://127.0.0.1:11/metrics"})
    joined = fleet.joined({"vllm": "http://127.0.0.1:13/metrics"})

    assert {"vllm": ["127.0.0.1:13"], "app": ["127.0.0.1:11"]} == joined.targets
