"""What is read at one moment: the figures of each model at each kind of server, and of the GPUs.

A figure that nobody tells is absent. One that is told, and that nothing has happened to, is NaN.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

#: The quantile of all latencies.
QUANTILE = 0.95


class Figure(Enum):
    """What is asked of a model; the value is its name for programs."""

    TTFT = "ttft_p95_seconds"
    TPOT = "tpot_p95_seconds"
    E2E = "e2e_p95_seconds"
    #: For servers that tell sums of durations, and no quantiles.
    E2E_MEAN = "e2e_mean_seconds"
    TOKENS = "tokens_per_second"
    RUNNING = "running"
    WAITING = "waiting"
    KV_CACHE = "kv_cache_ratio"


class Role(Enum):
    """Where a request is counted: an engine and the gateway before it count the same one."""

    ENGINE = "engine"
    GATEWAY = "gateway"


Figures = Mapping[Figure, float]


@dataclass(frozen=True)
class Row:
    """One model at one kind of server, over all its replicas."""

    source: str
    role: Role
    model: str
    figures: Figures

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells it apart, and where it stands: engines first, models by name."""
        return (self.role.value, self.model, self.source)


@dataclass(frozen=True)
class Gpus:
    """The GPUs that tell their power."""

    count: int
    watts: float


@dataclass(frozen=True)
class Problem:
    """What is wrong with one server."""

    server: str
    text: str


@dataclass(frozen=True)
class Reading:
    """Everything that was read at one moment."""

    rows: tuple[Row, ...] = ()
    #: None where no GPU tells its power.
    gpus: Gpus | None = None
    problems: tuple[Problem, ...] = ()
    #: What rates and quantiles are over, in words.
    over: str = ""
    #: Whether counters were seen for the first time, so that there are no rates yet.
    is_first: bool = False

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing could be read."""
        return not self.rows and self.gpus is None

    @property
    def tokens_per_second(self) -> float | None:
        """Tokens that all engines write; None where none of them tells."""
        told = [
            row.figures[Figure.TOKENS]
            for row in self.rows
            if row.role is Role.ENGINE and Figure.TOKENS in row.figures
        ]
        return sum(told) if told else None


def rows_in_order(rows: Iterable[Row]) -> tuple[Row, ...]:
    """Return rows so that none changes its place from one reading to the next."""
    return tuple(sorted(rows, key=lambda row: row.key))


@dataclass
class Rows:
    """Rows as they are found figure by figure."""

    role: Role
    source: str
    _found: dict[str, dict[Figure, float]] = field(default_factory=dict)

    def add(self, model: str, figure: Figure, value: float) -> None:
        """Take a figure of a model."""
        self._found.setdefault(model, {})[figure] = value

    def rows(self) -> list[Row]:
        """Return what was found."""
        return [
            Row(self.source, self.role, model, figures) for model, figures in self._found.items()
        ]
