"""Several back ends side by side over the same signals: who is faster, at which load.

Everything is by source, so no two sources' buckets are ever added up. A gateway counts the same
requests again: it stands beside the engines and is never summed with them.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.dashboards.dashboard import Dashboard
from llmdash.dashboards.fleet.client_gap import gap_panels
from llmdash.dashboards.fleet.compare_table import back_ends_table
from llmdash.dashboards.fleet.comparison import BY, Comparison
from llmdash.dashboards.fleet.energy import ALL_TOKENS, WRITTEN, Energy
from llmdash.dashboards.panels import Panel, Query, TimeSeries
from llmdash.dashboards.policy import ERROR_SHARE, KV_CACHE
from llmdash.dashboards.rows import row_of
from llmdash.dashboards.source_page import FOLDER, NEIGHBOURS, TAG
from llmdash.dashboards.style import source_colors
from llmdash.layer import Layer
from llmdash.promql.expressions import total
from llmdash.signals import signal
from llmdash.sources.source import Role

UID = "llm-compare"

#: Latencies that are compared, and what a difference between two sources means.
_LATENCIES = (
    (
        "time_to_first_token",
        "From arrival to the first token. A source that is slower here at the same prompts "
        "queues more, or reads prompts more slowly: see queue time.",
        "The usual wait for a first token. A mean far above its p50 is a few requests that wait "
        "very long: a queue that comes and goes.",
    ),
    (
        "inter_token_latency",
        "The gap between two outputs of a stream. A larger batch makes it longer, so read it "
        "beside the tokens per second that the batch brings.",
        "The usual gap in a stream. A mean well above p50 is streams that stop while others' "
        "prompts are read: look at how each source divides prompts into chunks.",
    ),
    (
        "end_to_end_latency",
        "From arrival to the last token. It follows the length of answers first: compare it "
        "only where these are alike.",
        "The usual time of a whole request; the one latency that every source knows at least in "
        "the mean. Apart while first tokens are alike, sources differ in writing.",
    ),
    (
        "queue_time",
        "Waiting before work begins. A source that waits while another does not takes fewer "
        "requests into its batch.",
        "The usual wait before work begins. Half of the requests waiting at all is a source "
        "beyond its capacity, and what else it shows is of an overloaded server.",
    ),
)


def compare(layer: Layer) -> Dashboard | None:
    """Return the page; None where the pack has one engine only."""
    if len(layer.answering("requests", role=Role.ENGINE)) < 2:
        return None
    comparison = Comparison(layer)
    rows = (
        *row_of("back-ends", "Back ends", (back_ends_table(comparison),)),
        *row_of("load", "Is the load the same?", _load(comparison)),
        *row_of("latency", "Latency", _latency(comparison)),
        *row_of("throughput", "Throughput and saturation", _throughput(comparison)),
        *row_of("gap", "Between clients and engines", gap_panels(layer)),
        *row_of("energy", "Energy", _energy(Energy(layer, ("model",)))),
    )
    return Dashboard(
        uid=UID,
        title="LLM back ends compared",
        description="The same questions of several back ends, side by side: latency, throughput, "
        "errors and saturation by source, and whether their load is the same at all. Of one source "
        "alone the fleet's page tells more.",
        tags=(TAG, "compare"),
        folder=FOLDER,
        variables=comparison.asked.choices("model", "source"),
        links=NEIGHBOURS,
        annotations=tuple(comparison.asked.events()),
        rows=rows,
    )


def _load(comparison: Comparison) -> Iterator[Panel]:
    """Yield what must be alike before anything else on the page is compared."""
    yield comparison.lines(
        "request-rate",
        "Requests ended",
        "Requests that ended each second, by source. Where the lines differ, latencies below "
        "are of different loads, and the busier source is not slower by that alone.",
        comparison.asked.counter("requests", BY),
        width=8,
    )
    texts = {
        "prompt-length": "Tokens of a prompt, by source: what reading it costs. Apart, times "
        "to first token cannot be compared; a cache may hide it, see prefix cache hits.",
        "generation-length": "Tokens of an answer, by source. Apart, end-to-end latencies "
        "cannot be compared: check that both sides got the same limit on tokens.",
    }
    for key, title, length in comparison.lengths():
        yield comparison.lines(f"mean-{key}", title, texts[key], length, width=8)


def _latency(comparison: Comparison) -> Iterator[Panel]:
    """Yield quantiles and means of each latency, each source over its own buckets."""
    for name, rare, usual in _LATENCIES:
        if comparison.asked.has(name):
            yield from _latency_of(comparison, name, rare, usual)


def _latency_of(comparison: Comparison, name: str, rare: str, usual: str) -> Iterator[Panel]:
    title, key = signal(name).title, name.replace("_", "-")
    mean = Query("mean", comparison.asked.mean(name, BY), "{{source}} mean")
    colors = source_colors(comparison.names, " mean", pale=True)
    if not comparison.asked.has(name, buckets=True):
        yield TimeSeries(
            key=f"{key}-mean",
            title=f"{title}, mean",
            description=f"{usual} No source here counts buckets, so there are means only.",
            queries=(mean,),
            colors=colors,
        )
        return
    yield comparison.lines(
        f"{key}-p95",
        f"{title}, p95",
        f"{rare} {_edges(comparison, name)}",
        comparison.asked.quantile(name, 0.95, BY),
    )
    median = Query("p50", comparison.asked.quantile(name, 0.5, BY), "{{source}} p50")
    yield TimeSeries(
        key=f"{key}-p50",
        title=f"{title}, p50 and mean",
        description=usual,
        queries=(median, mean),
        colors={**source_colors(comparison.names, " p50"), **colors},
    )


def _edges(comparison: Comparison, name: str) -> str:
    """Say where the buckets of each source end: nothing is known beyond."""
    edges = comparison.asked.layer.buckets(name).series.edges
    assert edges is not None  # they are buckets
    tops = ", ".join(
        f"{source} {own[-1]:g} s" for source, own in edges.by_source if source in comparison.names
    )
    return f"Each source has buckets of its own, and no line rises above its last edge: {tops}."


def _throughput(comparison: Comparison) -> Iterator[Panel]:
    """Yield what each source gets done, and how full it is while it does."""
    asked = comparison.asked
    for name, title, text in (
        (
            "generation_tokens",
            "Generation tokens",
            "Tokens written each second, by source. At the same requests the higher line "
            "writes longer answers, not faster ones: see tokens per engine.",
        ),
        (
            "prompt_tokens",
            "Prompt tokens",
            "Prompt tokens taken in each second, cached ones included, by source. Sources "
            "under one load have one line.",
        ),
    ):
        if asked.has(name):
            yield comparison.lines(name.replace("_", "-"), title, text, asked.counter(name, BY))
    if asked.has("generation_tokens"):
        if asked.has("end_to_end_latency"):
            yield comparison.lines(
                "tokens-per-request",
                "Output tokens per second of a request",
                "Tokens written for each second that a request spends in the engine, its "
                "waiting included: the speed that one user gets. It falls as batches grow; "
                "the source that keeps it up at the same load is the faster one.",
                comparison.per_request(),
            )
        yield comparison.lines(
            "tokens-per-engine",
            "Generation tokens per engine",
            "Tokens written each second, over the source's engines (over its targets, where "
            "nobody counts engines). Engines of unlike GPUs are not alike: divide by GPUs.",
            comparison.per_engine(),
        )
    yield TimeSeries(
        key="error-share",
        title="Error share",
        description="Failed requests among all that ended, by source. Engines do not count "
        "every failure, and not the same ones: signals.md says which; a gap is no traffic.",
        queries=(Query("by-source", asked.error_share(BY), "{{source}}"),),
        colors=source_colors(comparison.names),
        thresholds=ERROR_SHARE,
        zoomed=True,
    )
    if asked.has("requests_waiting"):
        yield comparison.lines(
            "waiting",
            "Requests waiting",
            "Requests in the queues of each source, whatever they wait for. The source whose "
            "line grows without end is past its capacity; compare latencies before that.",
            total(asked.gauge("requests_waiting"), BY),
        )
    if asked.has("kv_cache_use"):
        yield TimeSeries(
            key="kv-cache",
            title="KV cache use",
            description="Of the fullest engine of each source. Fuller at the same load means "
            "a smaller cache or larger entries: compare memory settings and precision.",
            queries=(Query("by-source", asked.fullest(BY), "{{source}}"),),
            colors=source_colors(comparison.names),
            thresholds=KV_CACHE,
        )


def _energy(energy: Energy) -> Iterator[Panel]:
    """Yield energy for each token by model; nothing where no GPU is known to work for one."""
    if not (energy.by and energy.makes_tokens):
        return
    for key, title, names, text in (
        (
            "energy-per-generated-token",
            "Energy per generated token",
            WRITTEN,
            "Power of a model's GPUs over the tokens that it writes, whichever source runs it. "
            "Back ends under names of their own can be told apart here; one that draws more at "
            "the same load wastes more of its GPUs' time.",
        ),
        (
            "energy-per-token",
            "Energy per token, prompt and answer",
            ALL_TOKENS,
            "The same over tokens read and written. Closer together than the panel beside it, "
            "the models differ in how much they are asked to read.",
        ),
    ):
        yield TimeSeries(
            key=key,
            title=title,
            description=text,
            queries=(Query("energy", energy.per_token(names, energy.by), "{{model}}"),),
            decimals=2,
        )
