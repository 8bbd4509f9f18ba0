"""Latency in detail: models and instances side by side, distributions, and what buckets hide."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from llmdash.dashboards.distribution_panels import heatmap
from llmdash.dashboards.panels import Panel, Query, TimeSeries
from llmdash.dashboards.policy import TOLD_BY_MEAN
from llmdash.dashboards.source_page import SourcePage
from llmdash.dashboards.style import shade
from llmdash.promql.nodes import Expr
from llmdash.promql.windows import RATE_INTERVAL
from llmdash.signals import signal

#: What a user feels, then the phases that it is made of.
FELT = (
    "time_to_first_token",
    "inter_token_latency",
    "time_per_output_token",
    "end_to_end_latency",
)
PHASES = ("queue_time", "prefill_time", "decode_time")

#: Shades for the signals that share a hue where they share a panel.
_SHARES = {"time_per_output_token": 0.9, "decode_time": 0.99}


def one_number(page: SourcePage, name: str) -> str:
    """Say which number stands for a whole latency: its p95, or its mean where that says more."""
    return "mean" if name in TOLD_BY_MEAN or not page.has_buckets(name) else "p95"


def p95_or_mean(page: SourcePage, name: str, by: Sequence[str] = ()) -> Expr:
    """Return that number by labels."""
    answer = page.distribution(name)
    if one_number(page, name) == "mean":
        return answer.mean(RATE_INTERVAL, by, page.matchers())
    return answer.quantile(0.95, RATE_INTERVAL, by, page.matchers())


def felt(page: SourcePage) -> tuple[str, ...]:
    """Return what users feel, as far as it is known, the pace of tokens once.

    Gaps between tokens and the time per token of a request are nearly one number.
    """
    known = [name for name in FELT if page.has(name)]
    if "inter_token_latency" in known and "time_per_output_token" in known:
        known.remove("time_per_output_token")
    return tuple(known)


def by_model(page: SourcePage) -> Iterator[Panel]:
    """Yield one graph a signal with a line for each model: one model's trouble, or everybody's."""
    if not page.model:
        return
    texts = {
        "time_to_first_token": "One line above its own past while others hold is that model's "
        "queue or prompts; all of them rising share a bottleneck, such as the GPU or the host.",
        "inter_token_latency": "Models differ by size, so compare each with its own past. A jump "
        "without more requests running points at other hardware or another configuration.",
        "time_per_output_token": "The pace of whole requests. A model whose line parts from its "
        "inter-token latency has few requests that suffer much.",
        "end_to_end_latency": "Models differ by the length of their answers: a line that rises "
        "with its generation length is traffic, one that rises alone is trouble.",
    }
    known = [name for name in FELT if page.has(name)]
    for name in known:
        word = one_number(page, name)
        yield TimeSeries(
            key=f"{_key(name)}-by-model",
            title=f"{signal(name).title} {word} by model",
            description=texts[name],
            queries=(Query(word, p95_or_mean(page, name, (page.model,)), f"{{{{{page.model}}}}}"),),
            # Four in two lines of two: three and one would leave the last alone.
            width=8 if len(known) == 3 else 12,
        )


def by_instance(page: SourcePage) -> Iterator[Panel]:
    """Yield means by instance: cheap enough for many replicas, and a straggler shows."""
    texts = {
        "time_to_first_token": "A replica above the others has a queue of its own: routing sends "
        "it more, or longer, prompts than the rest.",
        "inter_token_latency": "A replica above the others under the same load is a straggler: "
        "look at its GPU's clocks, temperature and errors.",
        "queue_time": "Queueing on one replica only means that requests are not spread; on all, "
        "that there are too few replicas.",
    }
    for name, text in texts.items():
        if page.has(name):
            answer = page.distribution(name)
            yield TimeSeries(
                key=f"{_key(name)}-by-instance",
                title=f"{signal(name).title} mean by instance",
                description=text,
                queries=(
                    Query(
                        "mean",
                        answer.mean(RATE_INTERVAL, ("instance",), page.matchers()),
                        "{{instance}}",
                    ),
                ),
                width=8,
            )


def heatmaps(page: SourcePage) -> Iterator[Panel]:
    """Yield how the observations of each latency lie, which no quantile shows."""
    texts = {
        "time_to_first_token": "How many first tokens came after how long. Two bands are two kinds "
        "of request (short and long prompts, cached and not), which no quantile shows.",
        "inter_token_latency": "How many gaps were how long. A thin band far above the rest is "
        "prefills that interrupt decoding.",
        "time_per_output_token": "How many requests had which pace. A second band is a group of "
        "requests that is served worse than the others.",
        "end_to_end_latency": "How many requests took how long. A bright line at one height is "
        "often a timeout or a limit on tokens.",
        "queue_time": "How many requests waited how long. A band that climbs from minute to minute "
        "is a queue that does not drain.",
        "prefill_time": "How many prompts took how long to read. A new band above is a new kind of "
        "prompt, or one that no longer hits the cache.",
        "decode_time": "How many answers took how long to write. A band at a fixed height is "
        "answers that end at a limit.",
    }
    for name in (*FELT, *PHASES):
        key = f"{_key(name)}-heatmap"
        yield from heatmap(page, name, key, signal(name).title, texts[name])


def bucket_limits(page: SourcePage) -> Iterator[Panel]:
    """Yield the shares of observations of which the buckets say nothing."""
    known = [name for name in (*FELT, *PHASES) if page.has_buckets(name)]
    if not known:
        return
    yield TimeSeries(
        key="beyond-buckets",
        title="Beyond the last bucket",
        description="Share of observations above the last bucket edge, where a quantile can only "
        "answer with that edge. At 1 % p99 is no longer measured, at 5 % p95 is not: the panels "
        "above then show less than users suffer.",
        queries=tuple(
            Query(_key(name), page.beyond(name), f"{_edge(page, name, -1)}", color=_color(name))
            for name in known
        ),
        minimum=0,
        zoomed=True,
    )
    yield TimeSeries(
        key="within-first-bucket",
        title="Within the first bucket",
        description="Share of observations up to the first bucket edge, of which nothing more is "
        "known. Above a half, p50 is a guess between zero and that edge: read the mean, or set "
        "finer buckets where the server lets you.",
        queries=tuple(
            Query(
                _key(name), page.within_first(name), f"{_edge(page, name, 0)}", color=_color(name)
            )
            for name in known
        ),
        minimum=0,
        zoomed=True,
    )


def _key(name: str) -> str:
    return name.replace("_", "-")


def _color(name: str) -> str:
    return shade(name, _SHARES.get(name, 0.95))


def _edge(page: SourcePage, name: str, place: int) -> str:
    """Name a signal and the edge in question (`Queue time over 7,680 s`)."""
    edges = page.distribution(name).canonical_edges
    assert edges is not None  # only asked of answers with buckets
    word = "over" if place else "up to"
    return f"{signal(name).title} {word} {edges.values[place]:,.10g} s"
