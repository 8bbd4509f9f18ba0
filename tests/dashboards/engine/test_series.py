"""Labels that tell engines apart, averages over a panel's window, histograms without a signal."""

from __future__ import annotations

import pytest

from llmdash.dashboards.engine.series import (
    averaged,
    distribution_of,
    engine_labels,
    engine_legend,
)
from llmdash.dashboards.source_page import SourcePage
from llmdash.errors import SourceError
from llmdash.metrics import vllm as metrics
from llmdash.metrics.metric import Versions
from llmdash.promql.windows import Duration
from llmdash.sources import vllm
from tests.dashboards.engine_pages import shown, source_named


@pytest.mark.parametrize(
    ("name", "labels", "legend"),
    [
        (
            "vllm",
            ("model_name", "instance", "engine"),
            "{{model_name}} {{instance}} engine {{engine}}",
        ),
        (
            "sglang",
            ("model_name", "instance", "dp_rank"),
            "{{model_name}} {{instance}} engine {{dp_rank}}",
        ),
        ("triton-trtllm", ("model", "instance"), "{{model}} {{instance}}"),
    ],
)
def test_an_engine_is_named_by_its_exporters_labels(
    name: str, labels: tuple[str, ...], legend: str
) -> None:
    """A data parallel rank is an engine of its own, whatever the exporter calls it."""
    page = SourcePage(source_named(name))

    assert (labels, legend) == (engine_labels(page), engine_legend(page))


def test_each_series_is_averaged_before_any_is_added() -> None:
    """Old and new names are averaged each, so that a fleet in mid-upgrade is whole."""
    page = SourcePage(vllm())

    assert (
        "max(avg_over_time(vllm:kv_cache_usage_perc{CHOSEN}[$__rate_interval]) or "
        "avg_over_time(vllm:gpu_cache_usage_perc{CHOSEN}[$__rate_interval]))"
    ) == shown(averaged(page, "kv_cache_use", "max"))


def test_what_is_computed_has_no_past_to_average() -> None:
    """Where waiting is a difference of two series, it is taken as it is."""
    page = SourcePage(source_named("triton-trtllm"))

    assert "avg_over_time" not in shown(averaged(page, "requests_waiting"))


def test_only_a_gauge_is_averaged() -> None:
    """A counter, or what the source does not answer, is refused by name."""
    with pytest.raises(SourceError, match="preemptions of vllm is no gauge"):
        averaged(SourcePage(vllm()), "preemptions")


def test_a_histogram_without_a_signal_is_asked_as_one_with() -> None:
    """It has the source's conditions and the page's choices."""
    found = distribution_of(SourcePage(vllm()), metrics.REQUEST_NUM_PREEMPTIONS)

    assert (
        'sum(rate(vllm:request_num_preemptions_sum{model_name!=""}[7m])) / '
        'sum(rate(vllm:request_num_preemptions_count{model_name!=""}[7m]))'
    ) == shown(found.mean(Duration.parse("7m")))


def test_a_histogram_that_no_release_has_is_refused() -> None:
    """A page must not ask for what cannot be there."""
    page = SourcePage(vllm(versions=Versions("0.8.4", "0.11.2")))

    with pytest.raises(SourceError, match="never exposes vllm:request_num_preemptions"):
        distribution_of(page, metrics.REQUEST_NUM_PREEMPTIONS)
