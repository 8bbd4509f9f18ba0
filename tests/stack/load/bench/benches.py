"""Runs whose figures are written down, and benches made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from llmstack.load.bench.columns import Column, Comparison
from llmstack.load.outcome import Outcome
from llmstack.load.results import Document
from tests.stack.load.made import answered, results


def run(name: str, number: int = 1, first: float = 0.5, *others: Outcome, **more: Any) -> Document:
    """A run of one answer with a first token after so many seconds, and of what else there was."""
    made = results(answered(first=first), *others, name=name, **more)
    made["bench"] = {"round": number, "seed": number, "notes": []}
    return made


def bench(firsts: Mapping[str, Sequence[float]]) -> Comparison:
    """Servers whose rounds had such first tokens."""
    return Comparison(
        [
            Column(name, {number: run(name, number, first) for number, first in enumerate(each, 1)})
            for name, each in firsts.items()
        ],
        is_paired=True,
    )


def document(*runs: Document, names: Sequence[str], **more: Any) -> Document:
    """A bench as it is written."""
    rounds = max((one["bench"]["round"] for one in runs), default=1)
    return {
        "schema": "llmstack.bench",
        "version": 1,
        "started": "2026-11-28T20:00:00+00:00",
        "command": ["llmstack", "bench"],
        "environment": {"python": "3.11", "system": "Linux", "cores": 2, "packages": {}},
        "is_interrupted": False,
        "rounds": {"asked": rounds, "how": "rotated", "order": [list(names)] * rounds, "seeds": []},
        "servers": [{"name": name, "figures_of_its_own": {}, "gpus": None} for name in names],
        "energy_read_from": None,
        "runs": list(runs),
        **more,
    }
