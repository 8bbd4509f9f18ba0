"""Series are found on a page by their names, and as the whole page is read."""

from __future__ import annotations

import pytest

from llmstack.scraping.samples import Sample, samples_of
from tests.exposition import EXPOSITIONS, Scrape, captured_scrapes

PAGE = """\
# HELP inn_doors doors
# TYPE inn_doors gauge
inn_doors 3
inn_doors_open{side="north"} 1.5
inn_doors_open{side="a \\"b\\" \\\\ c\\nd",odd="}"} +Inf 1700000000000
inn_doors_open{side="south"} NaN
inn_doors_open nothing
"""


def test_a_name_is_a_whole_name() -> None:
    """`inn_doors` is not `inn_doors_open`, and a comment is no sample."""
    assert [Sample("inn_doors", {}, 3.0)] == samples_of(PAGE, ["inn_doors"])
    assert [] == samples_of(PAGE, ["inn", "doors", "inn_windows"])
    assert [Sample("inn_doors", {}, 4.0)] == samples_of("inn_doors 4", ["inn_doors"])


def test_labels_are_read_as_they_are_written() -> None:
    """With what is escaped in them, a time behind them, and no line that is none."""
    north, odd, south = samples_of(PAGE, ["inn_doors_open"])

    assert Sample("inn_doors_open", {"side": "north"}, 1.5) == north
    assert ({"side": 'a "b" \\ c\nd', "odd": "}"}, float("inf")) == (odd.labels, odd.value)
    assert ("south", True) == (south.labels["side"], south.value != south.value)


@pytest.mark.parametrize("scrape", captured_scrapes(), ids=lambda scrape: scrape.file)
def test_real_pages_are_read_as_prometheus_reads_them(scrape: Scrape) -> None:
    """Each sample of each family of a captured page."""
    page = (EXPOSITIONS / scrape.file).read_text()
    for family in scrape.families.values():
        expected = sorted(
            (s.name, sorted(s.labels.items()), str(float(s.value))) for s in family.samples
        )
        names = {name for name, _, _ in expected}
        found = sorted((s.name, sorted(s.labels.items()), str(s.value)) for s in samples_of(page, names))  # fmt: skip

        assert expected == found
