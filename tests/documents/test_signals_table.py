"""`signals.md`: every signal against every source, gaps and weaker answers visible."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from llmdash.documents.markdown import cell, code, fenced, table
from llmdash.documents.signals_table import GAP, is_weaker, signals_table
from llmdash.metrics import vllm as metrics
from llmdash.metrics.metric import Versions
from llmdash.promql.nodes import Matcher
from llmdash.signals import SIGNALS, signal
from llmdash.sources import triton, vllm
from llmdash.sources.source import Source, answered, counter, mean
from tests.sources.examples import BUSY, DIALECT, GUESTS, WAIT, inn

INN = inn(
    answers=answered(
        requests=counter("requests", DIALECT.term(GUESTS, outcome="ok"), note="Ghosts | gone\nby dawn."),
        queue_time=DIALECT.distribution(signal("queue_time"), WAIT),
        decode_time=mean("decode_time", DIALECT.term(BUSY), DIALECT.term(GUESTS)),
    )
)  # fmt: skip


def tables(page: str) -> list[list[list[str]]]:
    """Return the cells of each table, as a reader of Markdown sees them."""
    blocks = re.findall(r"(?:^\|.*\|\n)+", page, flags=re.MULTILINE)
    return [
        [
            [each.strip() for each in re.split(r"(?<!\\)\|", line)[1:-1]]
            for line in block.splitlines()
        ]
        for block in blocks
    ]


def verdicts(page: str) -> dict[str, list[str]]:
    head, _, *rows = tables(page)[0]
    return {row[0].strip("`"): row[4:] for row in rows if len(row) == len(head)}


def details(page: str, place: int = 1) -> dict[str, list[str]]:
    _, _, *rows = tables(page)[place]
    return {row[0].strip("`"): row[1:] for row in rows}


def test_every_signal_has_a_row() -> None:
    """The matrix and the page of each source list all signals, in their order."""
    page = signals_table((vllm(), triton()))
    names = [asked.name for asked in SIGNALS]

    assert ["signal", "form", "unit", "grouped by", "vLLM", "Triton"] == tables(page)[0][0]
    assert names == list(verdicts(page))
    assert [names, names] == [list(details(page, place)) for place in (1, 2)]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("requests", ["yes", "yes"]),
        (
            "time_to_first_token",
            ["yes", "yes, from 24.11, needs --metrics-config histogram_latencies=true"],
        ),
        ("end_to_end_latency", ["yes", "mean only"]),
        ("inter_token_latency", ["yes", GAP]),
        ("iteration_tokens", ["mean only", GAP]),
        ("requests_swapped", [GAP, GAP]),
        ("up", ["yes", "yes"]),
    ],
)
def test_gaps_and_weaker_answers_are_visible(name: str, said: list[str]) -> None:
    """A source answers in full, with a mean, with what it needs, or not at all."""
    assert said == verdicts(signals_table((vllm(), triton())))[name]


def test_gaps_are_counted_by_the_answers() -> None:
    """A gap stands exactly where a source has no answer."""
    sources = (vllm(versions=Versions("0.8.4", "0.9.0"), v0=True), triton(), INN)
    found = verdicts(signals_table(sources))

    assert {
        asked.name: [asked.name not in source.answers for source in sources] for asked in SIGNALS
    } == {name: [verdict == GAP for verdict in row] for name, row in found.items()}


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("requests", ["`inn_guests_total`", "", "generated only", "Ghosts \\| gone by dawn."]),
        ("queue_time", ["`inn_wait_ms`", "0.11 0.7 1.3 (seconds)", "generated only", ""]),
        ("decode_time", ["`inn_busy_us`<br>`inn_guests_total`", "", "generated only", ""]),
        ("up", [GAP, GAP, GAP, ""]),
    ],
)
def test_an_answer_is_explained(name: str, row: list[str]) -> None:
    """Each answer says its metrics, its edges in the signal's unit, and what to know about it."""
    assert row == details(signals_table((INN,)))[name]


@pytest.mark.parametrize(
    ("source", "name", "seen"),
    [
        (vllm(), "requests", "yes"),
        (vllm(prefix="ray_vllm:"), "requests", "yes"),
        (vllm(), "kv_cache_use", f"partly: `{metrics.KV_CACHE_USAGE_PERC.name}`"),
        (vllm(v0=True), "requests_swapped", "generated only"),
        (vllm(), "up", "made by Prometheus"),
        (vllm(), "start_time", "yes"),
        (triton(), "queue_time", "yes"),
    ],
)
def test_what_real_servers_have_shown_is_said(source: Source, name: str, seen: str) -> None:
    """An answer says whether its metrics were seen on a real server, under whatever prefix."""
    assert seen == details(signals_table((source,)))[name][2]


def test_a_source_says_its_releases() -> None:
    """A source's own table is headed by its releases, its role and what identifies it."""
    page = signals_table((vllm(versions=Versions("0.9.2", "0.31")),))

    assert (
        '## vLLM\n\nReleases: 0.9.2 to 0.31. Role: engine. Identified by `{model_name!=""}`.\n' in page
    )  # fmt: skip


def test_no_cell_breaks_a_table() -> None:
    """Whatever a note, a title or a matcher says, each row has the cells of its head."""
    odd = replace(
        INN,
        title="The | inn",
        dialect=replace(DIALECT, identity=(Matcher("room", "=~", "blue|red"),)),
    )
    page = signals_table((odd, triton()))

    assert [6, 5, 5, 4, 3, 3] == [len(lines[0]) for lines in tables(page)]
    assert [] == [line for lines in tables(page) for line in lines if len(line) != len(lines[0])]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("a|b", "a\\|b"),
        ("a\nb", "a b"),
        ("a\r\nb\rc", "a b c"),
        ("", ""),
    ],
)
def test_a_cell_is_one_line(text: str, shown: str) -> None:
    """Bars are escaped and lines joined."""
    assert (shown, f"`{shown}`") == (cell(text), code(text))


def test_markdown_is_written_plainly() -> None:
    """A table and a block of code, as they stand in the file."""
    assert "| a | b |\n| --- | --- |\n| 7 | 11 |\n" == table(["a", "b"], [["7", "11"]])
    assert "```promql\nup\n```\n" == fenced("up")


@pytest.mark.parametrize(
    ("source", "name", "weaker"),
    [
        (INN, "decode_time", True),
        (INN, "queue_time", False),
        (INN, "requests", False),
    ],
)
def test_a_mean_is_weaker(source: Source, name: str, weaker: bool) -> None:
    """Only a distribution without buckets is less than was asked."""
    assert weaker == is_weaker(signal(name), source.answers[name])
