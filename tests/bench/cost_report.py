"""What was measured, said as a table and held against what is promised."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

from tests.bench.cost import PROMISED, REPEATS, Measured
from tests.bench.queries import Answer, difference, step_of
from tests.bench.results import Row, Section
from tests.prometheus_tools import PrometheusTools

#: How much means may differ: recordings are evaluated up to an interval before a graph asks.
LIKENESS = 0.05


def report(measured: Measured, tools: PrometheusTools) -> Section:
    """Return the section of the page."""
    size, stretch = measured.size, measured.stretch
    version = ".".join(str(part) for part in tools.version)
    return Section(
        "Cost at scale",
        f"Written by `make bench-cost`: {size.fleet}, {stretch.seconds / 3600:g} h at "
        f"{stretch.step} s, made with promtool and asked of Prometheus {version}. A refresh is every "
        "query of a page once, one after the other, graphs over the whole range with a point "
        f"every {step_of(stretch)} s, stats and tables at its end; samples are those that "
        "Prometheus counts (`stats=all`), seconds are the client's, those over recordings and of an "
        f"evaluation the median of {REPEATS}. Against it stand, of the pages that promise it, the same panels with their "
        "recordings expanded by `llmdash.expansion`, asked once in the same run: they must return "
        f"the same series, with means over the later half that differ by less than {LIKENESS:.0%}. Of "
        f"{size.large.replicas:,} replicas {size.large_seconds // 60} minutes are written of all that "
        "recordings read, and recorded; then those recorded series over the whole range.",
        ("what", "measured", "against", "ratio"),
        [*_page_rows(measured), *_large_rows(measured), *_recording_rows(measured)],
    )


def _page_rows(measured: Measured) -> Iterator[Row]:
    for uid, refreshes in measured.recorded.items():
        samples, seconds = _samples_of(refreshes[0]), _median_seconds(refreshes)
        answered = sum(bool(answer.means) for answer in refreshes[0].values())
        of = f"a refresh of `{uid}`, {answered} of {len(refreshes[0])} queries with data"
        if uid not in measured.raw:
            yield Row(f"samples of {of}", f"{samples:,}", "", "")
            yield Row("seconds of it", f"{seconds:.2f}", "", "")
            continue
        raw = measured.raw[uid]
        raw_samples, raw_seconds = _samples_of(raw), _seconds_of(raw)
        yield Row(
            f"samples of {of}",
            f"{samples:,}",
            f"{raw_samples:,} raw",
            f"1/{raw_samples / samples:.0f}",
            "at most 1/100",
            samples * 100 <= raw_samples,
        )
        yield Row(
            "seconds of it",
            f"{seconds:.2f}",
            f"{raw_seconds:.1f} raw",
            f"1/{raw_seconds / seconds:.0f}",
        )
        worst = difference(refreshes[0], raw)
        yield Row(
            "greatest difference of a mean that it shows",
            f"{worst:.1%}",
            "raw",
            "",
            f"under {LIKENESS:.0%}",
            worst < LIKENESS,
        )


def _large_rows(measured: Measured) -> Iterator[Row]:
    size = measured.size
    for uid, refreshes in measured.large.items():
        usual = measured.recorded[uid]
        samples, usual_samples = _samples_of(refreshes[0]), _samples_of(usual[0])
        yield Row(
            f"samples of a refresh of `{uid}`, {size.large.replicas:,} replicas",
            f"{samples:,}",
            f"{usual_samples:,} of {size.fleet.replicas:,}",
            f"{samples / usual_samples:.2f}",
            "at most 1.1" if uid in PROMISED else "",
            samples <= 1.1 * usual_samples or uid not in PROMISED,
        )
        seconds, usual_seconds = _median_seconds(refreshes), _median_seconds(usual)
        yield Row(
            "seconds of it",
            f"{seconds:.2f}",
            f"{usual_seconds:.2f} of {size.fleet.replicas:,}",
            f"{seconds / usual_seconds:.2f}",
        )
    yield Row(
        f"`llm:*` series of {size.large}, those of whole hours left out",
        f"{measured.large_fleet_series:,}",
        f"{measured.prompt_fleet_series:,} of {size.fleet.replicas:,} replicas",
        f"{measured.large_fleet_series / measured.prompt_fleet_series:.2f}",
        "as many",
        measured.large_fleet_series == measured.prompt_fleet_series,
    )


def _recording_rows(measured: Measured) -> Iterator[Row]:
    share = measured.evaluation / measured.interval
    yield Row(
        "seconds of one evaluation of all recordings",
        f"{measured.evaluation:.2f}",
        f"{measured.interval:g} between two",
        f"{share:.1%}",
        "under 10%",
        share < 0.1,
    )
    share = measured.recorded_series / measured.raw_series
    yield Row(
        "recorded series",
        f"{measured.recorded_series:,}, of them {measured.fleet_series:,} `llm:*`",
        f"{measured.raw_series:,} raw that rules and pages read",
        f"{share:.1%}",
        "under 10%",
        share < 0.1,
    )


def _samples_of(answers: dict[str, Answer]) -> int:
    return sum(answer.samples for answer in answers.values())


def _seconds_of(answers: dict[str, Answer]) -> float:
    return sum(answer.seconds for answer in answers.values())


def _median_seconds(refreshes: Sequence[dict[str, Answer]]) -> float:
    return statistics.median(_seconds_of(answers) for answers in refreshes)
