"""What the commands `bench` and `report` do: measure or read, say it, and write it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from llmstack.load.bench.documents import comparison_of, is_bench, joined, read
from llmstack.load.bench.order import Order
from llmstack.load.bench.page import page
from llmstack.load.bench.rounds import Asked, measure_rounds
from llmstack.load.bench.servers import read_servers
from llmstack.load.bench.summary import summary
from llmstack.load.bench.told import told
from llmstack.load.comparison import compared
from llmstack.load.orders import Synthetic
from llmstack.load.program import INTERRUPTED, WELL, exit_code
from llmstack.load.results import Document, write, write_text
from llmstack.load.summary import told as told_of_one


def run(
    own: dict[str, Any],
    made_up: dict[str, Any],
    ways: dict[str, Any],
    say: Callable[[str], None],
    folder: Path | None,
) -> int:
    """Measure servers in rounds, say and write what came of it, and return what to exit with.

    Args:
        own: the options of a bench alone, by name.
        made_up: those of the load.
        ways: those of how servers are asked.
        say: is called with each line.
        folder: where all of it is written; None for nowhere.

    Raises:
        LlmstackError: an option that cannot be, or a server that is not there.
    """
    asked = Asked(
        Synthetic(**made_up),
        read_servers(own["servers"], own["metrics"], own["gpus"], own["models"]),
        ways,
        own["rounds"],
        Order(own["order"]),
        ways["seed"],
        own["prometheus"],
        own["gpu_exporter"],
        own["idle_within"],
    )

    def keep(found: Document, new: Document) -> None:
        if folder is not None:
            # As it goes, so that whatever ends the program leaves what was measured.
            write(folder / f"round-{new['bench']['round']}-{new['name']}.json", new)
            write(folder / "bench.json", found)

    found = measure_rounds(asked, say, keep)
    comparison = comparison_of(found)
    found["summary"] = summary(comparison)
    if folder is not None:
        write(folder / "bench.json", found)
        write_text(folder / "bench.md", told(comparison, markdown=True) + "\n")
        write_text(folder / "bench.html", page(comparison, found))
    say("")
    say(told(comparison))
    if found["is_interrupted"]:
        return INTERRUPTED
    return next(filter(None, map(exit_code, found["runs"])), WELL)


def told_of(files: Sequence[Path], html: Path | None, *, is_markdown: bool) -> str:
    """Return what is to be said of results that were written, and write the page.

    Raises:
        ConfigurationError: a file that cannot be read, or holds no results; or one that cannot be
            written.
    """
    found = [read(file) for file in files]
    if html is not None:
        write_text(html, page(joined(found), found[0]))
    if any(map(is_bench, found)):
        return told(joined(found), markdown=is_markdown)
    if len(found) == 1 and not is_markdown:
        return told_of_one(found[0])
    return compared(found, as_markdown=is_markdown)
