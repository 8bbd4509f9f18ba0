"""The command `top`; what it needs is imported when it is called."""

from __future__ import annotations

import re

import click
from click.core import ParameterSource

_WINDOW = re.compile(r"([1-9][0-9]*(ms|s|m|h|d))+")
_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):\s*(.*)")


def _window(_: click.Context, __: click.Parameter, text: str | None) -> str | None:
    if text is not None and not _WINDOW.fullmatch(text):
        raise click.BadParameter(f"expected a time such as 1m or 90s, got {text!r}")
    return text


def _headers(
    _: click.Context, __: click.Parameter, texts: tuple[str, ...]
) -> tuple[tuple[str, str], ...]:
    found = []
    for text in texts:
        match = _HEADER.fullmatch(text)
        if match is None:
            # It may be a secret, so it is not repeated.
            raise click.BadParameter("expected 'NAME: VALUE'")
        found.append((match[1], match[2]))
    return tuple(found)


@click.command("top")
@click.option(
    "--prometheus",
    default="http://127.0.0.1:9090",
    envvar="PROMETHEUS_URL",
    show_default=True,
    show_envvar=True,
    metavar="URL",
    help="Where to ask, unless --url is given.",
)
@click.option(
    "--url",
    "urls",
    multiple=True,
    metavar="URL",
    help="A server's own page of metrics, without a Prometheus; host:port has it at /metrics. "
    "May be given again, for replicas and for a GPU exporter.",
)
@click.option(
    "--interval",
    type=click.FloatRange(min=0.1),
    default=2.0,
    show_default=True,
    metavar="SECONDS",
    help="From one reading to the next; with --url rates are over it.",
)
@click.option(
    "--window",
    callback=_window,
    metavar="TIME",
    help="Of rates from Prometheus, read from exporters even where rules have recorded theirs over "
    "5m. [default: 1m, four scrapes of 15 s: less does not bear the loss of one]",
)
@click.option("--once", "is_once", is_flag=True, help="One table; 1 if nothing could be read.")
@click.option("--plain", "is_plain", is_flag=True, help="Lines, as where there is no terminal.")
@click.option("--output", type=click.Choice(("table", "json")), default="table", show_default=True)
@click.option(
    "--model", "models", multiple=True, metavar="PATTERN", help="Only these, as in 'llama*'."
)
@click.option(
    "--source", "sources", multiple=True, metavar="PATTERN", help="Only these, as in 'triton*'."
)
@click.option(
    "--header",
    "-H",
    "headers",
    multiple=True,
    callback=_headers,
    metavar="'NAME: VALUE'",
    help="Of each request, such as 'Authorization: Bearer …'.",
)
def top(
    prometheus: str,
    urls: tuple[str, ...],
    interval: float,
    window: str | None,
    output: str,
    **given: object,
) -> None:
    """Watch servers of language models in this terminal, model by model.

    \b
    TTFT   to the first token, 95th percentile
    TPOT   from one token to the next, 95th percentile (trtllm: each request's mean)
    E2E    of the whole request, 95th percentile; ~ is the mean, where a server (Triton) tells
           no more
    TOK/S  tokens written in a second, and what they were; sglang, trtllm and triton-trtllm
           count them when a request ends
    RUN    requests in the batch; triton and triton-vllm do not tell
    WAIT   requests that wait; of triton those before the backend, which are few
    KV     use of the KV cache, of the fullest replica; triton and triton-vllm do not tell

    – is what a server does not tell, · a latency when there was no traffic, > the edge of the last
    bucket when the quantile is beyond it. A gateway sees the same requests as the
    engines behind it, so it is in no total.

    From Prometheus, figures are those that llmdash's rules have recorded, and otherwise those of
    exporters; with --url they are read from servers themselves. A server that is down or babbles is
    told in a line, and asked again.

    Ctrl-C ends it, and it exits 0, as top does; 1 with --once if nothing could be read.
    """
    from llmstack.top.program import Order, run
    from llmstack.top.reader import page_url, prometheus_url

    given_by = click.get_current_context().get_parameter_source("prometheus")
    if urls and given_by is ParameterSource.COMMANDLINE:
        raise click.UsageError("--prometheus or --url: expected one of them, got both")
    if urls and window is not None:
        raise click.UsageError("--window is of a Prometheus; with --url rates are over --interval")
    order = Order(
        urls=tuple(map(page_url, urls)),
        prometheus=prometheus_url(prometheus),
        window=window,
        interval=interval,
        is_json=output == "json",
        **given,  # type: ignore[arg-type]
    )
    raise SystemExit(run(order, click.echo))
