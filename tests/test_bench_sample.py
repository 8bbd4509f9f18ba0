"""The measurements of tests/bench run from end to end on a small fleet, and keep each other's results."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from llmdash.build import Build, panels_of
from llmdash.checks.parsed import metric_names, parsed
from tests.bench.backfill import Stretch, levels
from tests.bench.cost import PROMISED, SMALL, built_in_full, measure
from tests.bench.cost_report import report
from tests.bench.fleet_of_servers import Fleet, write_openmetrics
from tests.bench.queries import Answer, Key, difference, pages_over_recordings
from tests.bench.results import Row, Section, with_section
from tests.prometheus_tools import MAJORS, PrometheusTools, tools_of_major
from tests.requirements import require

FEW = Fleet(replicas=4, models=2, gpus=16)
MOMENTS = range(1_000_000, 1_000_300, 30)
HEADS = ("what", "measured", "against", "ratio")


@pytest.fixture
def newest() -> PrometheusTools:
    tools = tools_of_major(max(MAJORS))
    if tools.prometheus is None:
        require(f"prom{max(MAJORS)}", f"no prometheus beside {tools.promtool}")
    return tools


@pytest.fixture(scope="module")
def built() -> Build:
    return built_in_full()


def written(file: Path, build: Build, fleet: Fleet) -> dict[str, list[float]]:
    """The values of each series in a file of a made fleet."""
    count = write_openmetrics(file, build, fleet, MOMENTS, MOMENTS.start)
    found: dict[str, list[float]] = {}
    *lines, last = file.read_text().splitlines()
    for line in lines:
        series, value, _ = line.rsplit(" ", 2)
        found.setdefault(series, []).append(float(value))

    assert "# EOF" == last
    assert count == len(found)
    assert {len(MOMENTS)} == {len(values) for values in found.values()}
    return found


@pytest.mark.promtool
def test_a_small_fleet_keeps_every_promise(
    newest: PrometheusTools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Recorded pages cost a hundredth of raw ones and show the same; nothing is left on the disk."""
    monkeypatch.setenv("LLMDASH_BENCH_DIR", str(tmp_path))
    measured = measure(SMALL, newest)
    section = report(measured, newest)

    assert section.is_kept, str(section)
    assert PROMISED[0] in measured.raw
    assert measured.raw.keys() <= measured.recorded.keys() == measured.large.keys()
    assert 0 < measured.fleet_series <= measured.recorded_series < measured.raw_series
    assert [] == list(tmp_path.iterdir())


def test_a_made_fleet_counts_as_servers_do(built: Build, tmp_path: Path) -> None:
    """Counters rise, a bucket holds all below it, the last one is the count, and gauges move."""
    found = written(tmp_path / "fleet.om", built, FEW)
    server = 'instance="vllm-3:8000",job="vllm",namespace="serving",pod="replica-3"'
    family = "vllm:time_to_first_token_seconds"
    of_server = [(s, v) for s, v in found.items() if s.startswith(family) and server in s]
    buckets = [values for series, values in of_server if "_bucket{" in series]
    counts = [values for series, values in of_server if "_count{" in series]
    running = [v for s, v in found.items() if s.startswith("vllm:num_requests_running")]

    assert 23 == len(buckets)
    assert [buckets[-1]] == counts
    assert all(values[0] < values[-1] for values in buckets[3:])
    assert all(values == sorted(values) for values in buckets)
    assert all(list(column) == sorted(column) for column in zip(*buckets, strict=True))
    assert 4 == len(running)
    assert all(min(values) < max(values) for values in running)


def test_a_later_stretch_goes_on_where_one_ended(built: Build, tmp_path: Path) -> None:
    """Blocks are written apart, and yet no counter falls back between two."""
    first, second = (tmp_path / name for name in ("first.om", "second.om"))
    half = len(MOMENTS) // 2
    for file, moments in ((first, MOMENTS[:half]), (second, MOMENTS[half:])):
        write_openmetrics(file, built, FEW, moments, MOMENTS.start)
    apart = sorted((first.read_text() + second.read_text()).splitlines())
    write_openmetrics(first, built, FEW, MOMENTS, MOMENTS.start)

    assert sorted([*first.read_text().splitlines(), "# EOF"]) == apart


def test_a_larger_fleet_has_as_many_series_a_server(built: Build, tmp_path: Path) -> None:
    """Ten times the servers are ten times the series: nothing is shared, nothing left out."""
    file = tmp_path / "fleet.om"
    few = written(file, built, FEW)
    many = written(file, built, Fleet(FEW.replicas * 10, FEW.models, FEW.gpus * 10))

    assert 10 * len(few) == len(many)


def test_each_level_reads_only_those_before(built: Build) -> None:
    """Every recording is in one level, and what it reads of others was recorded in an earlier one."""
    known: set[str] = set()
    places = 0
    found = list(levels(built))
    for level in found:
        rules = [rule for group in level["groups"] for rule in group["rules"]]
        # What a rule reads of itself is of the evaluation before.
        read = {
            name
            for rule in rules
            for name in metric_names(parsed(rule["expr"]))
            if name != rule["record"]
        }

        assert read & built.recorded_names() <= known
        known |= {rule["record"] for rule in rules}
        places += len(rules)
    assert sum("record" in rule for _, rule in built.rule_items()) == places
    # GPUs have models by a recording over a recording.
    assert len(found) >= 3


def test_pages_are_asked_as_they_are_built(built: Build) -> None:
    """The queries that are measured are those of the built file, with everything chosen."""
    stretch = Stretch(0, 21_570, 30)
    dashboards = {content["uid"]: content for content in built.dashboards.values()}
    for page in pages_over_recordings(built, stretch):
        targets = [t for p in panels_of(dashboards[page.uid]) for t in p.get("targets", ())]
        of_file = {(re.sub(r"\$\w+", ".*", t["expr"]), bool(t.get("instant"))) for t in targets}

        if page.uid == PROMISED[0]:
            assert of_file == {(query.recorded, query.is_instant) for query in page.queries}
        assert len(targets) == len(page.queries)
        assert not [q.place for q in page.queries if re.search(r"\bllm(_instance)?:", q.raw or "")]


def test_a_stretch_falls_into_whole_blocks() -> None:
    """No sample is in two windows, none is lost, and none of one block is in another's window."""
    stretch = Stretch(start=7200 - 90, end=3 * 7200 - 30, step=30)
    windows = stretch.windows()

    assert list(stretch.moments()) == [moment for window in windows for moment in window]
    assert [{0}, {1}, {2}] == [{moment // 7200 for moment in window} for window in windows]
    assert range(3 * 7200 - 60, 3 * 7200 - 29, 30) == stretch.last(60).moments()


def test_series_that_one_way_lacks_are_said() -> None:
    """A page that shows other series over raw data is no proof, whatever it cost."""
    key: Key = (("model", "m"),)
    one, other = ({"p: q": Answer(1, 1.0, means)} for means in ({key: 4.0}, {key: 5.0}))

    assert 0.2 == pytest.approx(difference(one, other))
    with pytest.raises(ValueError, match="p: q: 1 series recorded, 0 raw"):
        difference(one, {"p: q": Answer(1, 1.0, {})})


def section_of(title: str, *, kept: bool = True) -> Section:
    return Section(title, f"About {title}.", HEADS, [Row("a", "1", "2", "3", "under 4", kept)])


def test_a_run_keeps_the_other_section() -> None:
    """A section replaces the one of its title, in its place, and no other."""
    page = with_section(with_section("", section_of("First")), section_of("Second"))
    again = with_section(page, section_of("First", kept=False))

    assert page == with_section(page, section_of("Second"))
    assert again == page.replace("under 4 | yes", "under 4 | NO", 1)
    assert ["# Measurements", "## First", "## Second"] == [
        line for line in again.splitlines() if line.startswith("#")
    ]


def test_a_broken_promise_fails_the_section() -> None:
    """What is only told can break no promise."""
    assert section_of("First").is_kept
    assert not section_of("First", kept=False).is_kept
    assert "| a | 1 | 2 | 3 | | |" == Row("a", "1", "2", "3").line
