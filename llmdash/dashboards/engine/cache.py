"""The caches of any engine: how full the KV cache is, what the prefix cache finds and saves."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.dashboards.dashboard import Dashboard, Row
from llmdash.dashboards.engine.cache_savings import (
    prefill_time_saved,
    spared_share,
    tells_savings,
    tells_spared,
)
from llmdash.dashboards.engine.page import engine_dashboard
from llmdash.dashboards.engine.series import engine_labels, engine_legend, note_of
from llmdash.dashboards.panels import Panel, Query, Stat, TimeSeries
from llmdash.dashboards.policy import KV_CACHE
from llmdash.dashboards.rows import row_of
from llmdash.dashboards.source_page import SourcePage
from llmdash.dashboards.style import PLAIN, TOKEN_SOURCES, hue
from llmdash.dashboards.tiles import side_by_side
from llmdash.errors import SourceError
from llmdash.layer import Layer
from llmdash.promql.expressions import total
from llmdash.promql.nodes import Expr
from llmdash.promql.units import COUNT
from llmdash.promql.windows import RATE_INTERVAL
from llmdash.sources.answer import RatioAnswer
from llmdash.sources.source import Source

DESCRIPTION = (
    "How much of the KV cache live requests hold, what the prefix cache finds of their prompts, "
    "and what that saves."
)


def engine_cache(source: Source, layer: Layer) -> Dashboard | None:
    """Return the page; None where the engine tells too little of its caches."""
    del layer  # it reads the exporter alone
    page = SourcePage(source)
    return engine_dashboard(page, "cache", DESCRIPTION, cache_rows(page))


def cache_rows(page: SourcePage) -> tuple[Row, ...]:
    """Return what any engine says of its caches."""
    return (
        *row_of("cache-now", "Now", side_by_side(_now(page))),
        *row_of("use", "KV cache use", _use(page)),
        *row_of("prefix", "Prefix cache", _prefix(page)),
        *row_of("savings", "What caching saves", _savings(page)),
        *row_of("other-tiers", "Other cache tiers", _other_tiers(page), collapsed=True),
    )


# --- expressions ---------------------------------------------------------------------------------


def ratio_parts(page: SourcePage, name: str) -> tuple[Expr, Expr]:
    """Return the rates of a ratio's numerator and denominator, all models together.

    Raises:
        SourceError: the source's answer is no ratio.
    """
    answer = page.source.answers.get(name)
    if not isinstance(answer, RatioAnswer):
        raise SourceError(f"{name} of {page.source.name} is no ratio")
    return answer.part_rates(RATE_INTERVAL, (), page.matchers())


def _free_tokens(page: SourcePage) -> Expr:
    each = engine_labels(page)
    free = 1 - page.gauge("kv_cache_use", "max", each)
    return total(page.gauge("kv_cache_capacity", "max", each) * free, (page.model,))


# --- panels --------------------------------------------------------------------------------------


def _now(page: SourcePage) -> Iterator[Panel]:
    if page.has("kv_cache_use"):
        yield Stat(
            key="kv-fullest-now",
            title="Fullest KV cache",
            description="Share of its KV cache that live requests hold, on the fullest engine. "
            "From orange on requests begin to queue, from red on they are preempted. How much the "
            "others have free, the next row says." + note_of(page, "kv_cache_use"),
            queries=(Query("max", page.gauge("kv_cache_use", "max")),),
            thresholds=KV_CACHE,
        )
    if page.has("prefix_cache_hit_ratio"):
        yield Stat(
            key="prefix-now",
            title="Prefix cache hits",
            description="Share of the prompt tokens looked up that the prefix cache has. Near zero "
            "is fine where prompts share nothing; where they begin alike, check that caching is "
            "on and that equal prefixes go to the same engine. Without other tiers it is also "
            "the share of prefill that is avoided.",
            queries=(
                Query(
                    "ratio",
                    page.ratio("prefix_cache_hit_ratio"),
                    color=hue("prefix_cache_hit_ratio"),
                ),
            ),
        )
    elif tells_spared(page):
        yield _spared_now(page)
    if tells_savings(page):
        yield Stat(
            key="saved-now",
            title="Prefills spared at any moment",
            description="How many more requests would be reading their prompts at any moment if "
            "nothing were cached: seconds of prefill that are spared each second. Falling under "
            "even traffic, the caches help less and prefill has to make up for it.",
            queries=(Query("saved", prefill_time_saved(page)),),
            unit=COUNT,
        )


def _spared_now(page: SourcePage) -> Panel:
    return Stat(
        key="spared-now",
        title="Prefill avoided",
        description="Share of all prompt tokens that some cache, of this engine or another "
        "tier, had already computed: prefill work that was not done. Half means that "
        "prompts cost half.",
        queries=(Query("share", spared_share(page), color=hue("cached_prompt_tokens")),),
        maximum=1,
    )


def _use(page: SourcePage) -> Iterator[Panel]:
    if not page.has("kv_cache_use"):
        return
    yield TimeSeries(
        key="kv-use",
        title="KV cache use, fullest and mean",
        description="Share of the KV cache that live requests hold: on the fullest engine, and as "
        "the mean of all, small and large alike. The two apart, one engine fills while others have "
        "room; both near 1, the cache bounds the batch.",
        queries=(
            Query("max", page.gauge("kv_cache_use", "max"), "fullest", color=hue("kv_cache_use")),
            Query("mean", page.gauge("kv_cache_use", "avg"), "mean", color=PLAIN),
        ),
        thresholds=KV_CACHE,
    )
    yield TimeSeries(
        key="kv-by-engine",
        title="KV cache use by engine",
        description="Share of its KV cache that each engine's requests hold; ranks of a data "
        "parallel server have a cache each. A saw that climbs slowly and falls at once is one "
        "long request; a flat line at 1 is an engine that preempts.",
        queries=(
            Query(
                "use", page.gauge("kv_cache_use", "max", engine_labels(page)), engine_legend(page)
            ),
        ),
        thresholds=KV_CACHE,
    )
    if page.has("kv_cache_capacity"):
        yield TimeSeries(
            key="kv-free-tokens",
            title="Room in the KV cache",
            description="Tokens that the KV caches of each model's engines could still take in. "
            "Below the length of a usual prompt with its answer, the next request waits.",
            queries=(Query("free", _free_tokens(page), f"{{{{{page.model}}}}}"),),
        )


def _prefix(page: SourcePage) -> Iterator[Panel]:
    legend = f"{{{{{page.model}}}}}"
    if page.has("prefix_cache_hit_ratio"):
        found, asked = ratio_parts(page, "prefix_cache_hit_ratio")
        yield TimeSeries(
            key="prefix-ratio",
            title="Prefix cache hit ratio",
            description="Share of looked-up prompt tokens that the prefix cache has, by model. "
            "Falling under even traffic, the cache has become too small, or routing scatters what "
            "begins alike; falling after a release, a template now varies early in the prompt."
            + note_of(page, "prefix_cache_hit_ratio"),
            queries=(Query("ratio", page.ratio("prefix_cache_hit_ratio", (page.model,)), legend),),
            maximum=1,
        )
        yield TimeSeries(
            key="prefix-tokens",
            title="Prefix cache lookups",
            description="Prompt tokens looked up and found each second. Between the lines is what "
            "had to be computed: a ratio that falls because lookups grew is new traffic, one that "
            "falls because hits shrank is a cache that lost something.",
            queries=(
                Query("queries", asked, "looked up", color=hue("prompt_tokens")),
                Query("hits", found, "found", color=hue("prefix_cache_hit_ratio")),
            ),
        )
    if page.has("cached_prompt_tokens"):
        yield _cached_tokens(page)


def _cached_tokens(page: SourcePage) -> Panel:
    (term, *_) = page.source.answers["cached_prompt_tokens"].terms
    source = dict(term.labels).get("token_source", "")
    return TimeSeries(
        key="cached-tokens",
        title="Cached prompt tokens by where from" if source else "Cached prompt tokens",
        description="Prompt tokens each second that needed no prefill, because a cache of this "
        "engine or of another tier had them. A tier that was there and is gone is a connector "
        "that failed: prefill takes its part over, and time to first token rises."
        + note_of(page, "cached_prompt_tokens"),
        queries=(
            Query(
                "tokens",
                page.counter("cached_prompt_tokens", (source,) if source else ()),
                f"{{{{{source}}}}}" if source else "cached",
            ),
        ),
        stack=True,
        colors=TOKEN_SOURCES,
    )


def _savings(page: SourcePage) -> Iterator[Panel]:
    legend = f"{{{{{page.model}}}}}"
    if tells_spared(page):
        yield TimeSeries(
            key="spared",
            title="Prefill work avoided",
            description="Share of prompt tokens that no engine had to compute, by model. It is "
            "what caching is worth in prefill capacity: at 50 % the same GPUs read twice as much. "
            "Falling while traffic is even, plan for that much more prefill.",
            queries=(Query("share", spared_share(page, (page.model,)), legend),),
            maximum=1,
        )
    if tells_savings(page):
        yield TimeSeries(
            key="saved",
            title="Prefills spared at any moment, by model",
            description="How many more requests of a model would be reading their prompts if "
            "nothing were cached: cached tokens each second times the prefill time that a computed "
            "token takes, as measured. Prefills that run side by side count each, so of GPU time "
            "it is the most that can be saved. A gap means that no request finished.",
            queries=(Query("saved", prefill_time_saved(page, (page.model,)), legend),),
            unit=COUNT,
        )


def _other_tiers_now(page: SourcePage) -> Iterator[Panel]:
    yield Stat(
        key="external-now",
        title="Other tiers' hits",
        description="Share of the prompt tokens asked of another cache tier (CPU memory, disk, "
        "another server) that it has. No traffic: no such tier is configured, or nothing "
        "was asked of it.",
        queries=(Query("ratio", page.ratio("external_cache_hit_ratio")),),
    )
    if page.has("prefix_cache_hit_ratio") and tells_spared(page):
        # With other tiers it is more than the prefix cache's hits, without them the same.
        yield _spared_now(page)


def _other_tiers(page: SourcePage) -> Iterator[Panel]:
    if not page.has("external_cache_hit_ratio"):
        return
    found, asked = ratio_parts(page, "external_cache_hit_ratio")
    yield from side_by_side(_other_tiers_now(page))
    yield TimeSeries(
        key="external-ratio",
        title="Hit ratio of other tiers",
        description="Share of the prompt tokens asked of another tier that it has, by model. Only "
        "what the engine's own cache lacks is asked there, so a low share can still pay; zero for "
        "long means a tier that costs memory and serves nobody. A gap means that none is asked."
        + note_of(page, "external_cache_hit_ratio"),
        queries=(
            Query(
                "ratio",
                page.ratio("external_cache_hit_ratio", (page.model,)),
                f"{{{{{page.model}}}}}",
            ),
        ),
        maximum=1,
    )
    yield TimeSeries(
        key="external-tokens",
        title="Lookups in other tiers",
        description="Prompt tokens asked of another tier and found there each second. Lookups at "
        "zero while prompts arrive mean that the connector is off or has lost its tier.",
        queries=(
            Query("queries", asked, "looked up", color=hue("prompt_tokens")),
            Query("hits", found, "found", color=hue("external_cache_hit_ratio")),
        ),
    )
