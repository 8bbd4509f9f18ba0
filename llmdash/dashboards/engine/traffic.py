"""Traffic of any engine: which requests end and how, which tokens go through, how long they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from llmdash.dashboards.dashboard import Dashboard, Row
from llmdash.dashboards.engine.length_panels import length_heatmaps, lengths
from llmdash.dashboards.engine.page import engine_dashboard
from llmdash.dashboards.engine.series import note_of
from llmdash.dashboards.panels import Panel, Query, Stat, TimeSeries
from llmdash.dashboards.policy import ERROR_SHARE
from llmdash.dashboards.rows import row_of
from llmdash.dashboards.source_page import SourcePage
from llmdash.dashboards.style import OUTCOMES, hue
from llmdash.dashboards.tiles import side_by_side
from llmdash.layer import Layer
from llmdash.promql.expressions import first_of, or_zero
from llmdash.promql.nodes import Expr
from llmdash.sources.source import Source

DESCRIPTION = (
    "What is asked of the engine and how it ends: requests by outcome, tokens in and out, and how "
    "long prompts and answers are."
)


def engine_traffic(source: Source, layer: Layer) -> Dashboard | None:
    """Return the page; None where the engine tells too little of its traffic."""
    del layer  # it reads the exporter alone
    page = SourcePage(source)
    return engine_dashboard(page, "traffic", DESCRIPTION, traffic_rows(page))


def traffic_rows(page: SourcePage) -> tuple[Row, ...]:
    """Return what can be shown of the source's traffic."""
    return (
        *row_of("traffic-now", "Now", side_by_side(_tiles(page))),
        *row_of("requests", "Requests", _requests(page)),
        *row_of("tokens", "Tokens", _tokens(page)),
        *row_of("lengths", "How long prompts and answers are", lengths(page)),
        *row_of("length-heatmaps", "Distributions", length_heatmaps(page), collapsed=True),
    )


def requests_of(page: SourcePage, outcome: str, by: Sequence[str] = ()) -> Expr | None:
    """Return the rate of requests with an outcome; None where the source does not count them."""
    if not page.has("requests"):
        return None
    for place, term in enumerate(page.source.answers["requests"].terms):
        if dict(term.fixed).get("outcome") == outcome:
            return page.counter("requests", by, place)
    return None


def failed_share(page: SourcePage) -> Expr | None:
    """Return the share of requests that failed, of all that the source counts."""
    counted = {name: requests_of(page, name) for name in ("ok", "error", "cancelled")}
    rates = [rate for rate in counted.values() if rate is not None]
    failed = counted["error"]
    if failed is None or len(rates) < 2:
        return None
    first, *others = (_or_zero(rate, rates) for rate in rates)
    whole: Expr = first
    for other in others:
        whole += other
    return _or_zero(failed, rates) / whole


def _or_zero(rate: Expr, rates: Sequence[Expr]) -> Expr:
    """Return a rate; zero where its counter is not born yet, as long as another one counts."""
    return or_zero(rate, first_of(*(other for other in rates if other is not rate)))


def _tiles(page: SourcePage) -> Iterator[Panel]:
    served, share = requests_of(page, "ok"), failed_share(page)
    if served is not None:
        # Where no share of errors can be shown, the reason stands here.
        why = note_of(page, "requests") if share is None else ""
        yield Stat(
            key="requests-now",
            title="Requests served",
            description="Requests that ended well each second. Zero while requests run means that "
            "nothing gets finished." + why,
            queries=(Query("rate", served),),
            graph=True,
        )
    if share is not None:
        yield error_tile(page, share)
    yield from _token_tiles(page)
    for name, key, title, text in (
        (
            "prompt_length",
            "prompt-length-now",
            "Prompt length",
            "Mean tokens of a prompt. When it doubles, so does the work of prefill: look here "
            "first when the first token gets slower.",
        ),
        (
            "generation_length",
            "generation-length-now",
            "Generation length",
            "Mean tokens of an answer. When it doubles, so does the whole wait, and requests hold "
            "the KV cache for twice as long.",
        ),
    ):
        if page.has(name):
            yield Stat(
                key=key,
                title=f"{title} mean",
                description=text,
                queries=(Query("mean", page.mean(name)),),
                decimals=0,
            )


def error_tile(page: SourcePage, share: Expr) -> Panel:
    """Return the share of requests that failed, with what the source does not count."""
    return Stat(
        key="error-share-now",
        title="Errors",
        description="Share of counted requests that failed. Zero is no proof that every user was "
        "served; the gateway in front sees more." + note_of(page, "requests"),
        queries=(Query("share", share),),
        thresholds=ERROR_SHARE,
    )


def _token_tiles(page: SourcePage) -> Iterator[Panel]:
    if page.has("prompt_tokens"):
        yield Stat(
            key="prompt-now",
            title="Prompt tokens",
            description="Prompt tokens taken in each second, cached ones included. A jump with as "
            "many requests as before is longer prompts, and slower first tokens follow."
            + note_of(page, "prompt_tokens"),
            queries=(Query("rate", page.counter("prompt_tokens")),),
            graph=True,
        )
    if page.has("generation_tokens"):
        yield Stat(
            key="generation-now",
            title="Generation tokens",
            description="Tokens generated each second: the work that users see. Zero with "
            "requests running means a stalled engine." + note_of(page, "generation_tokens"),
            queries=(Query("rate", page.counter("generation_tokens")),),
            graph=True,
        )


def _requests(page: SourcePage) -> Iterator[Panel]:
    if not page.has("requests"):
        return
    yield TimeSeries(
        key="outcomes",
        title="Requests by outcome",
        description="Requests that ended each second, by how. Errors that grow with the load are "
        "a limit; errors at any load are a fault; cancelled ones are users who would not wait."
        + note_of(page, "requests"),
        queries=page.outcomes(),
        stack=True,
        colors=OUTCOMES,
    )
    served = requests_of(page, "ok", (page.model,)) if page.model else None
    if served is not None:
        yield TimeSeries(
            key="requests-by-model",
            title="Requests served by model",
            description="Requests that ended well each second for each model. At zero while its "
            "model has requests running, it is stalled; a line that ends has lost its server.",
            queries=(Query("rate", served, f"{{{{{page.model}}}}}"),),
            stack=True,
        )


def _tokens(page: SourcePage) -> Iterator[Panel]:
    kinds = [name for name in ("prompt_tokens", "generation_tokens") if page.has(name)]
    if kinds:
        yield TimeSeries(
            key="tokens",
            title="Token throughput",
            description="Prompt tokens taken in, cached ones included, and tokens generated each "
            "second. Generation that falls while requests wait is a saturated or stalled engine; "
            "prompts that rise alone are traffic that reads more than it writes."
            + note_of(page, kinds[0]),
            queries=tuple(
                Query(
                    name.partition("_")[0],
                    page.counter(name),
                    name.partition("_")[0],
                    color=hue(name),
                )
                for name in kinds
            ),
        )
    for name, key, title, text in (
        (
            "prompt_tokens",
            "prompt-by-model",
            "Prompt tokens by model",
            "Prompt tokens taken in each second for each model. A model that takes most of them "
            "sets the pace of prefill for all that share its GPUs.",
        ),
        (
            "generation_tokens",
            "generation-by-model",
            "Generation tokens by model",
            "Generated tokens each second for each model. One line falling while the others hold "
            "is that model's own trouble.",
        ),
    ):
        if page.has(name) and page.model:
            rate = page.counter(name, (page.model,))
            yield TimeSeries(
                key=key,
                title=title,
                description=text,
                queries=(Query("rate", rate, f"{{{{{page.model}}}}}"),),
                stack=True,
            )
    yield from _cached(page)


def _cached(page: SourcePage) -> Iterator[Panel]:
    if not page.has("cached_prompt_tokens"):
        return
    cached = page.counter("cached_prompt_tokens")
    if page.has("prompt_tokens"):
        yield cached_share(
            cached / page.counter("prompt_tokens"), note_of(page, "cached_prompt_tokens")
        )
    (term, *_) = page.source.answers["cached_prompt_tokens"].terms
    label = dict(term.labels).get("token_source")
    if label:
        yield TimeSeries(
            key="cached-by-source",
            title="Cached prompt tokens by where they were",
            description="Prompt tokens each second that needed no prefill, by which cache had "
            "them. A slower tier that takes over from the first one means that the first is too "
            "small for the prefixes in use.",
            queries=(
                Query("rate", page.counter("cached_prompt_tokens", (label,)), f"{{{{{label}}}}}"),
            ),
            stack=True,
        )


def cached_share(share: Expr, note: str = "") -> Panel:
    """Return the share of prompt tokens that a cache had."""
    return TimeSeries(
        key="cached-share",
        title="Share of prompt tokens cached",
        description="Prompt tokens that some cache had, of all. Falling while prompts still share "
        "prefixes, the cache is too small or routing scatters them. No line: no prompts, or "
        "nothing was cached yet." + note,
        queries=(Query("share", share, "cached", color=hue("cached_prompt_tokens")),),
        minimum=0,
        maximum=1,
    )
