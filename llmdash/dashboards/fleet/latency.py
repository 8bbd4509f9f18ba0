"""How long users of the fleet wait: each latency by source, and beside it by model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from llmdash.dashboards.layer_page import LayerPage
from llmdash.dashboards.panels import Panel, Query, TimeSeries
from llmdash.dashboards.policy import QUANTILES, TOLD_BY_MEAN, slow_limits
from llmdash.dashboards.source_page import percent
from llmdash.dashboards.style import PLAIN, shade
from llmdash.promql.expressions import at_edges, quantile, total
from llmdash.signals import signal

BY_MODEL = ("source", "model")
LEGEND = "{{source}} {{model}}"

#: A quantile over all sources is read off the edges that all of them have: from this share of the
#: finest source's edges on, it says nearly what each source's own buckets do.
SHARED_EDGES = 0.75

#: Latencies, and what their lines say.
_LATENCIES = (
    (
        "time_to_first_token",
        "From arrival to the first token. All lines rising together means load, one alone "
        "means that source's or model's own trouble.",
    ),
    (
        "inter_token_latency",
        "The gap between two outputs of a stream. It rises with the batch of the engine.",
    ),
    (
        "end_to_end_latency",
        "From arrival to the last token, of finished requests. It follows the length of "
        "answers first.",
    ),
    (
        "queue_time",
        "Waiting before work begins, written when a request finishes. Anything steadily "
        "above zero is too little capacity.",
    ),
)


def latency_panels(page: LayerPage) -> Iterator[Panel]:
    """Yield each latency by source on the left and by model on the right, then over all."""
    known = tuple(each for each in _LATENCIES if page.has(each[0]))
    for name, text in known:
        yield _by_source(page, name, text)
        yield _by_model(page, name, text)
    for name, text in known:
        if page.has(name, buckets=True):
            yield from _over_all_sources(page, name, text)


def _by_source(page: LayerPage, name: str, text: str) -> Panel:
    has_buckets = page.has(name, buckets=True)
    if has_buckets:
        form = (
            "Quantiles are by source, each over its own buckets; the mean is also over all of "
            "them. A gap means no traffic."
        )
    else:
        form = "No source here has buckets, so only means are known."
    return TimeSeries(
        key=name.replace("_", "-"),
        title=signal(name).title,
        description=f"{text} {form}",
        queries=(
            *(_quantiles(page, name) if has_buckets else ()),
            Query("mean", page.mean(name, ("source",)), "{{source}} mean", color=PLAIN),
            Query("mean-all", page.mean(name), "mean, all", color=PLAIN),
        ),
    )


def _quantiles(page: LayerPage, name: str) -> Iterator[Query]:
    """Yield the usual quantiles of each source, in shades of the signal."""
    for share in QUANTILES:
        each = page.quantile(name, share, ("source",))
        called = f"{{{{source}}}} {percent(share)}"
        yield Query(percent(share), each, called, color=shade(name, share))


def _by_model(page: LayerPage, name: str, text: str) -> Panel:
    key, title = f"{name.replace('_', '-')}-by-model", signal(name).title
    has_buckets = page.has(name, buckets=True)
    if not has_buckets or name in TOLD_BY_MEAN:
        coarse = (
            " Not p95: where requests end within the first bucket, it is a share of its edge."
            if has_buckets
            else ""
        )
        return TimeSeries(
            key=key,
            title=f"{title} by model, mean",
            description=f"{text}{coarse} A gap means no traffic.",
            queries=(Query("mean", page.mean(name, BY_MODEL), LEGEND),),
        )
    p95 = page.quantile(name, 0.95, BY_MODEL)
    limits = slow_limits(name, p95.facts.bounds[1])
    return TimeSeries(
        key=key,
        title=f"{title} by model, p95",
        description=f"{text} Only sources with buckets are shown.",
        queries=(Query("p95", p95, LEGEND),),
        thresholds=limits,
        base_color=PLAIN if limits else None,
    )


def _over_all_sources(page: LayerPage, name: str, text: str) -> Iterator[Panel]:
    """Yield quantiles over all sources, where their buckets are nearly the same."""
    # A gateway's buckets are not added up here, so its edges do not matter.
    alone = replace(page.layer, sources=page.layer.answering(name, buckets=True, role=page.role))
    buckets = alone.buckets(name)
    edges = buckets.series.edges
    assert edges is not None  # they are buckets
    finest = max(len(own) for _, own in edges.by_source)
    if len(edges.by_source) < 2 or len(edges.values) < SHARED_EDGES * finest:
        return
    shared = at_edges(page.chosen(buckets), edges.values)
    yield TimeSeries(
        key=f"{name.replace('_', '-')}-total",
        title=f"{signal(name).title}, all sources",
        description=f"{text} Over the {len(edges.values)} bucket edges that all sources share; "
        f"the top one is {edges.values[-1]:g} s, and no quantile can be read above it.",
        queries=tuple(
            Query(
                percent(share),
                quantile(share, total(shared, ("le",))),
                percent(share),
                color=shade(name, share),
            )
            for share in QUANTILES
        ),
    )
