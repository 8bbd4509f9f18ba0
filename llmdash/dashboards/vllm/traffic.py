"""What vLLM adds to its traffic: why requests end or are refused, what they ask for, sizes."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.dashboards.dashboard import Dashboard, Row
from llmdash.dashboards.distribution_panels import quantile_lines
from llmdash.dashboards.engine.page import engine_dashboard
from llmdash.dashboards.engine.series import distribution_of
from llmdash.dashboards.engine.traffic import DESCRIPTION, cached_share, error_tile, traffic_rows
from llmdash.dashboards.panel_rows import extended, without
from llmdash.dashboards.panels import Panel, Query, TimeSeries
from llmdash.dashboards.rows import row_of
from llmdash.dashboards.source_page import SourcePage
from llmdash.dashboards.style import FINISH_REASONS, TOKEN_SOURCES
from llmdash.dashboards.tiles import side_by_side
from llmdash.layer import Layer
from llmdash.metrics import fastapi
from llmdash.metrics import vllm as metrics
from llmdash.metrics.metric import Summary
from llmdash.promql.expressions import mean_of, rate, share_of, total
from llmdash.promql.nodes import Expr, Selector
from llmdash.promql.rewrite import narrowed_selector
from llmdash.promql.windows import RATE_INTERVAL
from llmdash.sources.source import Source


def vllm_traffic(source: Source, layer: Layer) -> Dashboard | None:
    """Return the page."""
    del layer  # it reads the exporter alone
    page = SourcePage(source)
    return engine_dashboard(page, "traffic", DESCRIPTION, vllm_traffic_rows(page))


def vllm_traffic_rows(page: SourcePage) -> tuple[Row, ...]:
    """Return what any engine says of its traffic, and what only vLLM does."""
    ended = page.rate(metrics.REQUEST_SUCCESS_TOTAL)
    failed = page.rate(metrics.REQUEST_SUCCESS_TOTAL, finished_reason="error")
    # Before 0.13 no reason is called error: none counted is zero, as long as others are.
    errors = error_tile(page, share_of(failed, ended))
    rows = extended(traffic_rows(page), "traffic-now", (errors,))
    rows = extended(rows, "traffic-now", side_by_side(rows[0].panels))
    rows = extended(rows, "requests", _endings(page))
    rows = extended(rows, "tokens", _sources(page))
    # All of where prompt tokens come from says the same and more.
    rows = tuple(without(rows, ("cached-by-source",)))
    rows = extended(rows, "lengths", _parameters(page))
    return (
        *rows,
        *row_of("refused", "Refused at the door", _refused(page), collapsed=True),
        *row_of("sizes", "Bytes at the API server", _sizes(page), collapsed=True),
    )


def _endings(page: SourcePage) -> Iterator[Panel]:
    reasons = page.rate(metrics.REQUEST_SUCCESS_TOTAL, ("finished_reason",))
    yield TimeSeries(
        key="finish-reasons",
        title="Requests by finish reason",
        description="stop: the model ended; length: a limit cut it; abort: cancelled; error: "
        "failed (from 0.13); repetition: it looped (from 0.17). A growing share of length means "
        "that answers are cut; of repetition, that the model needs other sampling.",
        queries=(Query("rate", reasons, "{{finished_reason}}"),),
        stack=True,
        colors=FINISH_REASONS,
    )
    ended = page.rate(metrics.REQUEST_SUCCESS_TOTAL, (page.model,))
    cut = page.rate(metrics.REQUEST_SUCCESS_TOTAL, (page.model,), finished_reason="length")
    yield TimeSeries(
        key="cut-share",
        title="Share of answers cut by a limit",
        description="Answers that ended at max_tokens or at the model's length, of all that ended. "
        "Some are meant to; a rise after a change of client or model means that users get half an "
        "answer: raise max_tokens, or find out why the model rambles.",
        queries=(Query("share", share_of(cut, ended), f"{{{{{page.model}}}}}"),),
        minimum=0,
        zoomed=True,
    )


def _refused(page: SourcePage) -> Iterator[Panel]:
    """Yield who never came in: no data on most servers, which set no such limits."""
    if page.speaks(metrics.ADMISSION_REJECTIONS_TOTAL):
        refused = page.rate(metrics.ADMISSION_REJECTIONS_TOTAL, ("reason",))
        yield TimeSeries(
            key="rejections",
            title="Requests refused at the door",
            description="Requests turned away each second because a limit on queued requests or "
            "tokens was reached; they are in no other panel of this page. Zero without such limits "
            "and before the first refusal there may be no line. Above zero, add replicas. From "
            "vLLM 0.32, not with the Rust frontend.",
            queries=(Query("rate", refused, "{{reason}}"),),
            stack=True,
        )


def _sources(page: SourcePage) -> Iterator[Panel]:
    """Yield where prompt tokens came from, and the cached share of those that say so."""
    by_source = metrics.PROMPT_TOKENS_BY_SOURCE_TOTAL
    if page.speaks(by_source):
        # Releases before 0.16 count prompts but not what was cached: they have no part in either.
        cached = page.counter("cached_prompt_tokens")
        yield cached_share(cached / page.rate(by_source), " From vLLM 0.16.")
        yield TimeSeries(
            key="prompt-by-source",
            title="Prompt tokens by where they came from",
            description="local_compute was prefilled, local_cache_hit came from the prefix cache, "
            "external_kv_transfer from another instance or tier. Computed tokens are the real work "
            "of prefill; their share rising means that caches help less. From vLLM 0.16.",
            queries=(Query("rate", page.rate(by_source, ("source",)), "{{source}}"),),
            stack=True,
            colors=TOKEN_SOURCES,
        )
    by_tier = metrics.PROMPT_TOKENS_CACHED_BY_SOURCE_TOTAL
    if page.speaks(by_tier):
        yield TimeSeries(
            key="cached-by-tier",
            title="Cached prompt tokens by tier",
            description="Cached tokens each second by the memory that had them: device is the "
            "GPU's, host and disk are slower, p2p is another instance's. Counted at admission, so "
            "a little before the panels beside it. From vLLM 0.32.",
            queries=(Query("rate", page.rate(by_tier, ("source",)), "{{source}}"),),
            stack=True,
        )


def _parameters(page: SourcePage) -> Iterator[Panel]:
    """Yield what requests ask for, beside what they get."""
    limits, answers = metrics.REQUEST_PARAMS_MAX_TOKENS, metrics.REQUEST_PARAMS_N
    if page.speaks(limits):
        yield TimeSeries(
            key="max-tokens-asked",
            title="max_tokens asked for",
            description="The limit that requests set on their answers; those that set none are "
            "left out. Far above generation length, the limit protects nobody from a rambling "
            "model; at it, answers are cut.",
            queries=quantile_lines(page, distribution_of(page, limits), "max_generation_tokens"),
        )
    if page.speaks(answers):
        yield TimeSeries(
            key="answers-asked",
            title="Answers asked for by a request (n)",
            description="How many answers requests want at once: each takes a place in the batch "
            "and KV cache of its own, so a rise multiplies the load without more requests. Read "
            "the mean: the first bucket ends at 1, and quantiles below that are 1.",
            queries=quantile_lines(page, distribution_of(page, answers), "requests"),
        )


def _sizes(page: SourcePage) -> Iterator[Panel]:
    for summary, key, title, text in (
        (
            fastapi.HTTP_REQUEST_SIZE_BYTES,
            "request-size",
            "Request size",
            "Mean bytes of a request's body by path. A jump is longer prompts or pictures inside "
            "them; megabytes keep the API process busy before any token is read.",
        ),
        (
            fastapi.HTTP_RESPONSE_SIZE_BYTES,
            "response-size",
            "Response size",
            "Mean bytes of a response by path, told by Content-Length: streams add requests and "
            "no bytes, so with many of them the mean falls towards 0 and says nothing.",
        ),
    ):
        if page.speaks(summary):
            yield TimeSeries(
                key=key,
                title=f"{title} mean by path",
                description=f"{text} It knows no model, and is missing with the Rust frontend.",
                queries=(Query("mean", _mean_size(page, summary), "{{handler}}"),),
            )


def _mean_size(page: SourcePage, summary: Summary) -> Expr:
    spoken = page.source.dialect.spoken(summary)

    def each_second(part: Selector) -> Expr:
        identified = part.where(*page.source.dialect.matchers(part))
        chosen = narrowed_selector(identified, *page.matchers())
        return total(rate(chosen, RATE_INTERVAL), ("handler",))

    return mean_of(each_second(spoken.sum()), each_second(spoken.count()))
