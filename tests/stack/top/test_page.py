"""What a page of metrics is, and what else servers answer."""

from __future__ import annotations

import pytest

from llmstack.scraping.samples import Sample
from llmstack.top.page import PageError, read_page
from llmstack.top.page_reader import NAMES
from tests.exposition import EXPOSITIONS, captured_scrapes

WANTED = frozenset({"vllm:num_requests_running", "nv_x"})


def test_only_series_that_are_wanted_are_read() -> None:
    """Also those without labels, and those whose labels hold what separates others."""
    text = '# TYPE nv_x gauge\nnv_x 3\nnv_xx 4\nvllm:num_requests_running{model_name="a \\"b\\" {c} \\\\ d",e="f"} 1.5e1\n'
    page = read_page(text, WANTED)

    assert (Sample("nv_x", {}, 3.0),) == page.samples("nv_x")
    running, labels = "vllm:num_requests_running", {"model_name": 'a "b" {c} \\ d', "e": "f"}
    assert (Sample(running, labels, 15.0),) == page.samples(running)
    assert () == page.samples("nv_xx")


@pytest.mark.parametrize("scrape", captured_scrapes(), ids=lambda scrape: str(scrape.file))
def test_real_pages_are_read_whole(scrape: object) -> None:
    """Every series of a real page that is wanted has the value that another reader finds."""
    file = getattr(scrape, "file")  # noqa: B009 - parametrize gives objects
    text = (EXPOSITIONS / file).read_text()
    page = read_page(text, NAMES)
    expected = {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in text.splitlines() if line.partition("{")[0] in NAMES}  # fmt: skip
    found = [sample.value for samples in page.by_name.values() for sample in samples]

    assert sorted(expected.values()) == sorted(found)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "answers an empty page"),
        (" \n\n", "answers an empty page"),
        ('{"detail": "Not Found"}', "answers JSON, and no metrics"),
        ("[]", "answers JSON, and no metrics"),
        ("<!doctype html>\n<html>", "answers a web page, and no metrics"),
        ("hello\nworld 7 x\n", "answers text, and no metrics"),
        ('nv_x{a="b" 3\n', "a line is not of the format of metrics: "),
        ("nv_x three\n", "a line is not of the format of metrics: "),
        ('nv_x{a="b"}\n', "a line is not of the format of metrics: "),
        ("nv_x 3 4 5\n", "a line is not of the format of metrics: nv_x 3 4 5"),
        ('nv_x{a="b",c} 3\n', "a line is not of the format of metrics: "),
        ("nv_x", "a line is not of the format of metrics: "),
    ],
)
def test_what_is_no_page(text: str, told: str) -> None:
    """It is told in one line what it is."""
    with pytest.raises(PageError, match=told) as raised:
        read_page(text, WANTED)

    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("text", ["# TYPE other counter\n", "other_total 5\n", 'other:x{a="b"} NaN\n'])  # fmt: skip
def test_a_page_of_another_server(text: str) -> None:
    """Is one, with nothing of what is wanted."""
    assert {} == read_page(text, WANTED).by_name
