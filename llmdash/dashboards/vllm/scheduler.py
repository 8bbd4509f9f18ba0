"""vLLM's scheduler: what any engine tells of it, what holds it back, and who is refused."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.dashboards.dashboard import Dashboard, Row
from llmdash.dashboards.engine.page import engine_dashboard
from llmdash.dashboards.engine.scheduler import DESCRIPTION, scheduler_rows
from llmdash.dashboards.engine.series import distribution_of, engine_legend
from llmdash.dashboards.panels import Panel, Query, StateTimeline, TimeSeries
from llmdash.dashboards.policy import API_SERVER_CPU, KV_FULL, PREEMPTED_SHARE, WAITING_STEADILY
from llmdash.dashboards.rows import row_of
from llmdash.dashboards.source_page import SourcePage
from llmdash.dashboards.vllm.bottleneck import (
    API_PROCESS_FULL,
    bottleneck,
    bottleneck_states,
    worst_bottleneck,
)
from llmdash.layer import Layer
from llmdash.metrics import vllm as metrics
from llmdash.metrics.python_process import PROCESS_CPU_SECONDS_TOTAL
from llmdash.promql.expressions import total
from llmdash.promql.units import STATE
from llmdash.promql.windows import RATE_INTERVAL
from llmdash.sources.source import Source

#: The first edge of the histogram of preemptions: it holds none and one alike.
ONCE = 1.0

RULES = (
    f"preemption: over {PREEMPTED_SHARE:.0%} of requests are preempted; lower --max-num-seqs or "
    "add KV cache.",
    f"KV cache: {KV_FULL:.0%} or more is held; more memory, an FP8 cache or replicas help.",
    f"queue: {WAITING_STEADILY:g} or more wait though the cache has room; raise --max-num-seqs or "
    "add replicas.",
    f"API process: {API_PROCESS_FULL:.0%} of a core; add --api-server-count (with more than one, "
    "vLLM does not tell this).",
    "prefill: more time goes into prompts than into answers, or requests run and nothing is "
    "generated (for long: a hang); prefix caching and chunked prefill help.",
    "decode: the healthy state under load.",
    "idle: no requests.",
)


def vllm_scheduler(source: Source, layer: Layer) -> Dashboard | None:
    """Return the page."""
    del layer  # it reads the exporter alone
    page = SourcePage(source)
    rows = (
        Row(key="bottleneck", title="Bottleneck", panels=(bottleneck_panel(page),)),
        *scheduler_rows(page),
        *row_of("engines", "Bottleneck by engine", _by_engine(page), collapsed=True),
        *row_of("preempted", "Preempted requests", _preempted(page), collapsed=True),
        *row_of("beside", "Beside the engine", _beside_the_engine(page), collapsed=True),
    )
    return engine_dashboard(page, "scheduler", DESCRIPTION, rows)


def bottleneck_panel(page: SourcePage) -> Panel:
    """Return what holds each model back, with what to do about it."""
    return StateTimeline(
        key="bottleneck",
        title="What holds each model back",
        description="The gravest state among a model's engines; of an engine's, the first "
        "that holds. " + " ".join(RULES),
        queries=(Query("state", worst_bottleneck(page), f"{{{{{page.model}}}}}"),),
        mappings=bottleneck_states(),
        unit=STATE,
        width=24,
        height=6,
    )


def _by_engine(page: SourcePage) -> Iterator[Panel]:
    yield StateTimeline(
        key="bottleneck-by-engine",
        title="What holds each engine back",
        description="The same states for each engine. One engine in another state than its "
        "siblings has another load or other hardware; all in one state, the model needs more of "
        "what the state names.",
        queries=(Query("state", bottleneck(page), engine_legend(page)),),
        mappings=bottleneck_states(),
        unit=STATE,
        width=24,
        height=10,
    )


def _preempted(page: SourcePage) -> Iterator[Panel]:
    if not page.speaks(metrics.REQUEST_NUM_PREEMPTIONS):
        return
    counted = distribution_of(page, metrics.REQUEST_NUM_PREEMPTIONS)
    asked = (RATE_INTERVAL, (page.model,), page.matchers())
    legend = f"{{{{{page.model}}}}}"
    yield TimeSeries(
        key="request-preemptions",
        title="Preemptions of a finished request",
        description="How often a request had been preempted when it finished, on average. It "
        "leaves out what still runs: far below the rate of preemptions, the same long requests "
        "are preempted again and again. A gap means that none finished. From vLLM 0.30.",
        queries=(Query("mean", counted.mean(*asked), legend),),
    )
    if counted.edges is not None and ONCE in counted.edges.values:
        at_most_once = counted.rate_up_to(ONCE, *asked) / counted.count_rate(*asked)
        yield TimeSeries(
            key="preempted-often",
            title="Requests preempted twice or more",
            description="Share of finished requests that had been preempted at least twice; once "
            "and never are told together. Above zero, requests starve: each time, the whole "
            "prompt is read again. From vLLM 0.30.",
            queries=(Query("share", 1 - at_most_once, legend),),
            minimum=0,
            zoomed=True,
        )


def _beside_the_engine(page: SourcePage) -> Iterator[Panel]:
    yield TimeSeries(
        key="api-process",
        title="API server CPU",
        description="Cores that the API server's process uses. In red it is full: it takes "
        "requests in, tokenises and streams in one thread at a time, and engines wait for it. No "
        "data: several API servers share the port, which tell no CPU time.",
        queries=(
            Query(
                "cores",
                page.rate(PROCESS_CPU_SECONDS_TOTAL, ("instance",)),
                "{{instance}}",
            ),
        ),
        thresholds=API_SERVER_CPU,
        zoomed=True,
    )
    if page.speaks(metrics.NUM_REQUESTS_KV_FETCH_BY_STAGE):
        yield TimeSeries(
            key="kv-fetch",
            title="Requests that wait for KV from elsewhere",
            description="Requests whose KV blocks come from another server, by stage. "
            "waiting_to_start growing means that transfers are the bottleneck; completed_waiting, "
            "that the batch has no room for what has arrived. Needs a KV consumer, from vLLM 0.32.",
            queries=(
                Query(
                    "stage",
                    total(page.select(metrics.NUM_REQUESTS_KV_FETCH_BY_STAGE), ("stage",)),
                    "{{stage}}",
                ),
            ),
            stack=True,
        )
