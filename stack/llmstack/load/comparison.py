"""Several runs in one table, as text or Markdown; what makes them unlike is said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from llmstack.load import tables
from llmstack.load.results import Document
from llmstack.load.summary import LATENCIES, milliseconds

_Row = tuple[str, Sequence[str]]
#: Of each latency, what is told.
_FIGURES = {
    "ttft": ("p50", "p95", "p99"),
    "itl": ("p50", "p95", "p99"),
    "tpot": ("p50", "p95"),
    "e2e": ("p50", "p95", "p99"),
}
#: What should be alike in runs that are compared: where it stands in the results.
_ALIKE = (("load", "plan"), ("load", "loop"), ("load", "concurrency"), ("target", "is_stream"))
_BAR = 40


def compared(runs: Sequence[Document], *, as_markdown: bool = False) -> str:
    """Return a table with a column for each run, and a chart of their first tokens."""
    heads = ["", *(str(run["name"]) for run in runs)]
    rows = [[name, *cells] for name, cells in _rows(runs)]
    table = tables.as_markdown(heads, rows) if as_markdown else tables.as_text(heads, rows)
    chart = list(_chart(runs))
    if as_markdown and chart:
        chart = ["```", *chart, "```"]
    remarks = [*_failures(runs), *unlike(runs), *_doubts(runs)]
    return "\n".join(
        [*table, *(("", *chart) if chart else ()), *(("", *remarks) if remarks else ())]
    )


def _rows(runs: Sequence[Document]) -> Iterator[_Row]:
    yield "server", [f"{run['target']['api']}, {run['target']['model']}" for run in runs]
    yield "to be trusted", ["yes" if run["client"]["is_trusted"] else "NO" for run in runs]
    yield "answered", [f"{run['requests']['answered']:,}" for run in runs]
    yield "failed", [f"{run['requests']['failed']:,}" for run in runs]
    yield "requests/s", [f"{run['rates']['requests']:,.2f}" for run in runs]
    yield "tokens/s written", [f"{run['rates']['answer_tokens']:,.1f}" for run in runs]
    for metric, figures in _FIGURES.items():
        for figure in figures:
            found = [run["latency"].get(metric, {}).get(figure) for run in runs]
            if any(each is not None for each in found):
                yield f"{LATENCIES[metric]} {figure}, ms", list(map(milliseconds, found))
    if any(run["objectives"] for run in runs):
        yield "goodput, requests/s", [_optional(run["rates"]["good_requests"]) for run in runs]
    for name in dict.fromkeys(each["objective"] for run in runs for each in run["objectives"]):
        yield name, [_held(run, name) for run in runs]


def _optional(found: float | None) -> str:
    return "-" if found is None else f"{found:,.2f}"


def _held(run: Document, name: str) -> str:
    for each in run["objectives"]:
        if each["objective"] == name:
            return "held" if each["is_held"] else "NOT HELD"
    return "-"


def _chart(runs: Sequence[Document]) -> Iterator[str]:
    """Yield bars of the first token at p50 and p95, or of whole answers where there is none."""
    metric = "ttft" if all("ttft" in run["latency"] for run in runs) else "e2e"
    found = [run["latency"].get(metric) for run in runs]
    most = max((each["p95"] for each in found if each), default=0.0)
    if not most:
        return
    width = max(len(str(run["name"])) for run in runs)
    yield f"{LATENCIES[metric]}, ms: # to p50, - to p95"
    for run, each in zip(runs, found, strict=True):
        if each is None:
            continue
        middle, far = (round(_BAR * each[name] / most) for name in ("p50", "p95"))
        bar = "#" * middle + "-" * (far - middle)
        told = f"{milliseconds(each['p50'])}, {milliseconds(each['p95'])}"
        yield f"{run['name']!s:<{width}}  {bar:<{_BAR}}  {told}"


def _failures(runs: Sequence[Document]) -> Iterator[str]:
    for run in runs:
        for each in run["failures"]:
            yield f"{run['name']}: {each['count']:,} failed, {each['kind']}: {each['example']}"


def unlike(runs: Sequence[Document]) -> Iterator[str]:
    """Yield what should be alike in runs that are compared, and is not."""
    for part, name in _ALIKE:
        found: dict[str, Any] = {str(run["name"]): run[part].get(name) for run in runs}
        if len(set(map(str, found.values()))) > 1:
            told = ", ".join(f"{each} {value}" for each, value in found.items())
            yield f"Not alike in {name}: {told}."
    rules = {str(run["name"]): " and ".join(run["tokens"]["counted"]) for run in runs}
    if len(set(rules.values())) > 1:
        told = ", ".join(f"{each} by {rule}" for each, rule in rules.items())
        yield f"Tokens were not timed alike: {told}."


def _doubts(runs: Sequence[Document]) -> Iterator[str]:
    for run in runs:
        for doubt in run["client"]["doubts"]:
            yield f"{run['name']} is not to be trusted: {doubt}."
