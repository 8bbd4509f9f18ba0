"""The figures of a run that are compared: where each stands, and how it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from llmstack.load.results import Document
from llmstack.load.summary import LATENCIES

#: Of the requests of a run: with more failed ones, the latencies are of those that were let in.
MOST_FAILED = 0.01


@dataclass(frozen=True)
class Figure:
    """One of them."""

    key: str
    title: str
    #: Where it stands in the results of a run.
    path: tuple[str, ...]
    #: What it is multiplied with to be shown, and decimals; None for those that mean something.
    factor: float = 1.0
    decimals: int | None = None
    #: What one says of a server whose figure is higher, and lower.
    higher: str = "higher"
    lower: str = "lower"
    #: Whether servers are compared in it; others are told only. Few are, as each that is makes it
    #: likelier that one differs by chance; and the p99 of a round rests on few requests.
    is_compared: bool = False
    is_latency: bool = False

    def of(self, run: Document) -> float | None:
        """Return it; None where a run has none."""
        found: Any = run
        for name in self.path:
            found = found.get(name) if isinstance(found, dict) else None
        return None if found is None else float(found)

    def shown(self, value: float, beside: float | None = None) -> str:
        """Return it as it is shown, with as many decimals as what stands beside it."""
        decimals = self.decimals
        if decimals is None:
            size = abs(value if beside is None else beside) * self.factor
            decimals = 0 if size >= 1000 else 1 if size >= 10 else 2 if size >= 1 else 4
        return f"{value * self.factor:,.{decimals}f}"

    def compared(self, run: Document) -> float | None:
        """Return it where it can be compared: refusing requests makes no server faster."""
        requests = run["requests"]
        ended = requests["answered"] + requests["failed"]
        if self.is_latency and requests["failed"] > MOST_FAILED * ended:
            return None
        return self.of(run)


def _latencies() -> tuple[Figure, ...]:
    return tuple(
        Figure(
            f"{metric}_p{percent}",
            f"{LATENCIES[metric]} p{percent}, ms",
            ("latency", metric, f"p{percent}"),
            factor=1000,
            higher="slower",
            lower="faster",
            is_compared=percent != 99 and metric != "tpot",
            is_latency=True,
        )
        for metric in ("ttft", "itl", "tpot", "e2e")
        for percent in (50, 95, 99)
    )


FIGURES: tuple[Figure, ...] = (
    Figure("requests", "requests/s", ("rates", "requests"), decimals=2),
    Figure("tokens", "tokens/s written", ("rates", "answer_tokens"), decimals=1, is_compared=True),
    Figure(
        "goodput", "goodput, requests/s", ("rates", "good_requests"), decimals=2, is_compared=True
    ),
    *_latencies(),
    Figure(
        "outside",
        "client less server TTFT, mean, ms",
        ("server_side", "client_less_server", "mean"),
        factor=1000,
    ),
    Figure("joules", "J in all", ("energy", "joules")),
    Figure("watts", "W in the mean", ("energy", "watts")),
    Figure(
        "joules_a_token",
        "J per token",
        ("energy", "joules_a_token"),
        is_compared=True,
    ),
    Figure(
        "tokens_a_second_and_watt",
        "tokens/s/W",
        ("energy", "tokens_a_second_and_watt"),
    ),
)
