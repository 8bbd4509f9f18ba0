"""What pages cost at scale: over recordings, against the same pages over raw series.

Every number is told by a real Prometheus on blocks that promtool has made.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from llmdash.build import Build
from llmdash.compiler import compile_pack
from llmdash.levels import Level
from llmdash.pack import DEFAULT
from llmdash.prices import Prices
from llmdash.promql.windows import Duration
from tests.bench.backfill import (
    BLOCK_SECONDS,
    Stretch,
    backfill_raw,
    backfill_recordings,
    blocks_from,
)
from tests.bench.fleet_of_servers import Fleet
from tests.bench.queries import Answer, Page, pages_over_recordings, refresh
from tests.bench.storage_server import StorageServer, serving
from tests.bench.traffic_shape import PERIOD_SECONDS
from tests.live.questions import hourly_recordings
from tests.prometheus_tools import PrometheusTools, found_tools

#: The pages that promise to cost a hundredth. Of others over recordings only that cost is told: what
#: looks back for hours on many engines and GPUs takes minutes over raw series.
PROMISED = ("llm-fleet", "llm-compare")
REPEATS = 5
FLEET_SERIES = f'{{__name__=~"{Level.FLEET.value}:.+"}}'
RECORDED_SERIES = f'{{__name__=~"({"|".join(level.value for level in Level)}):.+"}}'


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    fleet: Fleet
    #: The same models served by more servers.
    large: Fleet
    seconds: int
    #: How long the large fleet is written in full, to be recorded.
    large_seconds: int = 600


FULL = Size(Fleet(200, 10, 1_600), Fleet(2_000, 10, 16_000), 6 * 3600)
SMALL = Size(Fleet(40, 2, 80), Fleet(120, 2, 240), 1800)

Say = Callable[[str], None]


@dataclass(frozen=True)
class Measured:
    """All that came out, before it is judged."""

    size: Size
    stretch: Stretch
    recorded: dict[str, list[dict[str, Answer]]]
    raw: dict[str, dict[str, Answer]]
    large: dict[str, list[dict[str, Answer]]]
    raw_series: int
    recorded_series: int
    fleet_series: int
    #: Those of them that are there within ten minutes: periods add up hours.
    prompt_fleet_series: int
    large_fleet_series: int
    #: Seconds of one evaluation of every recording, and between two of them.
    evaluation: float
    interval: float


def measure(size: Size, tools: PrometheusTools, say: Say = lambda _: None) -> Measured:
    """Make the blocks, ask the questions, remove the blocks."""
    with bench_folder() as folder:
        build = built_in_full()
        stretch = _stretch(size, build)
        pages = pages_over_recordings(build, stretch)
        _check_pages(pages, build)
        storage = folder / "storage"
        say(f"blocks of {size.fleet}, {stretch.seconds / 3600:g} h")
        raw_series = backfill_raw(tools, build, size.fleet, stretch, storage)
        say(f"recordings over {raw_series:,} series")
        backfill_recordings(tools, build, stretch, storage)
        with serving(tools, storage, folder) as server:
            # A small sample is asked before Prometheus begins to merge.
            if stretch.seconds > BLOCK_SECONDS:
                say("Prometheus merges blocks")
                server.wait_for_blocks(len(stretch.windows()), within=900)
            say("pages over recordings")
            recorded = {page.uid: _repeated(server, page, stretch) for page in pages}
            recorded_series = server.count(RECORDED_SERIES, stretch.end)
            fleet_series = server.count(FLEET_SERIES, stretch.end)
            prompt_fleet_series = server.count(_prompt(build), stretch.end)
            evaluation = _evaluation(server, build, stretch.end)
            say("pages over raw series")
            raw = {p.uid: refresh(server, p, stretch, raw=True) for p in pages if p.uid in PROMISED}
        shutil.rmtree(storage)
        say(f"blocks of {size.large}, {size.large_seconds} s")
        large_fleet_series = _large(tools, build, size, stretch, storage)
        say(f"pages over the {large_fleet_series} fleet series of it")
        with serving(tools, storage, folder) as server:
            large = {page.uid: _repeated(server, page, stretch) for page in pages}
    return Measured(
        size=size,
        stretch=stretch,
        recorded=recorded,
        raw=raw,
        large=large,
        raw_series=raw_series,
        recorded_series=recorded_series,
        fleet_series=fleet_series,
        prompt_fleet_series=prompt_fleet_series,
        large_fleet_series=large_fleet_series,
        evaluation=evaluation,
        interval=build.pack.intervals.recordings.seconds,
    )


@contextmanager
def bench_folder() -> Iterator[Path]:
    """Yield a new folder, on the disk that the environment names; it is gone at the end."""
    parent = os.environ.get("LLMDASH_BENCH_DIR")
    with tempfile.TemporaryDirectory(prefix="llmdash-bench-", dir=parent) as name:
        yield Path(name)


def built_in_full() -> Build:
    """Return the default pack with all that it can record: GPUs by model, and money."""
    scrape = Duration.parse("30s")
    pack = replace(
        DEFAULT,
        intervals=replace(DEFAULT.intervals, scrape=scrape, gpu_scrape=scrape),
        gpus_by_pod=True,
        prices=Prices(per_kwh=0.3, per_gpu_hour=2.0),
    )
    build = compile_pack(pack)
    if build.problems:
        raise ValueError("\n".join(str(problem) for problem in build.problems))
    return build


def _prompt(build: Build) -> str:
    """Return a selector of the fleet series that do not wait for an hour to end."""
    late = sorted(hourly_recordings(build))
    return f'{{__name__=~"llm:.+", __name__!~"{"|".join(late)}"}}'


def _stretch(size: Size, build: Build) -> Stretch:
    """Return the newest stretch of whole blocks that lies in the past."""
    step = int(build.pack.intervals.scrape.seconds)
    end = int(time.time()) // BLOCK_SECONDS * BLOCK_SECONDS
    return Stretch(end - size.seconds, end - step, step)


def _check_pages(pages: Sequence[Page], build: Build) -> None:
    built = {dashboard["uid"] for dashboard in build.dashboards.values()}
    missing = {uid for uid in PROMISED if uid in built} - {page.uid for page in pages}
    if missing or not pages:
        raise ValueError(f"not over recordings of the fleet alone: {sorted(missing)}")


def _repeated(server: StorageServer, page: Page, stretch: Stretch) -> list[dict[str, Answer]]:
    return [refresh(server, page, stretch) for _ in range(REPEATS)]


def _evaluation(server: StorageServer, build: Build, at: int) -> float:
    """Return the seconds of evaluating every recording once, one after the other."""

    def once() -> float:
        before = time.monotonic()
        for _, rule in build.rule_items():
            if "record" in rule:
                server.ask("query", {"query": rule["expr"], "time": str(at)})
        return time.monotonic() - before

    return statistics.median(once() for _ in range(REPEATS))


def _large(
    tools: PrometheusTools, build: Build, size: Size, stretch: Stretch, storage: Path
) -> int:
    """Write the fleet series of the large fleet, as many as it really has, over the stretch."""
    short = storage.with_name("short")
    minutes = stretch.last(size.large_seconds)
    backfill_raw(tools, build, size.large, minutes, short, for_pages=False)
    backfill_recordings(tools, build, minutes, short)
    with serving(tools, short, storage.parent) as server:
        series = server.vector(FLEET_SERIES, stretch.end)
    shutil.rmtree(short)
    file = storage.with_name("fleet.om")
    for window in stretch.windows():
        with file.open("w") as output:
            for labels, value in series:
                output.writelines(_samples(labels, value, window))
            output.write("# EOF\n")
        blocks_from(tools, file, storage)
    return len(series)


def _samples(labels: dict[str, str], value: float, moments: range) -> Iterator[str]:
    """Yield a series as it was found, risen and fallen with all others at once."""
    own = {name: json.dumps(text) for name, text in labels.items() if name != "__name__"}
    inside = ",".join(f"{name}={text}" for name, text in own.items())
    head = f"{labels['__name__']}{{{inside}}}"
    for moment in moments:
        load = 1 + 0.3 * math.sin(2 * math.pi * moment / PERIOD_SECONDS)
        yield f"{head} {value * load} {moment}\n"


def newest_tools() -> PrometheusTools:
    """Return the newest Prometheus found."""
    found = [tools for tools in found_tools() if tools.prometheus is not None]
    if not found:
        raise FileNotFoundError("no prometheus; see stack/prometheus.sh")
    return found[-1]
