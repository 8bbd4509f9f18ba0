"""Draws pages over a made evening: those of the README, or every page into a folder."""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from llmdash.build import Build
from llmdash.compiler import compile_pack
from llmdash.pack import DEFAULT
from llmdash.prices import Prices
from tests.bench.cost import newest_tools
from tests.bench.storage_server import StorageServer, serving
from tests.pictures.answers import Asker, range_of
from tests.pictures.canvas import Canvas
from tests.pictures.made_storage import END, EVENING, fill
from tests.pictures.page import draw_page

#: What the README shows, and how much of each page.
PICTURES = {
    "llm-fleet": ("fleet.png", 1700),
    "llm-vllm-overview": ("vllm-overview.png", 1700),
    "llm-dcgm-gpu": ("gpu.png", 1500),
}
#: The start of the evening is there for windows to look back to.
_LONGEST_SECONDS = EVENING.seconds - 1800


@dataclass(frozen=True)
class Drawing:
    """A server that holds the evening, and how pages are drawn from it."""

    server: StorageServer
    build: Build
    opened: bool = False

    def page(self, dashboard: dict[str, Any], most_height: float) -> Canvas:
        """Draw a page as it looks when it is opened at the end of the evening."""
        time_range = range_of(dashboard, END, _LONGEST_SECONDS)
        scrape = int(self.build.pack.intervals.scrape.seconds)
        ask = Asker(self.server, dashboard, time_range, scrape)
        variables = dashboard["templating"]["list"]
        return draw_page(
            dashboard,
            ask,
            time_range,
            values={v["name"]: ask.values_of(v) for v in variables if v["type"] == "query"},
            events=ask.events(),
            opened=self.opened,
            most_height=most_height,
        )


def main() -> None:
    """Draw what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("uids", nargs="*", help="pages to be drawn; those of the README if none")
    parser.add_argument("--all", action="store_true", help="every page")
    parser.add_argument("--opened", action="store_true", help="with collapsed rows open")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent)
    parser.add_argument("--storage", type=Path, help="keep the evening here, and use it again")
    chosen = parser.parse_args()
    chosen.output.mkdir(parents=True, exist_ok=True)
    build = compile_pack(
        replace(DEFAULT, gpus_by_pod=True, prices=Prices(per_kwh=0.3, per_gpu_hour=2.5))
    )
    with tempfile.TemporaryDirectory(prefix="llmdash-pictures-") as name:
        storage = chosen.storage or Path(name) / "storage"
        if not storage.exists():
            _fill(build, storage)
        with serving(newest_tools(), storage, Path(name)) as server:
            drawing = Drawing(server, build, chosen.opened)
            uids = (
                [page["uid"] for page in build.dashboards.values()] if chosen.all else chosen.uids
            )
            for dashboard, file, height in _wanted(build, uids):
                drawing.page(dashboard, height).save(chosen.output / file)
                print(chosen.output / file)


def _fill(build: Build, storage: Path) -> None:
    try:
        fill(newest_tools(), build, storage)
    except BaseException:
        # Half an evening must not be taken for a whole one by the next run.
        shutil.rmtree(storage, ignore_errors=True)
        raise


def _wanted(build: Build, uids: Sequence[str]) -> Iterator[tuple[dict[str, Any], str, float]]:
    """Yield pages with the file and the height of each."""
    by_uid = {page["uid"]: page for page in build.dashboards.values()}
    if not uids:
        for uid, (file, height) in PICTURES.items():
            yield by_uid[uid], file, height
    for uid in uids:
        yield by_uid[uid], f"{uid}.png", float("inf")


if __name__ == "__main__":
    main()
