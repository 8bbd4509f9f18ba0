"""The gateway of a made evening: what clients got of all servers behind it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from llmdash.metrics import gateway, python_process
from tests.pictures.evening import MODELS, Replica
from tests.pictures.made_vllm import STARTED, tokens_written
from tests.pictures.written_series import Labels, WrittenSeries, counter, gauge, histogram, scraped


def gateway_series(replicas: Sequence[Replica]) -> Iterator[WrittenSeries]:
    """Yield what the gateway in front of all replicas shows."""
    size = len(replicas[0].arrived)
    target = {"job": "gateway", "instance": "gateway-0:8080", "namespace": "serving"}
    yield from scraped(target, size, 390)
    yield gauge(python_process.PROCESS_START_TIME_SECONDS, target, STARTED, size)
    for model in MODELS:
        own = [replica for replica in replicas if replica.model is model]
        yield from _of_model(own, {**target, "model": model.name}, size)
    calls = sum((replica.arrived for replica in replicas), np.zeros(size))
    for reason, rate in (("missing", 0.002 * calls), ("invalid", 0.0005 * calls)):
        labels = {**target, "reason": reason}
        yield counter(gateway.GATEWAY_AUTH_FAILURES_TOTAL, labels, rate, size)
    for scope, rate in (("key", 0.001 * np.maximum(0, calls - 38)), ("client", 0.0 * calls)):
        labels = {**target, "scope": scope}
        yield counter(gateway.GATEWAY_RATE_LIMITED_TOTAL, labels, rate, size)


#: Share of requests by how long their prompts are, and how much longer they take.
_CLASSES = (("small", 0.55, 0.7), ("medium", 0.38, 1.3), ("large", 0.07, 3.2))


def _of_model(own: Sequence[Replica], labels: Labels, size: int) -> Iterator[WrittenSeries]:
    zero = np.zeros(size)
    ended = sum((replica.finished - replica.failed for replica in own), zero)
    failed = sum((replica.failed for replica in own), zero)
    gave_up = sum((replica.gave_up for replica in own), zero)
    first = sum((r.wait + r.prefill for r in own), zero) / len(own)
    token = sum((replica.per_token for replica in own), zero) / len(own)
    for kind, share, longer in _CLASSES:
        mine = {**labels, "prompt_class": kind}
        call = {**mine, "endpoint": "/v1/chat/completions", "method": "POST"}
        for outcome, status, rate in (
            ("ok", "200", ended),
            ("error", "503", 0.7 * failed),
            ("error", "504", 0.3 * failed),
            ("cancelled", "499", gave_up),
        ):
            more = {"outcome": outcome, "status_code": status}
            yield counter(gateway.GATEWAY_REQUESTS_TOTAL, {**call, **more}, share * rate, size)
        answer = own[0].model.answer_tokens
        yield from histogram(
            gateway.GATEWAY_TIME_TO_FIRST_TOKEN_SECONDS, mine, share * ended, first * longer, 0.5
        )
        yield from histogram(
            gateway.GATEWAY_INTER_TOKEN_LATENCY_SECONDS, mine, share * ended * answer, token, 0.4
        )
        whole = first * longer + 0.8 * answer * token
        yield from histogram(
            gateway.GATEWAY_REQUEST_DURATION_SECONDS, mine, share * ended, whole, 0.6
        )
    busy = sum((replica.running + replica.waiting for replica in own), zero)
    for stream, rate in (("true", 0.9 * busy), ("false", 0.1 * busy)):
        found = {**labels, "stream": stream}
        yield gauge(gateway.GATEWAY_ACTIVE_REQUESTS, found, np.round(rate), size)
    written = sum((tokens_written(replica) for replica in own), zero)
    read = sum((replica.admitted for replica in own), zero) * own[0].model.prompt_tokens
    yield counter(gateway.GATEWAY_TOKENS_GENERATED_TOTAL, labels, written, size)
    yield counter(gateway.GATEWAY_TOKENS_PROMPTED_TOTAL, labels, read, size)
    for kind, share in (("connect", 0.0), ("timeout", 0.3), ("status", 0.6), ("stream", 0.1)):
        found = {**labels, "kind": kind}
        yield counter(gateway.GATEWAY_UPSTREAM_ERRORS_TOTAL, found, share * failed, size)
