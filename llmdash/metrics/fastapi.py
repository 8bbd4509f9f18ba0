"""What prometheus-fastapi-instrumentator exposes about a web server; versions are vLLM's.

It leaves out /metrics, /health, /ping, /load, /version and /server_info, and knows no model.
"""

from __future__ import annotations

from llmdash.metrics.metric import Counter, Histogram, Summary, Versions, all_metrics, labels
from llmdash.promql.units import BYTES, REQUESTS, SECONDS

STATUS_GROUPS = ("1xx", "2xx", "3xx", "4xx", "5xx")

# Counts and sizes

HTTP_REQUESTS_TOTAL = Counter(
    name="http_requests_total",
    unit=REQUESTS,
    labels=labels("handler", "method", status=STATUS_GROUPS),
    versions=Versions("0.8.3"),
    note=(
        "A stream that fails or loses its client midway stays 2xx: the status is fixed at its "
        "first byte. Unknown paths have the handler none."
    ),
)

HTTP_REQUEST_SIZE_BYTES = Summary(
    name="http_request_size_bytes",
    unit=BYTES,
    labels=labels("handler"),
    counts=REQUESTS,
    versions=Versions("0.8.3"),
    note="Sum and count only. Not in the Rust frontend.",
)

HTTP_RESPONSE_SIZE_BYTES = Summary(
    name="http_response_size_bytes",
    unit=BYTES,
    labels=labels("handler"),
    counts=REQUESTS,
    versions=Versions("0.8.3"),
    note="By Content-Length, so streams add 0. Not in the Rust frontend.",
)


# Durations

HTTP_REQUEST_DURATION_SECONDS = Histogram(
    name="http_request_duration_seconds",
    unit=SECONDS,
    labels=labels("handler", "method"),
    edges=(0.1, 0.5, 1.0),
    counts=REQUESTS,
    versions=Versions("0.8.3"),
    note="Three edges are too few for the latency of a language model.",
)

HTTP_REQUEST_DURATION_HIGHR_SECONDS = Histogram(
    name="http_request_duration_highr_seconds",
    unit=SECONDS,
    edges=(
        *(0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5),
        *(2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 7.5, 10.0, 30.0, 60.0),
    ),
    counts=REQUESTS,
    versions=Versions("0.8.3"),
    note="No labels at all, so all handlers together.",
)

METRICS = all_metrics(globals())
