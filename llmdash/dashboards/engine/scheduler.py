"""The scheduler of any engine: who runs, who waits and for what, and how full each step is."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.dashboards.dashboard import Dashboard, Row
from llmdash.dashboards.engine.page import engine_dashboard
from llmdash.dashboards.engine.series import averaged, engine_labels, engine_legend, note_of
from llmdash.dashboards.panels import Panel, Query, Stat, TimeSeries
from llmdash.dashboards.policy import QUEUE
from llmdash.dashboards.rows import row_of
from llmdash.dashboards.source_page import SourcePage
from llmdash.dashboards.style import WAITING_REASONS, hue
from llmdash.dashboards.tiles import side_by_side
from llmdash.layer import Layer
from llmdash.promql.expressions import average, counted_as, greatest, mean_of
from llmdash.promql.nodes import Expr
from llmdash.promql.units import COUNT, base
from llmdash.promql.windows import RATE_INTERVAL
from llmdash.sources.source import Source

STEPS = base("steps")

DESCRIPTION = (
    "Which requests run, which wait and for what; how full each step of the engine is, and "
    "whether the load is spread evenly."
)


def engine_scheduler(source: Source, layer: Layer) -> Dashboard | None:
    """Return the page; None where the engine tells too little of its scheduler."""
    del layer  # it reads the exporter alone
    page = SourcePage(source)
    return engine_dashboard(page, "scheduler", DESCRIPTION, scheduler_rows(page))


def scheduler_rows(page: SourcePage) -> tuple[Row, ...]:
    """Return what any engine says of its scheduler."""
    return (
        *row_of("scheduler-now", "Now", side_by_side(_now(page))),
        *row_of("queue", "Queue", _queue(page)),
        *row_of("batch", "Batch", _batch(page)),
        *row_of("preemption", "Preemption", _preemption(page)),
        *row_of("spread", "Spread over engines", _spread(page)),
    )


# --- expressions ---------------------------------------------------------------------------------


def waiting_queries(page: SourcePage) -> tuple[Query, ...]:
    """Return how many requests wait, a line for each reason that the source can tell."""
    reasons = [
        dict(term.fixed).get("reason", "waiting")
        for term in page.source.answers["requests_waiting"].terms
    ]
    return tuple(
        Query(
            reason,
            page.gauge("requests_waiting", "sum", term=place),
            reason,
            color=WAITING_REASONS.get(reason),
        )
        for place, reason in enumerate(reasons)
    )


def _tokens_per_running(page: SourcePage, by: tuple[str, ...] = ()) -> Expr:
    return page.counter("generation_tokens", by) / averaged(page, "requests_running", "sum", by)


def _steps(page: SourcePage, by: tuple[str, ...] = ()) -> Expr:
    counted = page.distribution("iteration_tokens").count_rate(RATE_INTERVAL, by, page.matchers())
    return counted_as(counted, STEPS.per_second)


def _preemptions_per_request(page: SourcePage, by: tuple[str, ...] = ()) -> Expr:
    # The first outcome is ok, which every release counts; others are born late or are not told.
    return mean_of(page.counter("preemptions", by), page.counter("requests", by))


# --- panels --------------------------------------------------------------------------------------


def _now(page: SourcePage) -> Iterator[Panel]:
    if page.has("requests_running"):
        yield Stat(
            key="running-now",
            title="Running",
            description="Requests in the batches of all engines. Flat at the limit that the "
            "server was started with while others wait, the batch is full: raise the limit or add "
            "replicas." + note_of(page, "requests_running"),
            queries=(
                Query(
                    "running",
                    page.gauge("requests_running", "sum"),
                    color=hue("requests_running"),
                ),
            ),
            graph=True,
        )
    if page.has("requests_waiting"):
        yield Stat(
            key="waiting-now",
            title="Waiting",
            description="Requests that wait because there is no room for them. Above zero for "
            "minutes, the traffic is more than the servers can take: add replicas.",
            queries=(Query("waiting", page.gauge("requests_waiting", "sum")),),
            thresholds=QUEUE,
            graph=True,
        )
    if page.has("preemptions"):
        yield Stat(
            key="preempted-now",
            title="Preemptions per request",
            description="How often a request that was answered had been thrown out of the batch, "
            "on average. More than a few in a hundred, the KV cache is too small for the batch: "
            "lower the limit on running requests or give the cache more memory.",
            queries=(Query("mean", _preemptions_per_request(page)),),
        )
    if page.has("iteration_tokens"):
        yield Stat(
            key="step-tokens-now",
            title="Tokens per step",
            description="Tokens that a step of the engine works on, on average. About the number "
            "of running requests means pure decoding; much more, prompts are being read.",
            queries=(Query("mean", page.mean("iteration_tokens")),),
        )
        yield Stat(
            key="steps-now",
            title="Steps per second",
            description="Steps of all engines together each second. Falling while requests run, "
            "steps take longer: larger batches, longer contexts, or a GPU held back.",
            queries=(Query("rate", _steps(page)),),
            graph=True,
        )
    if page.has("generation_tokens") and page.has("requests_running"):
        yield Stat(
            key="tokens-per-running-now",
            title="Tokens per running request",
            description="Tokens generated each second for each request in the batch: the speed "
            "that one user sees. Below about ten, people read faster than the answer is written."
            + note_of(page, "generation_tokens"),
            queries=(Query("rate", _tokens_per_running(page)),),
        )


def _queue(page: SourcePage) -> Iterator[Panel]:
    if page.has("requests_running") and page.has("requests_waiting"):
        yield TimeSeries(
            key="running-waiting",
            title="Running and waiting",
            description="Requests in the batch, and requests that wait for room in it. Waiting "
            "that grows while running is flat is a full batch or a full KV cache; both growing is "
            "a burst that still fits." + note_of(page, "requests_waiting"),
            queries=(
                Query(
                    "running",
                    page.gauge("requests_running", "sum"),
                    "running",
                    color=hue("requests_running"),
                ),
                Query(
                    "waiting",
                    page.gauge("requests_waiting", "sum"),
                    "waiting for capacity",
                    color=hue("requests_waiting"),
                ),
            ),
        )
    if page.has("requests_waiting") and len(queries := waiting_queries(page)) > 1:
        yield TimeSeries(
            key="waiting-reasons",
            title="Waiting by reason",
            description="capacity: no room, which more replicas give; deferred: held back for "
            "something else, such as a transfer of KV blocks or a grammar to compile, where more "
            "replicas do not help.",
            queries=queries,
            stack=True,
        )
    if page.has("requests_swapped"):
        yield TimeSeries(
            key="swapped",
            title="Requests swapped out",
            description="Requests whose KV blocks were moved to CPU memory to make room. Any for "
            "longer than a moment means a cache that is too small for the batch.",
            queries=(
                Query(
                    "swapped",
                    page.gauge("requests_swapped", "sum", (page.model,)),
                    f"{{{{{page.model}}}}}",
                ),
            ),
        )


def _batch(page: SourcePage) -> Iterator[Panel]:
    by_model = (page.model,)
    legend = f"{{{{{page.model}}}}}"
    if page.has("iteration_tokens"):
        yield TimeSeries(
            key="step-tokens",
            title="Tokens per step",
            description="Tokens that one step of the engine works on. High quantiles at the limit "
            "of batched tokens mean that prompts fill whole steps and decoding waits for them; "
            "chunked prefill or a lower limit smooths that." + note_of(page, "iteration_tokens"),
            queries=page.quantiles("iteration_tokens"),
        )
        yield TimeSeries(
            key="steps",
            title="Engine steps",
            description="Steps that each engine takes a second. One engine below the others under "
            "the same load sits on slower or throttled hardware; zero with requests running is "
            "an engine that hangs. Idle engines take none.",
            queries=(Query("rate", _steps(page, engine_labels(page)), engine_legend(page)),),
        )
    if page.has("generation_tokens") and page.has("requests_running"):
        yield TimeSeries(
            key="tokens-per-running",
            title="Output tokens per running request",
            description="Tokens generated a second, divided by the requests in the batch. It falls "
            "as the batch grows: the price that each user pays for the throughput of all. Falling "
            "at an even batch points at the GPU or at prefills in between."
            + note_of(page, "generation_tokens"),
            queries=(Query("rate", _tokens_per_running(page, by_model), legend),),
        )


def _preemption(page: SourcePage) -> Iterator[Panel]:
    if not page.has("preemptions"):
        return
    legend = f"{{{{{page.model}}}}}"
    yield TimeSeries(
        key="preemptions",
        title="Preemptions",
        description="Requests thrown out of the batch each second for want of KV cache, to be "
        "computed again later. A burst is harmless; steadily above zero, part of the GPU works "
        "for nothing.",
        queries=(Query("rate", page.counter("preemptions", (page.model,)), legend),),
    )
    yield TimeSeries(
        key="preemptions-per-request",
        title="Preemptions per request",
        description="Preemptions over requests answered, by model: how likely it is that a user's "
        "request is interrupted. A line that climbs with the length of prompts asks for more KV "
        "cache, one that climbs with the load for a smaller batch. A gap means none was answered.",
        queries=(Query("mean", _preemptions_per_request(page, (page.model,)), legend),),
    )


def _spread(page: SourcePage) -> Iterator[Panel]:
    if not page.has("requests_running"):
        return
    each, legend = engine_labels(page), engine_legend(page)
    running = averaged(page, "requests_running", "sum", each)
    by_model = (page.model,)
    yield TimeSeries(
        key="running-by-engine",
        title="Running by engine",
        description="Requests in the batch of each engine. Lines far apart under one model mean "
        "that whatever routes requests does not spread them; one at zero gets none at all.",
        queries=(Query("running", page.gauge("requests_running", "sum", each), legend),),
        unit=COUNT,
    )
    if page.has("requests_waiting"):
        yield TimeSeries(
            key="waiting-by-engine",
            title="Waiting by engine",
            description="Requests that wait for room on each engine. One queue beside empty ones "
            "is a routing fault: other engines could have taken these requests at once.",
            queries=(Query("waiting", page.gauge("requests_waiting", "sum", each), legend),),
            unit=COUNT,
        )
    yield TimeSeries(
        key="imbalance",
        title="Imbalance of running requests",
        description="The busiest engine's batch over the mean of its model's engines. 1 is even; "
        "2 means that one engine has twice its share, and its users wait for it. With few "
        "requests it is high by chance. A gap means that none runs.",
        queries=(
            Query(
                "ratio",
                greatest(running, by_model) / average(running, by_model),
                f"{{{{{page.model}}}}}",
            ),
        ),
        unit=COUNT,
    )
