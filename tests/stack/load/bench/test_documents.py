"""Benches are read again, beside each other and beside runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from llmstack.cli import main
from llmstack.errors import ConfigurationError
from llmstack.load.bench.columns import Comparison
from llmstack.load.bench.documents import comparison_of, joined, read
from llmstack.load.bench.summary import summary
from llmstack.load.bench.told import told
from llmstack.load.outcome import Outcome
from llmstack.load.planned import Planned
from llmstack.load.results import write
from tests.stack.load.bench.benches import document, run
from tests.stack.load.made import failed, results


def names(comparison: Comparison) -> list[str]:
    return [column.name for column in comparison.columns]


def two_rounds() -> dict[str, object]:
    runs = [
        run(name, number, first)
        for number in (1, 2)
        for name, first in (("inn", 0.1), ("barn", 0.2))
    ]
    return document(*runs, names=["inn", "barn"])


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """A bench as a bench, and a run as a run."""
    write(tmp_path / "bench.json", found := two_rounds())
    write(tmp_path / "run.json", one := results())

    assert found == read(tmp_path / "bench.json")
    assert one == read(tmp_path / "run.json")


@pytest.mark.parametrize(
    ("text", "told_of"),
    [
        ("inn", "expected JSON: Expecting value: line 1 column 1 (char 0)"),
        ('{"schema": "llmstack.bench", "version": 9}', "expected llmstack.bench version 1, got version 9; llmstack bench --output writes it"),
        ('{"schema": "inn", "version": 1}', "expected results of llmstack.load version 1, got 'inn' version 1; llmstack load --output writes them"),
    ],
)  # fmt: skip
def test_what_is_neither_is_told(tmp_path: Path, text: str, told_of: str) -> None:
    """With the file and what it should be."""
    path = tmp_path / "inn.json"
    path.write_text(text)
    with pytest.raises(ConfigurationError) as error:
        read(path)

    assert f"{path}: {told_of}" == str(error.value)


def test_what_was_interrupted_is_in_no_figure() -> None:
    """But it is said that it was begun."""
    whole = run("inn", 1, 0.1)
    begun = run("inn", 2, 9.0, Outcome(Planned(0.0, 1, 1), 100.0, is_unfinished=True))
    begun["is_interrupted"] = True
    found = comparison_of(document(whole, begun, names=["inn"], is_interrupted=True))

    assert [[1]] == [list(column.runs) for column in found.columns]
    assert "inn in round 2 was interrupted, and is in no figure." in told(found)


def test_runs_of_other_benches_are_no_pairs() -> None:
    """They stand side by side under names of their own, and no difference is told."""
    found = joined([two_rounds(), two_rounds(), run("mill")])

    assert ["inn", "barn", "inn (2)", "barn (2)", "mill"] == names(found)
    assert "They were not measured in turns, so nothing is said of differences." in told(found)
    assert "can be told" not in told(found)


def test_a_summary_is_of_rounds_and_of_all_requests() -> None:
    """Means with intervals of the one, percentiles of the other."""
    found = summary(comparison_of(two_rounds()))

    assert {"mean", "half", "rounds"} == set(found["figures"]["ttft_p50"]["inn"])
    assert 0.1 == pytest.approx(found["figures"]["ttft_p50"]["inn"]["mean"], rel=2e-3)
    assert 0.2 == pytest.approx(found["percentiles"]["ttft"]["barn"]["p99"], rel=2e-3)
    (ttft,) = [each for each in found["differences"] if each["figure"] == "ttft_p50"]
    assert ("barn", "inn", 2) == (ttft["of"], ttft["beside"], ttft["rounds"])
    assert 1.0 == pytest.approx(ttft["share"], rel=1e-2)


def test_rounds_are_told_with_their_intervals() -> None:
    """Each figure with as many decimals as its mean, and what failed with its rounds."""
    runs = [
        run("inn", number, first, *([failed()] if number > 1 else []))
        for number, first in ((1, 0.1), (2, 0.12), (3, 0.11))
    ]
    lines = told(comparison_of(document(*runs, names=["inn"]))).splitlines()
    cells = {line.split("  ")[0]: line.split("  ")[-1].strip() for line in lines}

    assert "110.0 ± 24.8" == cells["TTFT p50, ms"]
    assert ("3", "3", "2") == (cells["rounds"], cells["answered"], cells["failed"])
    assert "  inn: 1 failed, status: 503: full (round 2, 3)" in lines


def test_markdown_has_a_heading_for_each_part() -> None:
    """And tables that are tables."""
    text = told(comparison_of(two_rounds()), markdown=True)

    assert ["## Rounds", "## Beside inn", "## All requests of all rounds"] == [line for line in text.splitlines() if line.startswith("#")]  # fmt: skip
    assert "|  | inn | barn |\n| --- | ---: | ---: |\n" in text
    assert "\n- TTFT p50: barn is 100" in text


def test_the_report_reads_benches_and_runs(tmp_path: Path) -> None:
    """In one table, on one page."""
    write(tmp_path / "bench.json", two_rounds())
    write(tmp_path / "mill.json", run("mill"))
    words = [
        "report",
        str(tmp_path / "bench.json"),
        str(tmp_path / "mill.json"),
        "--html",
        str(tmp_path / "page.html"),
    ]
    done = CliRunner().invoke(main, words, catch_exceptions=False)

    assert 0 == done.exit_code
    assert ["Rounds", "inn", "barn", "mill"] == done.output.splitlines()[0].split()
    assert "mill" in (tmp_path / "page.html").read_text()
