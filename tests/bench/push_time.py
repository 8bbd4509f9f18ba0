"""How long a push takes to see that nothing is to be done, beside asking one thing after the other."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from llmdash.grafana.held import read_dashboard
from llmdash.grafana.push import READERS
from llmdash.grafana.wanted import Wanted, WantedDashboard
from llmdash.testing.grafana import GRAFANA_12, FakeGrafana
from tests.bench.results import Row, Section
from tests.grafana.pages import DATASOURCE, client_of, pushed

BUILT = Path(__file__).resolve().parents[2] / "generated" / "dashboards"
COUNT, LATENCY, RUNS = 100, 0.005, 5
#: Seconds.
PROMISED = 2.0


def pages() -> Wanted:
    """As many of the built pages as are promised, some of them under further uids."""
    built = [json.loads(path.read_text()) for path in sorted(BUILT.rglob("*.json"))]
    made: list[dict[str, Any]] = [
        {**built[number % len(built)], "uid": f"llm-bench-{number}", "title": f"Page {number}"}
        for number in range(COUNT)
    ]
    return Wanted(tuple(WantedDashboard(("LLM",), each) for each in made), DATASOURCE)


def measure() -> Section:
    """Push, then time pushes that find nothing to do."""
    what = pages()
    with FakeGrafana(GRAFANA_12) as fake:
        pushed(fake.url, what)
        fake.live()
        fake.latency = LATENCY
        client = client_of(fake.url)
        seconds = _timed(lambda: pushed(fake.url, what))
        writes, asked = len(fake.writes), len(fake.seen) // RUNS
        uids = [each.uid for each in what.dashboards]
        serial = _timed(lambda: [read_dashboard(client, uid) for uid in uids])
    return Section(
        "Push",
        f"Written by `make bench`. {COUNT} pages of the default pack that are there already, on the "
        f"fake Grafana of release {GRAFANA_12.release}, each answer {LATENCY * 1000:g} ms late; "
        f"{READERS} questions at a time. Wall-clock seconds, median of {RUNS}; against it, the same "
        "pages read one after the other in the same run.",
        ("what", "seconds", "one after the other", "ratio"),
        [
            Row(
                f"planning {COUNT} unchanged dashboards, {asked} requests",
                f"{seconds:.2f}",
                f"{serial:.2f}",
                f"{seconds / serial:.2f}",
                f"under {PROMISED:g} s",
                seconds < PROMISED,
            ),
            Row("writes of it", f"{writes}", "", "", "none", writes == 0),
        ],
    )


def _timed(run: Callable[[], object]) -> float:
    found = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        run()
        found.append(time.perf_counter() - begun)
    return median(found)
