"""Films played by promtool, and what it says of them read out.

`promtool test rules` only says whether what is expected came; a question expects what cannot come,
so that the answer is in the complaint. Files are JSON, which is YAML too and quicker to read.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.film.film import series_of
from tests.film.fired import STEP, Fired, Kind, Labels, Played
from tests.film.incident import Incident
from tests.film.rule_tests import RULES, SCRAPE, group_order, questions
from tests.prometheus_tools import said_against

#: No rule records it.
_NEVER = [{"labels": "never", "value": 0}]
_GOT = re.compile(r"^ *got: ?(nil|\{.*)$", re.MULTILINE)
_SAMPLE = re.compile(r"\{([^}]*)\} ([^\s,]+)")
_ASKED = re.compile(r"^ *alertname: \w+, time: \S+, *$", re.MULTILINE)
_ALERT = re.compile(r"^ *Labels:\{(.*)\}\n *Annotations:\{(.*)\},?$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*")')


def play(promtool: Path, incidents: Sequence[Incident]) -> list[Played]:
    """Return what fires in each film, and what it says: two runs, since the second asks when."""
    films = [_film(incident) for incident in incidents]
    asked = [
        {**film, "promql_expr_test": _asked_at_the_end(incident.minutes)}
        for film, incident in zip(films, incidents, strict=True)
    ]
    answers = [_samples(got) for got in _GOT.findall(_said(promtool, asked))]
    if len(answers) != 3 * len(incidents):
        raise ValueError(f"expected 3 answers for each of {len(incidents)}, got {len(answers)}")
    found = [_fired(*answers[place : place + 3]) for place in range(0, len(answers), 3)]
    asked = [
        {**film, "alert_rule_test": _asked_at_once(played)}
        for film, played in zip(films, found, strict=True)
        if played.fired
    ]
    _, *parts = _ASKED.split(_said(promtool, asked))
    said = iter(parts)
    return [replace(played, said=dict(_summaries(played, said))) for played in found]


def _film(incident: Incident) -> dict[str, Any]:
    series = series_of(incident.stretches)
    return {
        "interval": SCRAPE,
        "input_series": [{"series": name, "values": of} for name, of in series.items()],
    }


def _asked_at_the_end(minutes: int) -> list[dict[str, Any]]:
    return [
        {"expr": question, "eval_time": f"{minutes}m", "exp_samples": _NEVER}
        for question in questions(minutes)
    ]


def _asked_at_once(played: Played) -> list[dict[str, Any]]:
    return [
        {"eval_time": f"{first.first}s", "alertname": first.name, "exp_alerts": []}
        for first, *_ in played.of_kinds().values()
    ]


def _said(promtool: Path, tests: Sequence[Mapping[str, Any]]) -> str:
    """Return what promtool says of tests; it answers in their order, and in that of time."""
    content = {
        "rule_files": [str(file) for file in RULES],
        "evaluation_interval": f"{STEP}s",
        "group_eval_order": group_order(),
        "tests": tests,
    }
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "film.test.yaml"
        file.write_text(json.dumps(content))
        return said_against(promtool, file)


def _fired(first: dict[Labels, int], last: dict[Labels, int], times: dict[Labels, int]) -> Played:
    return Played(tuple(Fired(of, first[of], last[of], times[of]) for of in first), {})


def _samples(got: str) -> dict[Labels, int]:
    return {_labels(labels): int(float(value)) for labels, value in _SAMPLE.findall(got)}


def _summaries(played: Played, said: Iterator[str]) -> Iterator[tuple[Kind, str]]:
    """Yield what each kind said, of the answers that come in the order in which it was asked."""
    for kind, (first, *_) in played.of_kinds().items():
        words = {_labels(labels): dict(_pairs(told)) for labels, told in _ALERT.findall(next(said))}
        yield kind, words[first.labels]["summary"]


def _labels(text: str) -> Labels:
    return tuple(sorted(_pairs(text)))


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    for name, value in _LABEL.findall(text):
        yield name, json.loads(value)
