"""Servers side by side: of each the runs, by round; made of a bench, or of runs one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from llmstack.load.bench.figures import FIGURES, Figure
from llmstack.load.bench.student import Interval, interval
from llmstack.load.results import Document


@dataclass(frozen=True)
class Column:
    """One server."""

    name: str
    #: By number of the round, those that were whole.
    runs: Mapping[int, Document]

    def interval(self, figure: Figure) -> Interval | None:
        """Return the mean of a figure over rounds, and its interval."""
        found = (figure.of(run) for run in self.runs.values())
        return interval([each for each in found if each is not None])

    @property
    def any_run(self) -> Document | None:
        """One of its runs; None where there is none."""
        return next(iter(self.runs.values()), None)


@dataclass(frozen=True)
class Comparison:
    """All of them."""

    columns: Sequence[Column]
    #: Whether runs of one round were of the same requests, so that they can be paired.
    is_paired: bool = False
    #: What is said beside: of how it was measured, and of what went wrong.
    remarks: Sequence[str] = ()
    #: In words: the order of rounds.
    order: str = ""

    @property
    def rounds(self) -> int:
        """How many rounds there are at the most."""
        return max((len(column.runs) for column in self.columns), default=0)

    @property
    def runs(self) -> list[Document]:
        """All runs, by column."""
        return [run for column in self.columns for run in column.runs.values()]

    def figures(self) -> list[Figure]:
        """Return the figures that some run has."""
        return [
            figure for figure in FIGURES if any(figure.of(run) is not None for run in self.runs)
        ]


def of_runs(runs: Sequence[Document]) -> Comparison:
    """Return runs as columns of one round each."""
    return Comparison([Column(str(run["name"]), {1: run}) for run in runs])
