"""The commands that send load; what they need is imported when one is called."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

#: Said here so that nothing is imported for them; a test compares.
APIS = (
    "openai-chat",
    "openai-completions",
    "triton-generate",
    "triton-infer",
    "triton-tokens",
)
_SECONDS = click.FloatRange(min=0)
_ABOVE_0 = click.FloatRange(min=0, min_open=True)
_FILE = click.Path(path_type=Path, dir_okay=False)
_FOLDER = click.Path(path_type=Path, file_okay=False)


def _ways(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say how servers are asked."""
    for option in reversed(
        (
            click.option("--model", help="[default: the first that the server has]"),
            click.option("--stream/--no-stream", "is_stream", default=True, show_default=True),
            click.option(
                "--exact/--no-exact",
                "is_exact",
                default=True,
                show_default=True,
                help="Answers are as long as planned (ignore_eos), which OpenAI itself refuses.",
            ),
            click.option(
                "--count-each/--no-count-each",
                "counts_each",
                default=True,
                show_default=True,
                help="Ask for the tokens in each event (continuous_usage_stats).",
            ),
            click.option("--body", metavar="JSON", help="Fields that are put into each body."),
            click.option(
                "--header", "-H", "headers", multiple=True, metavar="'NAME: VALUE'", help="Of each."
            ),
            click.option("--api-key", envvar="OPENAI_API_KEY", help="[env: OPENAI_API_KEY]"),
            click.option("--insecure", is_flag=True, help="Certificates need not be good."),
            click.option(
                "--timeout",
                type=_ABOVE_0,
                default=600.0,
                show_default=True,
                metavar="SECONDS",
                help="Of a request.",
            ),
            click.option(
                "--connect-timeout",
                type=_ABOVE_0,
                default=10.0,
                show_default=True,
                metavar="SECONDS",
            ),
            click.option(
                "--drain",
                type=_SECONDS,
                metavar="SECONDS",
                help="Until what is under way at the end is left. [default: --timeout]",
            ),
            click.option(
                "--tokenizer",
                type=_FILE,
                help="A tokenizer.json that counts prompts; else they are estimated.",
            ),
            click.option(
                "--slo",
                default="",
                metavar="OBJECTIVES",
                help="What is to be held: ttft_p95=2s,itl_p95=150ms; also tpot and e2e.",
            ),
            click.option(
                "--log-every",
                type=_SECONDS,
                default=1.0,
                show_default=True,
                metavar="SECONDS",
                help="From one line to the next; 0 for none.",
            ),
            click.option(
                "--sample-interval",
                type=click.FloatRange(min=0.1),
                default=1.0,
                show_default=True,
                metavar="SECONDS",
                help="Of the series in the results.",
            ),
            click.option("--seed", type=int, default=0, show_default=True),
        )
    ):
        command = option(command)
    return command


def _servers(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say which servers are asked, and what becomes of the results."""
    for option in reversed(
        (
            click.option(
                "--url",
                "urls",
                multiple=True,
                required=True,
                help="http(s)://host:port; several take turns.",
            ),
            click.option("--api", type=click.Choice(APIS), default=APIS[0], show_default=True),
            click.option("--name", help="What it is called in reports. [default: the model]"),
            click.option("--output", type=_FILE, help="Where results are written as JSON."),
        )
    ):
        command = option(command)
    return _ways(command)


def _load(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say what load is made up."""
    for option in reversed(
        (
            click.option("--rate", type=_ABOVE_0, help="Requests a second: an open loop."),
            click.option(
                "--concurrency",
                type=click.IntRange(1),
                help="Requests under way: a closed loop, or with --rate the most of an open one.",
            ),
            click.option(
                "--arrivals",
                default="poisson",
                show_default=True,
                help="deterministic, uniform, poisson, pareto, burst or sinusoidal, and how.",
            ),
            click.option(
                "--prompt-tokens",
                metavar="LENGTHS",
                help="const:128, uniform:1,200, normal, lognormal:mean=800,sigma=1, pareto or "
                "poisson. [default: as in Azure's conversations]",
            ),
            click.option("--answer-tokens", metavar="LENGTHS", help="Likewise."),
            click.option(
                "--mix",
                is_flag=False,
                flag_value="",
                metavar="[KIND=SHARE,…]",
                help="Kinds of prompts, told apart in the results.",
            ),
            click.option("--prefix-share", type=click.FloatRange(0, 1), default=0.0),
            click.option("--prefix-tokens", type=click.IntRange(0), default=0),
            click.option("--prefixes", type=click.IntRange(1), default=1),
            click.option("--ramp-up", type=_SECONDS, default=0.0, metavar="SECONDS"),
            click.option(
                "--warm-up", type=_SECONDS, default=0.0, metavar="SECONDS", help="Not measured."
            ),
            click.option("--duration", type=_ABOVE_0, metavar="SECONDS", help="That are measured."),
            click.option("--total", type=click.IntRange(1), help="Requests that are measured."),
            click.option("--max-model-len", type=click.IntRange(2), help="Tokens of a request."),
        )
    ):
        command = option(command)
    return command


_LOAD = (
    "rate",
    "concurrency",
    "arrivals",
    "prompt_tokens",
    "answer_tokens",
    "mix",
    "prefix_share",
    "prefix_tokens",
    "prefixes",
    "ramp_up",
    "warm_up",
    "duration",
    "total",
    "max_model_len",
)


def _parted(given: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the options of the load, and of the servers."""
    made_up = {name: given.pop(name) for name in _LOAD}
    given["verifies"] = not given.pop("insecure")
    return made_up, given


@click.command("load")
@_servers
@_load
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
    from llmstack.load.orders import Servers, Synthetic
    from llmstack.load.program import run

    made_up, servers = _parted(given)
    if find_max_rate:
        from llmstack.load.bench import search

        raise SystemExit(search(Synthetic(**made_up), Servers(**servers), click.echo, output))
    job = Synthetic(**made_up).job(Servers(**servers))
    raise SystemExit(run(job, click.echo, output))


@click.command("replay")
@click.option("--csv", type=_FILE, required=True, help="The trace, as it is published.")
@_servers
@click.option("--speedup", type=_ABOVE_0, default=1.0, show_default=True)
@click.option(
    "--concurrency",
    type=click.IntRange(1),
    help="Most requests under way; the others wait, and that counts. [default: no bound]",
)
@click.option("--cache-dir", type=_FOLDER, help="Of the normalised trace. [default: beside it]")
@click.option("--no-cache", is_flag=True, help="Normalise it each time, and write nothing.")
@click.option("--limit", type=click.IntRange(1), help="Only so many requests.")
@click.option("--from", "start", type=_SECONDS, default=0.0, help="Seconds of the trace.")
@click.option("--to", "end", type=_ABOVE_0, help="Seconds of the trace.")
@click.option("--share", type=click.FloatRange(0, 1, min_open=True), default=1.0)
@click.option("--max-model-len", type=click.IntRange(2), help="Tokens of a request.")
@click.option("--warm-up", type=_SECONDS, default=0.0, metavar="SECONDS", help="Not measured.")
def replay(output: Path | None, csv: Path, **given: Any) -> None:
    """Send a trace again, each request at its time however slow the server is.

    Azure's traces of 2023, 2024 and 2025, BurstGPT, Mooncake and Bailian are read as they are
    published, also compressed.

    Exits 0 when all is well, 1 when nothing was answered, 3 when the figures are not to be trusted,
    4 when an objective was not held, 130 when it was ended by Ctrl-C.
    """
    from math import inf

    from llmstack.load.orders import Replay, Servers
    from llmstack.load.program import run
    from llmstack.load.traces.plan import Selection

    end = given.pop("end")
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
    raise SystemExit(run(order.job(Servers(**given), click.echo), click.echo, output))


@click.command("bench")
@click.option(
    "--server",
    "servers",
    multiple=True,
    required=True,
    metavar="NAME=API@URL",
    help=f"One of those that are compared; an API is {', '.join(APIS)}.",
)
@click.option("--output", type=_FOLDER, help="A folder for the results of each.")
@_ways
@_load
def bench(servers: tuple[str, ...], output: Path | None, **given: Any) -> None:
    """Put the same load on several servers, one after the other, and compare them.

    Exits as load does, with the first that is not 0.
    """
    from llmstack.load.bench import compare, read_server
    from llmstack.load.orders import Servers, Synthetic

    made_up, ways = _parted(given)
    asked = [
        Servers(urls=(url,), api=api, name=name, **ways)
        for name, api, url in map(read_server, servers)
    ]
    raise SystemExit(compare(Synthetic(**made_up), asked, click.echo, output))


@click.command("report")
@click.argument("files", nargs=-1, required=True, type=_FILE)
@click.option("--markdown", is_flag=True, help="For a page, and not for a terminal.")
def report(files: tuple[Path, ...], markdown: bool) -> None:
    """Compare runs that were written with --output; of one, say all."""
    from llmstack.load.comparison import compared
    from llmstack.load.results import read
    from llmstack.load.summary import told

    found = [read(file) for file in files]
    is_one = len(found) == 1 and not markdown
    click.echo(told(found[0]) if is_one else compared(found, as_markdown=markdown))
