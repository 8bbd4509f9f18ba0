"""The reader of metrics pages gives families the names that Prometheus stores."""

from __future__ import annotations

import pytest

from tests.exposition import Scrape, never_seen, read_exposition

PYTHON = """\
# HELP a_total A counter.
# TYPE a_total counter
a_total{model="m"} 3.0
# HELP a_created A counter.
# TYPE a_created gauge
a_created{model="m"} 1.7e+09
# HELP b_seconds A histogram.
# TYPE b_seconds histogram
b_seconds_bucket{engine="0",le="0.5"} 1.0
b_seconds_bucket{engine="0",le="2.0"} 1.0
b_seconds_bucket{engine="0",le="+Inf"} 2.0
b_seconds_count{engine="0"} 2.0
b_seconds_sum{engine="0"} 9.0
# TYPE b_seconds_created gauge
b_seconds_created{engine="0"} 1.7e+09
# TYPE moment_created gauge
moment_created 5
"""

TRITON = """\
# HELP nv_count A counter.
# TYPE nv_count counter
nv_count{model="m",version="1"} 3
# HELP nv_us A summary.
# TYPE nv_us summary
nv_us_count{model="m"} 0
nv_us_sum{model="m"} 0
nv_us{model="m",quantile="0.5"} Nan
"""

OPEN_METRICS = """\
# HELP a A counter.
# TYPE a counter
a_total{model="m"} 3.0
a_created{model="m"} 1.7e+09
# EOF
"""


@pytest.mark.parametrize(
    ("text", "content_type", "expected"),
    [
        (PYTHON, "text/plain", {"a_total": "counter", "b_seconds": "histogram", "moment_created": "gauge"}),
        (TRITON, "text/plain; charset=utf-8", {"nv_count": "counter", "nv_us": "summary"}),
        (OPEN_METRICS, "application/openmetrics-text; version=1.0.0", {"a_total": "counter"}),
        (OPEN_METRICS, "text/plain", {"a_total": "counter"}),
    ],
    ids=["python", "triton", "openmetrics", "openmetrics by its last line"],
)  # fmt: skip
def test_names_are_those_that_prometheus_stores(
    text: str, content_type: str, expected: dict[str, str]
) -> None:
    """Counters keep `_total` where they had it, and `_created` is no family of its own."""
    families = read_exposition(text, content_type)

    assert expected == {name: family.kind for name, family in families.items()}


def test_labels_and_edges_are_told_apart() -> None:
    """`le` and `quantile` are parts of a family, and its labels are what is left."""
    python, triton = read_exposition(PYTHON), read_exposition(TRITON)

    assert python["b_seconds"].edges == (0.5, 2.0)
    assert {"engine"} == python["b_seconds"].labels
    assert {("engine", "0")} == python["b_seconds"].label_values
    assert triton["nv_us"].quantiles == (0.5,)
    assert {"model"} == triton["nv_us"].labels
    assert python["b_seconds"].help == "A histogram."


def test_what_no_page_shows_is_listed() -> None:
    """A family is never seen when none of the pages has it."""
    pages = [Scrape("x.prom", "vllm", "0.32.0", read_exposition(PYTHON))]

    assert never_seen(["z", "a_total", "a"], pages) == ("z", "a")


def test_samples_carry_the_names_that_prometheus_stores() -> None:
    """A counter's sample is stored under its family's name, and its time of creation is none."""
    samples = {
        text: [(s.name, s.value) for s in read_exposition(text)[name].samples]
        for text, name in ((OPEN_METRICS, "a_total"), (TRITON, "nv_count"))
    }

    assert [("a_total", 3.0)] == samples[OPEN_METRICS]
    assert [("nv_count", 3.0)] == samples[TRITON]
