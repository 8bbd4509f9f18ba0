"""Blocks of a past that never was: raw series first, then recordings, one level after the other."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llmdash.build import Build
from llmdash.checks.parsed import metric_names, parsed
from llmdash.yaml_text import to_yaml
from tests.bench.fleet_of_servers import Fleet, write_openmetrics
from tests.bench.storage_server import serving
from tests.prometheus_tools import PrometheusTools

#: How long Prometheus's own blocks are; promtool reads a file once for each block in it.
BLOCK_SECONDS = 7200
#: Of two cores, one writes text while the other makes a block.
WORKERS = 2


@dataclass(frozen=True)
class Stretch:
    """A stretch of time at the interval of scrapes, both ends included."""

    start: int
    end: int
    step: int

    @property
    def seconds(self) -> int:
        """How long it is."""
        return self.end - self.start + self.step

    @property
    def middle(self) -> int:
        """Return the moment half way through it."""
        return (self.start + self.end) // 2

    def moments(self) -> range:
        """Return the moments of its scrapes."""
        return range(self.start, self.end + 1, self.step)

    def windows(self) -> list[range]:
        """Return its moments, those of one block together."""
        first = self.start - self.start % BLOCK_SECONDS
        cuts = range(first, self.end + 1, BLOCK_SECONDS)
        whole = self.moments()
        return [
            range(
                max(self.start, cut), min(self.end, cut + BLOCK_SECONDS - self.step) + 1, whole.step
            )
            for cut in cuts
        ]

    def last(self, seconds: int) -> Stretch:
        """Return the end of it."""
        return Stretch(self.end - seconds + self.step, self.end, self.step)


def backfill_raw(
    tools: PrometheusTools,
    build: Build,
    fleet: Fleet,
    stretch: Stretch,
    storage: Path,
    *,
    for_pages: bool = True,
) -> int:
    """Write the blocks of a made fleet, and return the number of its series."""

    def one(window: range) -> int:
        with tempfile.NamedTemporaryFile(dir=storage.parent, suffix=".om") as file:
            path = Path(file.name)
            series = write_openmetrics(
                path, build, fleet, window, stretch.start, for_pages=for_pages
            )
            blocks_from(tools, path, storage)
            return series

    with ThreadPoolExecutor(WORKERS) as pool:
        return max(pool.map(one, stretch.windows()))


def blocks_from(tools: PrometheusTools, file: Path, storage: Path) -> None:
    """Make the blocks of an OpenMetrics file."""
    _run(tools.promtool, "tsdb", "create-blocks-from", "openmetrics", file, storage)


def backfill_recordings(
    tools: PrometheusTools, build: Build, stretch: Stretch, storage: Path
) -> None:
    """Evaluate every recording at every interval of the past; each level reads the one before."""
    interval = int(build.pack.intervals.recordings.seconds)
    for depth, level in enumerate(levels(build)):
        # Not before there is something to read: a series of the first moment that another replaces
        # would last for five minutes beside it, as promtool writes no end of a series.
        start = stretch.start + 2 * depth * interval
        with tempfile.TemporaryDirectory(dir=storage.parent) as name:
            scratch = Path(name)
            rules = scratch / "rules.yaml"
            rules.write_text(to_yaml(level))
            made = scratch / "blocks"
            with serving(tools, storage, scratch) as server:
                _run(
                    *(tools.promtool, "tsdb", "create-blocks-from", "rules"),
                    *(f"--url={server.base_url}", f"--output-dir={made}"),
                    # Without an end the last three hours would be left out.
                    *(f"--start={start}", f"--end={stretch.end}", rules),
                )
            for block in sorted(made.iterdir()):
                block.rename(storage / block.name)


def levels(build: Build) -> Iterator[dict[str, Any]]:
    """Yield rule files: first what reads no recording, then what reads only those before."""
    names = build.recorded_names()
    reads = {
        place: names & set(metric_names(parsed(rule["expr"])))
        for place, rule in _numbered_rules(build)
    }
    left = dict(_numbered_rules(build))
    while left:
        open_names = {rule["record"] for rule in left.values()}
        # What reads its own past has none where all is made at once.
        ready = {
            place
            for place, rule in left.items()
            if not reads[place] & (open_names - {rule["record"]})
        }
        if not ready:
            raise ValueError(f"recordings read each other in a circle: {sorted(open_names)}")
        yield _rule_file(build, ready)
        left = {place: rule for place, rule in left.items() if place not in ready}


Place = tuple[str, int]


def _numbered_rules(build: Build) -> Iterator[tuple[Place, dict[str, Any]]]:
    """Yield recordings by group and place in it."""
    for content in build.rules.values():
        for group in content["groups"]:
            for place, rule in enumerate(group["rules"]):
                if "record" in rule:
                    yield (group["name"], place), rule


def _rule_file(build: Build, chosen: set[Place]) -> dict[str, Any]:
    groups = []
    for content in build.rules.values():
        for group in content["groups"]:
            name = group["name"]
            rules = [r for place, r in enumerate(group["rules"]) if (name, place) in chosen]
            if rules:
                groups.append({**group, "rules": rules})
    return {"groups": groups}


def _run(*command: str | Path) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} {command[3]}: {done.stderr[-2000:]}")
