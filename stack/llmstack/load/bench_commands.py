"""The commands that compare: servers under the same load, and results that were written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from llmstack.load.options import (
    APIS,
    FILE,
    FOLDER,
    SECONDS,
    asking_options,
    made_up_options,
    parted,
)


@click.command("bench")
@click.option(
    "--server",
    "servers",
    multiple=True,
    required=True,
    metavar="NAME=API@URL",
    help=f"One of those that are compared; the first is what others are told beside. An API is "
    f"{', '.join(APIS)}.",
)
@click.option(
    "--rounds",
    type=click.IntRange(1),
    default=3,
    show_default=True,
    help="Of all servers; five tell smaller differences.",
)
@click.option(
    "--order",
    type=click.Choice(("rotated", "shuffled")),
    default="rotated",
    show_default=True,
    help="How the order changes from round to round.",
)
@click.option(
    "--models",
    multiple=True,
    metavar="NAME=MODEL",
    help="A server's model, where they do not all call it the same (--model).",
)
@click.option(
    "--metrics",
    multiple=True,
    metavar="NAME=URL",
    help="A server's page of metrics; several are added up. With --prometheus "
    "NAME='{instance=\"inn:8000\"}'. [default: where its kind has it]",
)
@click.option("--prometheus", metavar="URL", help="Servers' figures from there, not their pages.")
@click.option(
    "--gpu-exporter",
    metavar="URL",
    help="The page of an exporter of GPUs (DCGM's, or llmstack gpu-exporter), for J per token.",
)
@click.option(
    "--gpus",
    multiple=True,
    metavar="NAME=0,1",
    help="A server's GPUs, or all. [default: all where there is one server, else nobody's]",
)
@click.option(
    "--idle-within",
    type=SECONDS,
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="The longest wait for a server to become idle before and after a run.",
)
@click.option("--output", type=FOLDER, help="For each run, bench.json, bench.md and bench.html.")
@asking_options
@made_up_options
def bench(output: Path | None, **given: Any) -> None:
    """Put the same load on several servers in turns, and compare them.

    In each round every server is sent the same requests, when it is idle, and in another order than
    in the round before. A difference is told only where it is larger than rounds differ by chance.

    Exits as load does, with the first run's that is not 0, and with 130 when it was ended by
    Ctrl-C, which keeps what was measured.
    """
    from llmstack.load.bench.program import run

    names = ("servers", "rounds", "order", "models", "metrics", "prometheus", "gpu_exporter")
    own = {name: given.pop(name) for name in (*names, "gpus", "idle_within")}
    made_up, ways = parted(given)
    raise SystemExit(run(own, made_up, ways, click.echo, output))


@click.command("report")
@click.argument("files", nargs=-1, required=True, type=FILE)
@click.option("--markdown", is_flag=True, help="For a page, and not for a terminal.")
@click.option("--html", type=FILE, help="Write a page with plots there too; it needs no network.")
def report(files: tuple[Path, ...], markdown: bool, html: Path | None) -> None:
    """Compare runs that were written with --output, or a bench.json; of one run, say all."""
    from llmstack.load.bench.program import told_of

    click.echo(told_of(files, html, is_markdown=markdown))
