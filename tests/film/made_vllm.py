"""vLLM servers and the gateway before them, as they would be scraped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from llmdash.metrics import gateway as gateway_metrics
from llmdash.metrics import prometheus, vllm
from llmdash.metrics.metric import Histogram
from tests.film.fleet import Fleet, Gateway, Replica, State
from tests.film.reading import (
    Labels,
    Observed,
    Reading,
    Target,
    counter,
    gauge,
    histogram,
    histogram_sum,
)

#: Tokens of a prompt.
_PROMPT = 900
_FIRST_TOKEN = (1.0, 2.5, 10.0, 20.0, 40.0, 80.0, 2560.0)
_GAP = (0.15, 0.75, 1.0, 80.0)
_WHOLE = (30.0, 60.0, 120.0, 7680.0)
_QUEUED = (1.0, 5.0, 7680.0)


def vllm_target(replica: Replica) -> Target:
    """Return what a vLLM server shows."""
    target = {"job": "vllm", "instance": replica.instance}
    return Target(
        target["job"], target["instance"], replica.state, tuple(_readings(replica, target))
    )


def _readings(replica: Replica, target: Labels) -> Iterator[Reading]:
    engine = {**target, "engine": "0", "model_name": replica.model}
    yield gauge(prometheus.SCRAPE_DURATION_SECONDS.name, target, "0.02")
    yield gauge(vllm.NUM_REQUESTS_RUNNING.name, engine, replica.running)
    by_reason = {**engine, "reason": "capacity"}
    yield gauge(vllm.NUM_REQUESTS_WAITING_BY_REASON.name, by_reason, replica.waiting)
    yield gauge(vllm.KV_CACHE_USAGE_PERC.name, engine, replica.kv_use)
    for reason, many in (("stop", replica.requests), ("error", 0)):
        ended = {**engine, "finished_reason": reason}
        yield counter(vllm.REQUEST_SUCCESS_TOTAL.name, ended, many)
    yield counter(vllm.NUM_PREEMPTIONS_TOTAL.name, engine, replica.preempted)
    yield counter(vllm.PROMPT_TOKENS_TOTAL.name, engine, replica.requests * _PROMPT)
    yield counter(vllm.GENERATION_TOKENS_TOTAL.name, engine, replica.requests * replica.answer)
    for metric, edges, observed in (
        (vllm.TIME_TO_FIRST_TOKEN_SECONDS, _FIRST_TOKEN, first_token(replica)),
        (vllm.INTER_TOKEN_LATENCY_SECONDS, _GAP, gaps(replica)),
        (vllm.E2E_REQUEST_LATENCY_SECONDS, _WHOLE, whole(replica)),
        (
            vllm.REQUEST_QUEUE_TIME_SECONDS,
            _QUEUED,
            Observed(replica.requests, Decimal(replica.queued)),
        ),
    ):
        yield from histogram(metric, engine, edges, [observed])
    yield histogram_sum(vllm.INTER_TOKEN_LATENCY_SECONDS, engine, gaps(replica))
    config = {"block_size": "16", "cache_dtype": "auto", "enable_prefix_caching": "True"}
    config |= {"gpu_memory_utilization": "0.9", "num_gpu_blocks": "28000"}
    yield gauge(vllm.CACHE_CONFIG_INFO.name, {**target, "engine": "0", **config}, 1)


def first_token(replica: Replica) -> Observed:
    """Return how long first tokens took, in seconds."""
    return Observed(replica.requests, Decimal(replica.first_token))


def gaps(replica: Replica) -> Observed:
    """Return how long it took from one token to the next, in seconds."""
    return Observed(replica.requests * replica.answer, Decimal(replica.gap))


def whole(replica: Replica) -> Observed:
    """Return how long whole answers took, in seconds."""
    seconds = Decimal(replica.first_token) + replica.answer * Decimal(replica.gap)
    return Observed(replica.requests, seconds)


def gateway_target(fleet: Fleet) -> Target:
    """Return what the gateway shows; clients saw what the servers behind it did."""
    gateway = fleet.gateway
    target = {"job": "gateway", "instance": gateway.instance}
    readings = [gauge(prometheus.SCRAPE_DURATION_SECONDS.name, target, "0.01")]
    for model in _models(fleet):
        serving = [each for each in fleet.of_model(model) if each.state is not State.DOWN]
        readings += _of_model(gateway, model, serving, target)
    return Target(target["job"], target["instance"], gateway.state, tuple(readings))


def _models(fleet: Fleet) -> Sequence[str]:
    """Return the models that clients asked for: those served now, and those served before."""
    return tuple(dict.fromkeys((*fleet.gateway.models, *(each.model for each in fleet.replicas))))


def _of_model(
    gateway: Gateway, model: str, serving: Sequence[Replica], target: Labels
) -> Iterator[Reading]:
    labels = {**target, "model": model}
    failed = dict(gateway.failed).get(model, 0)
    call = {**labels, "prompt_class": "small", "endpoint": "/v1/chat/completions"}
    call |= {"method": "POST", "stream": "true"}
    for outcome, status, many in (
        ("ok", "200", sum(each.requests for each in serving)),
        ("error", "503", failed),
    ):
        ended = {**call, "status_code": status, "outcome": outcome}
        name = gateway_metrics.GATEWAY_REQUESTS_TOTAL.name
        yield counter(name, ended, many, is_born_late=True)
    by_class = {**labels, "prompt_class": "small"}
    shapes: tuple[tuple[Histogram, tuple[float, ...], list[Observed]], ...] = (
        (
            gateway_metrics.GATEWAY_TIME_TO_FIRST_TOKEN_SECONDS,
            tuple(sorted({*_FIRST_TOKEN, 2.0} - {2.5})),
            [first_token(each) for each in serving],
        ),
        (
            gateway_metrics.GATEWAY_INTER_TOKEN_LATENCY_SECONDS,
            _GAP,
            [gaps(each) for each in serving],
        ),
        (
            gateway_metrics.GATEWAY_REQUEST_DURATION_SECONDS,
            (*_WHOLE[:-1], 960.0),
            [whole(each) for each in serving],
        ),
    )
    for metric, edges, observed in shapes:
        yield from histogram(metric, by_class, edges, observed)
    active = sum(each.running + each.waiting for each in serving)
    name = gateway_metrics.GATEWAY_ACTIVE_REQUESTS.name
    yield gauge(name, {**labels, "stream": "true"}, active)
    tokens = sum(each.requests * each.answer for each in serving)
    yield counter(gateway_metrics.GATEWAY_TOKENS_GENERATED_TOTAL.name, labels, tokens)
    prompts = sum(each.requests for each in serving) * _PROMPT
    yield counter(gateway_metrics.GATEWAY_TOKENS_PROMPTED_TOTAL.name, labels, prompts)
