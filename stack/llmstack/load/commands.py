"""The commands that send load; what they need is imported when one is called."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from llmstack.load.options import (
    ABOVE_0,
    FILE,
    FOLDER,
    SECONDS,
    made_up_options,
    parted,
    server_options,
)
from llmstack.load.telling_options import telling_options, told
from llmstack.load.view_options import showing, view_options


@click.command("load")
@server_options
@view_options
@telling_options
@made_up_options
@click.option(
    "--find-max-rate",
    is_flag=True,
    help="Look for the highest rate that holds --slo, from --rate on, each for --duration.",
)
def load(output: Path | None, find_max_rate: bool, **given: Any) -> None:
    """Send load that is made up, and measure what comes of it.

    With --rate requests come by the clock however slow the server is, and latency counts from when
    each was to be sent. With --concurrency alone so many clients wait for their answers.

    Exits 0 when all is well, 1 when nothing was answered, 3 when the figures are not to be trusted,
    4 when an objective was not held, 130 when it was ended by Ctrl-C.
    """
    from functools import partial

    from llmstack.load.orders import Servers, Synthetic
    from llmstack.load.program import reported
    from llmstack.load.shown import run_shown, say_of

    shows, tells = showing(given), told(given)
    made_up, servers = parted(given)
    if find_max_rate:
        from llmstack.load.search import search

        found = search(Synthetic(**made_up), Servers(**servers), shows, tells, output)
        raise SystemExit(found)
    job = Synthetic(**made_up).job(Servers(**servers))
    job, watchers = tells.watched(job, say_of(shows))
    raise SystemExit(run_shown(job, shows, partial(reported, output=output), watchers))


@click.command("replay")
@click.option("--csv", type=FILE, required=True, help="The trace, as it is published.")
@server_options
@view_options
@telling_options
@click.option("--speedup", type=ABOVE_0, default=1.0, show_default=True)
@click.option(
    "--concurrency",
    type=click.IntRange(1),
    help="Most requests under way; the others wait, and that counts. [default: no bound]",
)
@click.option("--cache-dir", type=FOLDER, help="Of the normalised trace. [default: beside it]")
@click.option("--no-cache", is_flag=True, help="Normalise it each time, and write nothing.")
@click.option("--limit", type=click.IntRange(1), help="Only so many requests.")
@click.option("--from", "start", type=SECONDS, default=0.0, help="Seconds of the trace.")
@click.option("--to", "end", type=ABOVE_0, help="Seconds of the trace.")
@click.option("--share", type=click.FloatRange(0, 1, min_open=True), default=1.0)
@click.option("--max-model-len", type=click.IntRange(2), help="Tokens of a request.")
@click.option("--warm-up", type=SECONDS, default=0.0, metavar="SECONDS", help="Not measured.")
def replay(output: Path | None, csv: Path, **given: Any) -> None:
    """Send a trace again, each request at its time however slow the server is.

    Azure's traces of 2023, 2024 and 2025, BurstGPT, Mooncake and Bailian are read as they are
    published, also compressed.

    Exits 0 when all is well, 1 when nothing was answered, 3 when the figures are not to be trusted,
    4 when an objective was not held, 130 when it was ended by Ctrl-C.
    """
    from functools import partial
    from math import inf

    from llmstack.load.orders import Replay, Servers
    from llmstack.load.program import reported
    from llmstack.load.shown import run_shown, say_of
    from llmstack.load.traces.plan import Selection

    shows, tells, end = showing(given), told(given), given.pop("end")
    selection = Selection(
        speedup=given.pop("speedup"),
        start=given.pop("start"),
        end=inf if end is None else end,
        share=given.pop("share"),
        seed=given["seed"],
        limit=given.pop("limit"),
        model_length=given.pop("max_model_len"),
    )
    order = Replay(
        csv,
        selection,
        given.pop("concurrency"),
        given.pop("cache_dir"),
        not given.pop("no_cache"),
        given.pop("warm_up"),
    )
    given["verifies"] = not given.pop("insecure")
    job = order.job(Servers(**given), say_of(shows))
    job, watchers = tells.watched(job, say_of(shows))
    raise SystemExit(run_shown(job, shows, partial(reported, output=output), watchers))
