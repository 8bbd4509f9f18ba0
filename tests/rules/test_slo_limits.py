"""Every burn alert fires just above its limit and stays quiet just below it, window by window."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.prometheus_tools import MAJORS, said_against, tools_of_major

ROOT = Path(__file__).resolve().parents[2]
ALERTS = ROOT / "generated" / "rules" / "llmdash-slo-alerts.yaml"
BURN = "SloErrorBudgetBurn"

#: What the default pack promises, and how many bad events are few, said once more by hand.
PROMISED = {
    "availability": (0.001, 3),
    "ttft-small-prompts": (0.05, 3),
    "ttft": (0.05, 3),
    "inter-token": (0.05, 50),
    "end-to-end": (0.05, 3),
    "queue-time": (0.05, 3),
    "uptime": (0.01, 3),
}
#: Promises whose total outage would page after a quarter of an hour have the fast tier.
FAST = tuple(slo for slo, (budget, _) in PROMISED.items() if budget * 14.4 * 60 > 15)
#: Factor, long window and short window, from the SRE workbook's chapter 5.
TIERS = {
    "page-1h": (14.4, "1h", "5m"),
    "page-6h": (6.0, "6h", "30m"),
    "ticket-1d": (3.0, "1d", "2h"),
    "ticket-3d": (1.0, "3d", "6h"),
}
SEVERITIES = {"page": "critical", "ticket": "warning"}
WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
#: Events of each window, of another number each, so that none is taken for another. They are so many
#: that one more or less of the bad ones is seen, and each limit is a whole number of them.
ALL = {window: 100_000 * place for place, window in enumerate(WINDOWS, 1)} | {"5m": 150_000}
#: Half an event less than the fewest: what is exactly so much is no more than that.
HALF = 0.5
ENOUGH = ("enough", "few-above")
#: How many minutes a page fires on: 15 where its short window is shorter, and 5 else.
FIRES_ON = {"page-fast-5m": 15, "page-1h": 15, "page-6h": 5}

SLO = re.compile(r'slo="([\w-]+)"')
Counts = Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Case:
    """Bad events and all events of each window of one model, and the tiers that they fire."""

    slo: str
    model: str
    counts: Counts
    tiers: tuple[str, ...]
    #: Events of five minutes that are bad by the stricter measure.
    intolerable: float = 0

    def series(self, after: int = 0) -> Iterator[dict[str, str]]:
        """Yield its recorded counts of two minutes, and of clean ones after."""
        labels = f'{{slo="{self.slo}", source="made", role="engine", model="{self.model}"}}'
        clean = f" {{}}x{after - 1}" if after else ""
        for window, (bad, everything) in self.counts.items():
            values = f"{everything}x1{clean.format(everything)}"
            yield {"series": f"llm:slo_total:increase{window}{labels}", "values": values}
            values = f"{everything - bad}x1{clean.format(everything)}"
            yield {"series": f"llm:slo_good:increase{window}{labels}", "values": values}
        everything = self.counts["5m"][1]
        values = f"{everything - self.intolerable}x1{clean.format(everything)}"
        yield {"series": f"llm:slo_tolerable:increase5m{labels}", "values": values}


def cases_of(slo: str) -> Iterator[Case]:
    """Yield one case for each side of each limit of a promise."""
    budget, fewest = PROMISED[slo]
    clean = {window: (0.0, float(everything)) for window, everything in ALL.items()}
    for tier, (factor, long, short) in TIERS.items():
        limit = {window: round(factor * budget * ALL[window]) for window in (long, short)}
        # All else is clean, so a window that two tiers read fires neither by itself.
        for model, more_long, more_short in (
            ("above", 1, 1),
            ("long-at", 0, 1),
            ("short-at", 1, 0),
            ("long-below", -1, 1),
            ("short-below", 1, -1),
        ):
            counts = {
                **clean,
                long: (limit[long] + more_long, ALL[long]),
                short: (limit[short] + more_short, ALL[short]),
            }
            yield Case(slo, f"{tier}-{model}", counts, (tier,) if model == "above" else ())
        for model, bad in (
            ("enough", fewest),
            ("few-above", fewest - HALF + 0.1),
            ("few-at", fewest - HALF),
            ("few", fewest - 1),
        ):
            counts = {**clean, long: (bad, bad), short: (bad, bad)}
            yield Case(slo, f"{tier}-{model}", counts, (tier,) if model in ENOUGH else ())
    for model, late, everything, fires in (
        ("above", ALL["5m"] / 2 + 1, ALL["5m"], True),
        ("at", ALL["5m"] / 2, ALL["5m"], False),
        ("below", ALL["5m"] / 2 - 1, ALL["5m"], False),
        ("enough", fewest, fewest, True),
        ("few-above", fewest - HALF + 0.1, fewest - HALF + 0.1, True),
        ("few-at", fewest - HALF, fewest - HALF, False),
        ("few", fewest - 1, fewest - 1, False),
    ):
        counts = {**clean, "5m": (0, everything)}
        tiers = ("page-fast-5m",) if fires and slo in FAST else ()
        yield Case(slo, f"fast-{model}", counts, tiers, late)


def rule_test(cases: list[Case]) -> dict[str, Any]:
    """What promtool is asked: which tiers of which model fire, and how bad they are told to be."""
    firing = [
        {
            "labels": f'{{model="{case.model}", severity="{SEVERITIES[tier.split("-")[0]]}", '
            f'slo="{case.slo}", tier="{tier}"}}',
            "value": 1,
        }
        for case in cases
        for tier in case.tiers
    ]
    fired = f'ALERTS{{alertname="{BURN}", alertstate="firing"}}'
    expression = f"count by (slo, model, severity, tier) ({fired})"
    return {
        "rule_files": ["rules.yaml"],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [series for case in cases for series in case.series()],
                "promql_expr_test": [
                    {"expr": expression, "eval_time": "0m", "exp_samples": firing}
                ],
            }
        ],
    }


def lasting_test(cases: list[Case]) -> dict[str, Any]:
    """What promtool is asked: until when each tier fires of what was above its limit for two minutes."""
    fired = f'timestamp(ALERTS{{alertname="{BURN}", alertstate="firing"}})'
    ends = [
        {
            "labels": f'{{slo="{case.slo}", tier="{tier}"}}',
            "value": 60 * (1 + FIRES_ON.get(tier, 0)),
        }
        for case in cases
        for tier in case.tiers
        if case.model == f"{tier}-above" or case.model == "fast-above"
    ]
    asked = f"max by (slo, tier) (max_over_time({fired}[30m:1m]))"
    lasting = {
        "interval": "1m",
        "input_series": [series for case in cases for series in case.series(after=28)],
        "promql_expr_test": [{"expr": asked, "eval_time": "29m", "exp_samples": ends}],
    }
    return {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": [lasting]}


@cache
def alert_group() -> dict[str, Any]:
    """The built alerts; read once, for reading is slow."""
    (group,) = yaml.safe_load(ALERTS.read_text())["groups"]
    found: dict[str, Any] = group
    return found


def said_of(
    promtool: Path,
    folder: Path,
    group: dict[str, Any],
    slos: Iterable[str],
    *made: Callable[[list[Case]], dict[str, Any]],
) -> str:
    """What promtool says where alerts do not do what the cases of promises say; else nothing."""
    folder.mkdir(parents=True)
    (folder / "rules.yaml").write_text(json.dumps({"groups": [group]}))
    cases = [case for slo in slos for case in cases_of(slo)]
    tests = [folder / f"{make.__name__}.test.yaml" for make in made]
    for test, make in zip(tests, made, strict=True):
        test.write_text(json.dumps(make(cases)))
    return said_against(promtool, *tests)


def test_alerts_are_those_of_the_promises() -> None:
    """Each promise has the four tiers, and the fast one where its budget is large."""
    built = {
        (SLO.findall(rule["expr"])[0], rule["labels"]["tier"])
        for rule in alert_group()["rules"]
        if rule["alert"] == BURN
    }
    expected = {(name, tier) for name in PROMISED for tier in TIERS}

    assert expected | {(name, "page-fast-5m") for name in FAST} == built


@pytest.mark.parametrize("slo", PROMISED)
def test_limits_hold(promtool: Path, tmp_path: Path, slo: str) -> None:
    """One event above a limit fires, none above it does not, few never do; and for how long."""
    said = said_of(promtool, tmp_path / slo, alert_group(), [slo], rule_test, lasting_test)

    assert "" == said


NUMBER = re.compile(r"(?<=[*>] )\d+(?:\.\d+)?")
WINDOW = re.compile(r"(?<=increase)\w+")


def changed_alerts(rule: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
    """Yield an alert left out, and with each small mistake."""
    expression = rule["expr"]
    yield []
    yield [{**rule, "labels": {**rule["labels"], "severity": "other"}}]
    for number in NUMBER.finditer(expression):
        value = float(number[0])
        for other in (value * 1.02, value * 0.98) if value < 1 else (value + 1, value - 1):
            text = f"{expression[: number.start()]}{other:.12g}{expression[number.end() :]}"
            yield [{**rule, "expr": text}]
    for window in WINDOW.finditer(expression):
        other_window = next(one for one in WINDOWS if one not in WINDOW.findall(expression))
        text = expression[: window.start()] + other_window + expression[window.end() :]
        yield [{**rule, "expr": text}]
    halves = expression.split(" and ")
    for place in range(len(halves)):
        yield [{**rule, "expr": " and ".join(halves[:place] + halves[place + 1 :])}]


def batches() -> list[dict[int, list[dict[str, Any]]]]:
    """Return mistakes in batches, each by the alert's place: every alert shows its own."""
    by_place = {
        place: list(changed_alerts(rule))
        for place, rule in enumerate(alert_group()["rules"])
        if rule["alert"] == BURN
    }
    longest = max(len(changes) for changes in by_place.values())
    return [
        {place: changes[turn] for place, changes in by_place.items() if turn < len(changes)}
        for turn in range(longest)
    ]


def alerts_that_differ(said: str) -> set[tuple[str, str]]:
    """The promise and the tier of each sample that is expected and not got, or the reverse."""
    lines = [re.findall(rf"^ *{side}: (.*)$", said, re.MULTILINE) for side in ("exp", "got")]
    expected, got = (set(re.findall(r"\{[^}]*\}", " ".join(line))) for line in lines)
    return {
        (labels["slo"], labels["tier"])
        for labels in (dict(re.findall(r'(\w+)="([^"]*)"', text)) for text in expected ^ got)
    }


@pytest.mark.promtool
def test_every_other_limit_is_noticed(tmp_path: Path) -> None:
    """An alert with one number, one window, its severity or one of its halves changed fails a case."""
    promtool = tools_of_major(MAJORS[0]).promtool
    rules = alert_group()["rules"]
    work = batches()

    def unnoticed(turn: int) -> list[str]:
        batch = work[turn]
        changed = [new for place, rule in enumerate(rules) for new in batch.get(place, [rule])]
        said = said_of(
            promtool, tmp_path / str(turn), {**alert_group(), "rules": changed}, PROMISED, rule_test
        )
        noticed = alerts_that_differ(said)
        return [
            f"{slo} {rules[place]['labels']['tier']}: {new}"
            for place, new in batch.items()
            for slo in SLO.findall(rules[place]["expr"])[:1]
            if (slo, rules[place]["labels"]["tier"]) not in noticed
        ]

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = [text for texts in pool.map(unnoticed, range(len(work))) for text in texts]

    assert [] == found
