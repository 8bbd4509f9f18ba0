"""Reads benches again, and says what is to be seen in them: servers as columns, and remarks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from llmstack.errors import ConfigurationError
from llmstack.load import results
from llmstack.load.bench.columns import Column, Comparison
from llmstack.load.bench.order import told
from llmstack.load.bench.rounds import SCHEMA, VERSION
from llmstack.load.results import Document


def read(path: Path) -> Document:
    """Return a bench or the results of one run, as they were written.

    Raises:
        ConfigurationError: it cannot be read, or is of another kind.
    """
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        found = None
    if not is_bench(found):
        # It says what it found, and what it is asked for.
        return results.read(path)
    if found["version"] != VERSION:
        raise ConfigurationError(
            f"{path}: expected {SCHEMA} version {VERSION}, got version {found['version']!r}; "
            "llmstack bench --output writes it"
        )
    return dict(found)


def is_bench(found: object) -> bool:
    """Tell whether something that was read is a bench."""
    return isinstance(found, dict) and found.get("schema") == SCHEMA


def comparison_of(found: Document) -> Comparison:
    """Return a bench as columns."""
    whole = [run for run in found["runs"] if not run["is_interrupted"]]
    rounds = found["rounds"]
    return Comparison(
        [
            Column(
                server["name"],
                {run["bench"]["round"]: run for run in whole if run["name"] == server["name"]},
            )
            for server in found["servers"]
        ],
        is_paired=True,
        remarks=tuple(_remarks(found)),
        order=f"{rounds['how']}: {told(rounds['order'])}",
    )


def joined(found: Sequence[Document]) -> Comparison:
    """Return benches and runs side by side; runs of different ones are no pairs."""
    parts = [comparison_of(each) if is_bench(each) else _alone(each) for each in found]
    if len(parts) == 1:
        return parts[0]
    columns: list[Column] = []
    for number, part in enumerate(parts, 1):
        for column in part.columns:
            taken = any(column.name == other.name for other in columns)
            columns.append(
                Column(f"{column.name} ({number})" if taken else column.name, column.runs)
            )
    return Comparison(
        columns,
        remarks=(
            *(remark for part in parts for remark in part.remarks),
            "They were not measured in turns, so nothing is said of differences.",
        ),
        order="; ".join(part.order for part in parts if part.order),
    )


def _alone(run: Document) -> Comparison:
    return Comparison([Column(str(run["name"]), {1: run})])


def _remarks(found: Document) -> Iterator[str]:
    done, asked = len(found["runs"]), sum(map(len, found["rounds"]["order"]))
    if found["is_interrupted"]:
        yield f"Interrupted: these are {done} of {asked} runs."
    for run in found["runs"]:
        if run["is_interrupted"]:
            where = f"{run['name']} in round {run['bench']['round']}"
            yield f"{where} was interrupted, and is in no figure."
    for server in found["servers"]:
        problem = server["figures_of_its_own"].get("problem")
        if problem:
            yield f"{server['name']}: no figures of its own: {problem}; --metrics names its page."
    if found["energy_read_from"]:
        without = [each["name"] for each in found["servers"] if each["gpus"] is None]
        if without:
            told_of = ", ".join(f"--gpus {name}=0,1" for name in without)
            yield f"Energy is charged to no server whose GPUs nobody has named: {told_of}."
        if len(without) < len(found["servers"]):
            yield (
                "Energy is all that these GPUs drew during a run: what they draw idle is in it, "
                "and so is whatever else ran on them."
            )
