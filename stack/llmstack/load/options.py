"""The options of the commands that send load, in the groups that several of them have."""

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
SECONDS = click.FloatRange(min=0)
ABOVE_0 = click.FloatRange(min=0, min_open=True)
FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)

Group = Callable[[Callable[..., Any]], Callable[..., Any]]


def group(*options: Group) -> Group:
    """Return what adds options to a command, in this order."""

    def added(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return added


#: How servers are asked.
asking_options = group(
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
        type=ABOVE_0,
        default=600.0,
        show_default=True,
        metavar="SECONDS",
        help="Of a request.",
    ),
    click.option(
        "--connect-timeout",
        type=ABOVE_0,
        default=10.0,
        show_default=True,
        metavar="SECONDS",
    ),
    click.option(
        "--drain",
        type=SECONDS,
        metavar="SECONDS",
        help="Until what is under way at the end is left. [default: --timeout]",
    ),
    click.option(
        "--tokenizer",
        type=FILE,
        help="A tokenizer.json that counts prompts; else they are estimated.",
    ),
    click.option(
        "--token-ids",
        metavar="LEAST-MOST",
        help="Of prompts that are sent as token ids (openai-completions, triton-tokens), where a "
        "model has fewer. [default: 1000-29999]",
    ),
    click.option(
        "--slo",
        default="",
        metavar="OBJECTIVES",
        help="What is to be held: ttft_p95=2s,itl_p95=150ms; also tpot and e2e.",
    ),
    click.option(
        "--log-every",
        type=SECONDS,
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

#: Which servers are asked, how, and what becomes of the results.
server_options = group(
    asking_options,
    click.option(
        "--url",
        "urls",
        multiple=True,
        required=True,
        help="http(s)://host:port; several take turns.",
    ),
    click.option(
        "--api",
        type=click.Choice(APIS),
        default=APIS[0],
        show_default=True,
        help="Of Triton: text as fields (generate), text as tensors of TensorRT-LLM's ensemble "
        "(infer), or token ids (tokens).",
    ),
    click.option("--name", help="What it is called in reports. [default: the model]"),
    click.option("--output", type=FILE, help="Where results are written as JSON."),
)

#: What load is made up.
made_up_options = group(
    click.option("--rate", type=ABOVE_0, help="Requests a second: an open loop."),
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
    click.option("--ramp-up", type=SECONDS, default=0.0, metavar="SECONDS"),
    click.option("--warm-up", type=SECONDS, default=0.0, metavar="SECONDS", help="Not measured."),
    click.option("--duration", type=ABOVE_0, metavar="SECONDS", help="That are measured."),
    click.option("--total", type=click.IntRange(1), help="Requests that are measured."),
    click.option("--max-model-len", type=click.IntRange(2), help="Tokens of a request."),
)

_MADE_UP = (
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


def parted(given: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the options of the load, and of the servers."""
    own = {name: given.pop(name) for name in _MADE_UP}
    given["verifies"] = not given.pop("insecure")
    return own, given
