"""A comparison in words: tables, differences and remarks, for a terminal and as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from llmstack.load.bench.columns import Column, Comparison
from llmstack.load.bench.differences import differences, explained
from llmstack.load.bench.figures import Figure
from llmstack.load.bench.own_figures import own_rows
from llmstack.load.bench.pooled import percentiles, pooled
from llmstack.load.bench.student import CONFIDENCE
from llmstack.load.comparison import unlike
from llmstack.load.results import Document
from llmstack.load.summary import LATENCIES, milliseconds
from llmstack.load.tables import as_markdown, as_text

#: A name and a cell for each column.
Row = tuple[str, Sequence[str]]
_PERCENTS = (50, 90, 95, 99)
#: Of the tokens of prompts: with more of them found in a cache, a server has less to do.
_REMEMBERED = 0.01


def told(comparison: Comparison, *, markdown: bool = False) -> str:
    """Return it as text, or as Markdown."""
    lines: list[str] = []
    if doubted := doubts(comparison):
        lines += ["", f"**{doubted}**" if markdown else doubted]
    for section in sections(comparison):
        lines += ["", *_section(section, markdown)]
    return "\n".join(lines[1:])


def doubts(comparison: Comparison) -> str:
    """Say how many runs are not to be trusted; nothing where all are."""
    runs = comparison.runs
    many = sum(not run["client"]["is_trusted"] for run in runs)
    if not many:
        return ""
    return f"NOT TO BE TRUSTED: {many} of {len(runs)} runs, and the remarks say why"


class Section:
    """A part of what is told: a heading, a table or lines, and what explains them."""

    def __init__(
        self, title: str, heads: Sequence[str], rows: Sequence[Row], lines: Sequence[str], note: str
    ) -> None:
        """Hold them; a section has rows or lines."""
        self.title, self.heads, self.rows = title, heads, rows
        self.lines, self.note = lines, note


def sections(comparison: Comparison) -> list[Section]:
    """Return the parts of what is told, those alone that say something."""
    columns = comparison.columns
    heads = ["", *(column.name for column in columns)]
    found = differences(comparison)
    beside = columns[0].name if columns else ""
    made = (
        Section("Rounds", heads, list(_rows(comparison)), (), _about_rounds(comparison)),
        Section(
            f"Beside {beside}",
            (),
            (),
            [each.told() for each in found] or _why_none(comparison),
            explained(found) if found else "",
        ),
        Section(
            "All requests of all rounds",
            heads,
            list(_pooled_rows(columns)) if comparison.rounds > 1 else (),
            (),
            "Percentiles of the rounds' histograms added up, in milliseconds.",
        ),
        Section(
            "What the servers counted themselves",
            heads,
            own_rows(columns),
            (),
            "Of whole runs, with warm-up and failed requests. In milliseconds; a quantile is known "
            "to its bucket, which stands behind it, and so is what is left of the client's.",
        ),
        Section("Remarks", (), (), list(remarks(comparison)), ""),
    )
    return [section for section in made if section.rows or section.lines]


def _section(section: Section, markdown: bool) -> list[str]:
    heads = [section.title if not markdown else "", *section.heads[1:]]
    rows = [[name, *cells] for name, cells in section.rows]
    note = [section.note] if section.note else []
    if not markdown:
        if rows:
            return [*as_text(heads, rows), *note]
        return [f"{section.title}:", *(f"  {line}" for line in section.lines), *note]
    body = as_markdown(heads, rows) if rows else [f"- {line}" for line in section.lines]
    return [f"## {section.title}", "", *body, *(["", *note] if note else [])]


def _about_rounds(comparison: Comparison) -> str:
    rounds = comparison.rounds
    order = f" Order: {comparison.order}." if comparison.order else ""
    if rounds < 2:
        return f"One round each: how much a figure would vary is not known.{order}"
    return (
        f"Each is the mean of what {rounds} rounds had, ± half of its {CONFIDENCE:.0%} interval "
        f"(Student's t over rounds).{order}"
    )


def _why_none(comparison: Comparison) -> list[str]:
    if len(comparison.columns) < 2 or not comparison.is_paired:
        return []
    return ["no difference can be told: there are not two rounds in which both were measured"]


def _rows(comparison: Comparison) -> Iterator[Row]:
    columns = comparison.columns

    def each(cell: Callable[[Document], object]) -> list[str]:
        return [_alike(cell(run) for run in column.runs.values()) for column in columns]

    def sum_of(cell: Callable[[Document], int]) -> list[str]:
        return [f"{sum(cell(run) for run in column.runs.values()):,}" for column in columns]

    yield "server", each(lambda run: f"{run['target']['api']}, {run['target']['model']}")
    if comparison.rounds > 1:
        yield "rounds", [f"{len(column.runs)}" for column in columns]
    yield "to be trusted", [_trusted(column) for column in columns]
    yield "answered", sum_of(lambda run: int(run["requests"]["answered"]))
    yield "failed", sum_of(lambda run: int(run["requests"]["failed"]))
    for figure in comparison.figures():
        yield figure.title, [cell(column, figure) for column in columns]
    objectives = [o["objective"] for run in comparison.runs for o in run["objectives"]]
    for objective in dict.fromkeys(objectives):
        yield objective, [_held(column, objective) for column in columns]


def cell(column: Column, figure: Figure) -> str:
    """Return a figure of a server as it is shown, with its interval."""
    found = column.interval(figure)
    if found is None:
        return "-"
    if found.half is None:
        return figure.shown(found.mean)
    return f"{figure.shown(found.mean)} ± {figure.shown(found.half, found.mean)}"


def _alike(values: Iterator[object]) -> str:
    return " / ".join(dict.fromkeys(map(str, values))) or "-"


def _trusted(column: Column) -> str:
    runs = column.runs.values()
    good = sum(run["client"]["is_trusted"] for run in runs)
    if good == len(runs):
        return "yes" if runs else "-"
    return "NO" if len(runs) == 1 else f"NO, {len(runs) - good} of {len(runs)}"


def _held(column: Column, objective: str) -> str:
    held = [
        each["is_held"]
        for run in column.runs.values()
        for each in run["objectives"]
        if each["objective"] == objective
    ]
    if not held:
        return "-"
    return "held" if all(held) else f"NOT HELD{f' in {held.count(False)}' if len(held) > 1 else ''}"


def _pooled_rows(columns: Sequence[Column]) -> Iterator[Row]:
    for metric in ("ttft", "itl", "tpot", "e2e"):
        found = [pooled(column.runs.values(), metric) for column in columns]
        if not any(found):
            continue
        cells = [
            ["-"] * len(_PERCENTS)
            if each is None
            else [milliseconds(value) for value in percentiles(each, _PERCENTS)]
            for each in found
        ]
        for place, percent in enumerate(_PERCENTS):
            yield f"{LATENCIES[metric]} p{percent}", [one[place] for one in cells]


def remarks(comparison: Comparison) -> Iterator[str]:
    """Yield what has to be known beside the figures: what failed, what is not to be trusted."""
    yield from comparison.remarks
    many = comparison.rounds > 1
    said: dict[str, list[str]] = {}
    for column in comparison.columns:
        for number, run in column.runs.items():
            for text in _of_run(column.name, run):
                said.setdefault(text, []).append(str(number))
    for text, numbers in said.items():
        yield f"{text} (round {', '.join(numbers)})" if many else text
    each = [column.any_run for column in comparison.columns]
    yield from unlike([run for run in each if run is not None])


def _of_run(name: str, run: Document) -> Iterator[str]:
    for each in run["failures"]:
        yield f"{name}: {each['count']:,} failed, {each['kind']}: {each['example']}"
    for doubt in run["client"]["doubts"]:
        yield f"{name} is not to be trusted: {doubt}"
    found = run.get("server_side", {}).get("prefix_cache_hit_ratio")
    if found is not None and found > _REMEMBERED:
        yield (
            f"{name} had {found:.0%} of the prompts' tokens in its prefix cache: those that have "
            "no prefix in common (--prefix-share) it has seen before, by the same --seed"
        )
    for note in run.get("bench", {}).get("notes", ()):
        yield f"{name}: {note}"
