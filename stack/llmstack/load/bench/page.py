"""A comparison as one page of HTML: tables, differences and plots, with nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.resources import files
from shlex import join
from xml.etree.ElementTree import Element

from llmstack.load.bench.columns import Column, Comparison
from llmstack.load.bench.differences import differences
from llmstack.load.bench.elements import element, markup
from llmstack.load.bench.plots import interval_plot, legend, percentile_plot, series, time_plot
from llmstack.load.bench.told import Row, Section, doubts, sections
from llmstack.load.results import Document
from llmstack.load.summary import milliseconds

_METRICS = ("ttft", "itl", "e2e")
_KIND_FIGURES = (("ttft", "p50"), ("ttft", "p95"), ("e2e", "p50"), ("e2e", "p95"))


def page(comparison: Comparison, found: Document) -> str:
    """Return the page.

    Args:
        comparison: what is shown.
        found: where it comes from, for what is said of when and how it was measured.
    """
    names = ", ".join(column.name for column in comparison.columns)
    parts = sections(comparison)
    remarks = [section for section in parts if section.title == "Remarks"]
    rest = [section for section in parts if section.title != "Remarks"]
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", f"{names}: the same load"),
        element("style", files(__package__).joinpath("style.css").read_text("utf-8")),
    )
    body = element(
        "body",
        element("h1", f"{names}: the same load"),
        element("p", _when(comparison, found), class_="note"),
        *_doubts(comparison),
        *(each for section in rest for each in _section(section, comparison)),
        *_plots(comparison),
        *_kinds(comparison.columns),
        *(each for section in remarks for each in _section(section, comparison)),
        element("h2", "How it was measured"),
        element("pre", join(found.get("command", []))),
        element("p", _environment(found), class_="note"),
    )
    return "<!DOCTYPE html>\n" + markup(element("html", head, body, lang="en")) + "\n"


def _when(comparison: Comparison, found: Document) -> str:
    plans = dict.fromkeys(
        f"{run['load']['plan']}, {run['load']['loop']} loop" for run in comparison.runs
    )
    return f"{found.get('started', '')}; {'; '.join(plans)}"


def _environment(found: Document) -> str:
    on = found.get("environment", {})
    packages = ", ".join(f"{name} {number}" for name, number in on.get("packages", {}).items())
    return f"Python {on.get('python')}, {on.get('system')}, {on.get('cores')} cores; {packages}"


def _doubts(comparison: Comparison) -> Iterator[Element]:
    if doubted := doubts(comparison):
        yield element("p", doubted, class_="doubt")


def _section(section: Section, comparison: Comparison) -> Iterator[Element]:
    yield element("h2", section.title)
    if section.rows:
        yield _table(section.heads, section.rows)
    else:
        told = {each.told() for each in differences(comparison) if each.is_told}
        items = [
            element("li", line, **({"class_": "told"} if line in told else {}))
            for line in section.lines
        ]
        yield element("ul", *items)
    if section.note:
        yield element("p", section.note, class_="note")


def _table(heads: Sequence[str], rows: Sequence[Row]) -> Element:
    top = element("tr", *(element("th", head, scope="col") for head in heads))
    body = [
        element("tr", element("th", name, scope="row"), *(element("td", cell) for cell in cells))
        for name, cells in rows
    ]
    table = element("table", element("thead", top), element("tbody", *body))
    return element("div", table, class_="scroll")


def _plots(comparison: Comparison) -> Iterator[Element]:
    columns = comparison.columns
    curves = [plot for metric in _METRICS if (plot := percentile_plot(columns, metric)) is not None]
    if curves:
        yield element("h2", "Latency over percentiles")
        yield legend(columns)
        yield element("div", *curves, class_="plots")
    wanted = [f"{metric}_p{percent}" for metric in _METRICS for percent in (50, 95)]
    wanted += ["tokens", "joules_a_token"]
    figures = [figure for figure in comparison.figures() if figure.key in wanted]
    intervals = [plot for figure in figures if (plot := interval_plot(columns, figure)) is not None]
    if intervals:
        many = comparison.rounds > 1
        yield element("h2", "Figures with their intervals" if many else "Figures")
        if many:
            told = "A dot is the mean of rounds, a bar its interval of 95 %, a ring one round."
            yield element("p", told, class_="note")
        yield element("div", *intervals, class_="plots")
    points = [point for run in comparison.runs for point in series(run)]
    longest, most = max((at for at, _ in points), default=0), max((v for _, v in points), default=0)
    over_time = [
        plot
        for number, column in enumerate(columns)
        if most and (plot := time_plot(column, number, most, longest)) is not None
    ]
    if over_time:
        yield element("h2", "Throughput over time")
        if comparison.rounds > 1:
            yield element("p", "A line a round; the first is unbroken.", class_="note")
        yield element("div", *over_time, class_="plots")


def _kinds(columns: Sequence[Column]) -> Iterator[Element]:
    """Yield a table of kinds of prompts: of each server's rounds the mean of each figure."""
    kinds = dict.fromkeys(
        kind for column in columns for run in column.runs.values() for kind in run["kinds"]
    )
    if not kinds:
        return
    yield element("h2", "Kinds of prompts")
    heads = ["kind, server", "answered", "failed", *(f"{m.upper()} {p}" for m, p in _KIND_FIGURES)]
    rows: list[Row] = []
    for kind in kinds:
        for column in columns:
            parts = [run["kinds"][kind] for run in column.runs.values() if kind in run["kinds"]]
            counts = [
                f"{sum(part['requests'][name] for part in parts):,}"
                for name in ("answered", "failed")
            ]
            cells = [_mean(parts, metric, name) for metric, name in _KIND_FIGURES]
            rows.append((f"{kind}, {column.name}", [*counts, *cells]))
    yield _table(heads, rows)
    yield element("p", "Means of what each round had, in milliseconds.", class_="note")


def _mean(parts: Sequence[Document], metric: str, name: str) -> str:
    found = [part["latency"][metric][name] for part in parts if metric in part["latency"]]
    return milliseconds(sum(found) / len(found)) if found else "-"
