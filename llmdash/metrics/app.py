"""What an app exposes that embeds an engine and answers by itself: five families, by endpoint.

Names and labels are those of the five that such apps share; our ASGI middleware makes its metrics
from these entries. Edges are ours: an app with other edges says so in its source.
"""

from __future__ import annotations

from llmdash.metrics import gateway
from llmdash.metrics.metric import Counter, Gauge, Histogram, all_metrics, labels
from llmdash.promql.units import BYTES, REQUESTS, SECONDS, TOKENS

_ENDPOINT = labels("endpoint")

LLM_REQUESTS_TOTAL = Counter(
    name="llm_requests_total",
    unit=REQUESTS,
    labels=labels("endpoint", status=("success", "error", "cancelled")),
    note="A stream is counted when it ends; apps that know no cancelled requests never show that "
    "status.",
)

LLM_REQUEST_DURATION_SECONDS = Histogram(
    name="llm_request_duration_seconds",
    unit=SECONDS,
    labels=_ENDPOINT,
    edges=gateway.GATEWAY_REQUEST_DURATION_SECONDS.edges,
    counts=REQUESTS,
    note="From arrival to the last byte, of streams too, where the request ended well: a failure "
    "is counted, not timed.",
)

LLM_TOKENS_GENERATED_TOTAL = Counter(
    name="llm_tokens_generated_total", unit=TOKENS, labels=_ENDPOINT
)

LLM_REQUEST_SIZE_BYTES = Histogram(
    name="llm_request_size_bytes",
    unit=BYTES,
    labels=_ENDPOINT,
    edges=tuple(float(4**power) for power in range(4, 13)),
    counts=REQUESTS,
    note="The body of the request, from 256 bytes to 16 MiB in steps of four.",
)

LLM_ACTIVE_REQUESTS = Gauge(
    name="llm_active_requests",
    unit=REQUESTS,
    labels=_ENDPOINT,
    note="A stream is active as long as it flows.",
)

METRICS = all_metrics(globals())
