"""A page of the catalogue's families, written as Python's client and as Triton write it."""

from __future__ import annotations

import pytest

from llmdash.metrics.fastapi import HTTP_REQUEST_SIZE_BYTES
from llmdash.metrics.metric import Counter, Gauge, Histogram, Versions, labels
from llmdash.promql.units import SECONDS, base
from llmstack.simulator.exposition import PYTHON, TRITON, Exposition, Style

GUESTS = Counter(
    name="inn_guests_total", unit=base("guests"), labels=labels("inn"), note="Of all days."
)
WAIT = Histogram(name="inn_wait_seconds", unit=SECONDS, labels=labels("inn"), edges=(0.5, 5.0), older_edges=(("1.2", (0.5,)),))  # fmt: skip
DOORS = Gauge(name="inn_doors", unit=base("doors"), labels=labels("inn", "side"), versions=Versions("2.0"))  # fmt: skip


def page(style: Style = PYTHON) -> Exposition:
    return Exposition({"inn": 'a "b"\n'}, created=12.5, model_length=100, style=style)


def test_python_writes_points_and_when_families_were_made() -> None:
    """Buckets are cumulative, an observation may stand for several, and labels are escaped."""
    shown = page()
    shown.counter(GUESTS, "1").add(3)
    wait = shown.histogram(WAIT, "1.3")
    wait.observe(0.5, 2)
    wait.observe(7.0)

    assert r"""# HELP inn_guests_total inn guests total. Of all days.
# TYPE inn_guests_total counter
inn_guests_total{inn="a \"b\"\n"} 3.0
# HELP inn_guests_created inn guests total. Of all days.
# TYPE inn_guests_created gauge
inn_guests_created{inn="a \"b\"\n"} 12.5
# HELP inn_wait_seconds inn wait seconds.
# TYPE inn_wait_seconds histogram
inn_wait_seconds_bucket{inn="a \"b\"\n",le="0.5"} 2.0
inn_wait_seconds_bucket{inn="a \"b\"\n",le="5.0"} 2.0
inn_wait_seconds_bucket{inn="a \"b\"\n",le="+Inf"} 3.0
inn_wait_seconds_count{inn="a \"b\"\n"} 3.0
inn_wait_seconds_sum{inn="a \"b\"\n"} 8.0
# HELP inn_wait_seconds_created inn wait seconds.
# TYPE inn_wait_seconds_created gauge
inn_wait_seconds_created{inn="a \"b\"\n"} 12.5
""" == shown.text()


def test_triton_writes_whole_numbers_without_a_point() -> None:
    """And edges too; nothing says when a family was made."""
    shown = page(TRITON)
    shown.histogram(WAIT, "1.3", inn="x").observe(1.25)

    assert """# HELP inn_wait_seconds inn wait seconds.
# TYPE inn_wait_seconds histogram
inn_wait_seconds_bucket{inn="x",le="0.5"} 0
inn_wait_seconds_bucket{inn="x",le="5"} 1
inn_wait_seconds_bucket{inn="x",le="+Inf"} 1
inn_wait_seconds_count{inn="x"} 1
inn_wait_seconds_sum{inn="x"} 1.25
""" == shown.text()


def test_a_family_of_another_release_is_not_shown() -> None:
    """What is counted in it is lost, and whoever counts need not know."""
    shown = page()
    shown.gauge(DOORS, "1.9", side="left").set(4)

    assert "" == shown.text()


def test_edges_are_those_of_the_release() -> None:
    """As the catalogue has them."""
    assert (0.5,) == page().histogram(WAIT, "1.2").edges


def test_a_summary_has_no_quantiles() -> None:
    """The count and the sum alone."""
    shown = page()
    shown.summary(HTTP_REQUEST_SIZE_BYTES, "0.12.0", handler="/").observe(30)
    lines = shown.text().splitlines()

    assert ['http_request_size_bytes_count{handler="/"} 1.0', 'http_request_size_bytes_sum{handler="/"} 30.0'] == lines[2:4]  # fmt: skip


def test_a_series_is_made_once() -> None:
    """Whoever asks again gets the same."""
    shown = page()
    shown.counter(GUESTS, "1").add()
    shown.counter(GUESTS, "1").add()

    assert 2 == shown.counter(GUESTS, "1").value


@pytest.mark.parametrize(
    ("given", "told"),
    [({}, "inn_doors: side: not given"), ({"side": "left", "colour": "red"}, "inn_doors: colour: no label")],
)  # fmt: skip
def test_labels_are_the_catalogues(given: dict[str, str], told: str) -> None:
    """None may be missing, and none be made up."""
    with pytest.raises(ValueError, match=told):
        page().gauge(DOORS, "2.0", **given)
