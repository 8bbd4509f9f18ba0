"""The blocks of a made evening, with the recordings that rules would have made of it."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from llmdash.build import Build
from tests.bench.backfill import Stretch, backfill_recordings, blocks_from
from tests.pictures.evening import STEP, replicas
from tests.pictures.made_gateway import gateway_series
from tests.pictures.made_gpus import GPUS_PER_REPLICA, gpu_series
from tests.pictures.made_vllm import vllm_series
from tests.pictures.written_series import WrittenSeries, write_openmetrics
from tests.prometheus_tools import PrometheusTools

#: The end is fixed, so that the same code draws the same picture.
END = int(datetime(2026, 11, 20, 19, 30, tzinfo=UTC).timestamp())
HOURS = 3
EVENING = Stretch(END - HOURS * 3600, END, STEP)


def evening_series(moments: range) -> Iterator[WrittenSeries]:
    """Yield every series of every server."""
    lived = replicas(moments)
    for replica in lived:
        yield from vllm_series(replica)
        for place in range(GPUS_PER_REPLICA):
            yield from gpu_series(replica.number * GPUS_PER_REPLICA + place, replica)
    yield from gateway_series(lived)


def fill(
    tools: PrometheusTools,
    build: Build,
    storage: Path,
    more: Sequence[WrittenSeries] = (),
    stretch: Stretch = EVENING,
) -> int:
    """Write the evening and its recordings, and return the number of raw series."""
    moments = stretch.moments()
    series = [*evening_series(moments), *more]
    written, start = 0, 0
    for window in stretch.windows():
        with tempfile.NamedTemporaryFile(dir=storage.parent, suffix=".om") as file:
            chosen = slice(start, start + len(window))
            path = Path(file.name)
            written = write_openmetrics(path, itertools.chain(series), moments, chosen)
            blocks_from(tools, path, storage)
            start += len(window)
    backfill_recordings(tools, build, stretch, storage)
    return written
