"""What our load generator exposes while it runs: requests as the client that sent them saw them.

`llmstack load` and `replay` make their metrics from these entries, so names, labels and edges are
stated here alone. Latencies have the gateway's edges, so that both sides can be set side by side.
"""

from __future__ import annotations

from llmdash.metrics import gateway
from llmdash.metrics.metric import Counter, Gauge, Histogram, Needs, all_metrics, labels
from llmdash.promql.units import BYTES, REQUESTS, SECONDS, STATE, TIMESTAMP, TOKENS

#: Cancelled are those that were under way when the run ended.
OUTCOMES = gateway.OUTCOMES
#: What can go wrong with a request.
FAILURES = (
    "connection refused",
    "connect timeout",
    "cannot connect",
    "timeout",
    "status",
    "broken off",
    "half a line",
    "not HTTP",
    "not a stream",
    "invalid JSON",
    "error in the stream",
    "empty answer",
)
#: Of tokens: the prompt's, or the answer's.
PARTS = ("prompt", "answer")

_MODEL = labels("model")
#: A client that is in time is so by less than a millisecond.
_LATENESS_EDGES = (
    *(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)

LOAD_REQUESTS_OFFERED_TOTAL = Counter(
    name="load_requests_offered_total",
    unit=REQUESTS,
    labels=_MODEL,
    note="Requests whose time had come, also those that were held back and never sent.",
)

LOAD_REQUESTS_SENT_TOTAL = Counter(
    name="load_requests_sent_total",
    unit=REQUESTS,
    labels=_MODEL,
    note="Also those of the warm-up, as everywhere here.",
)

LOAD_REQUESTS_TOTAL = Counter(
    name="load_requests_total",
    unit=REQUESTS,
    labels=labels("model", outcome=OUTCOMES),
    note="Counted at their end; cancelled are those that were left when the run ended.",
)

LOAD_FAILURES_TOTAL = Counter(
    name="load_failures_total",
    unit=REQUESTS,
    labels=labels("model", kind=FAILURES),
    note="The requests with the outcome error, by what went wrong.",
)

LOAD_ACTIVE_REQUESTS = Gauge(
    name="load_active_requests",
    unit=REQUESTS,
    labels=_MODEL,
    note="Sent and not ended, as it was at the end of the last sample interval.",
)

LOAD_TIME_TO_FIRST_TOKEN_SECONDS = Histogram(
    name="load_time_to_first_token_seconds",
    unit=SECONDS,
    labels=_MODEL,
    edges=gateway.GATEWAY_TIME_TO_FIRST_TOKEN_SECONDS.edges,
    counts=REQUESTS,
    note="From when a request was to be sent; of streams that ended well.",
)

LOAD_INTER_TOKEN_LATENCY_SECONDS = Histogram(
    name="load_inter_token_latency_seconds",
    unit=SECONDS,
    labels=_MODEL,
    edges=gateway.GATEWAY_INTER_TOKEN_LATENCY_SECONDS.edges,
    note="One observation for each token after the first; none where nobody knows how many tokens "
    "an event brought.",
)

LOAD_TIME_PER_OUTPUT_TOKEN_SECONDS = Histogram(
    name="load_time_per_output_token_seconds",
    unit=SECONDS,
    labels=_MODEL,
    edges=gateway.GATEWAY_INTER_TOKEN_LATENCY_SECONDS.edges,
    counts=REQUESTS,
    note="The mean of a request's tokens after the first event; of streams that ended well.",
)

LOAD_REQUEST_DURATION_SECONDS = Histogram(
    name="load_request_duration_seconds",
    unit=SECONDS,
    labels=_MODEL,
    edges=gateway.GATEWAY_REQUEST_DURATION_SECONDS.edges,
    counts=REQUESTS,
    note="From when a request was to be sent to its last byte, where it ended well.",
)

LOAD_SEND_DELAY_SECONDS = Histogram(
    name="load_send_delay_seconds",
    unit=SECONDS,
    labels=_MODEL,
    edges=_LATENESS_EDGES,
    counts=REQUESTS,
    note="From when a request was to be sent until it was, the client's own fault or a wait for a "
    "place; of all that have ended.",
)

LOAD_READ_LAG_SECONDS = Histogram(
    name="load_read_lag_seconds",
    unit=SECONDS,
    edges=_LATENESS_EDGES,
    note="How late the client would have read what came, sampled every 5 ms: what it adds to each "
    "latency itself.",
)

LOAD_TOKENS_OFFERED_TOTAL = Counter(
    name="load_tokens_offered_total",
    unit=TOKENS,
    labels=labels("model", part=PARTS),
    note="As planned for the requests whose time had come.",
)

LOAD_TOKENS_PROMPTED_TOTAL = Counter(
    name="load_tokens_prompted_total",
    unit=TOKENS,
    labels=_MODEL,
    note="Of requests that were answered, as the server counted them.",
)

LOAD_TOKENS_GENERATED_TOTAL = Counter(
    name="load_tokens_generated_total",
    unit=TOKENS,
    labels=_MODEL,
    note="Of answers that ended well, as the server counted them, at their end.",
)

LOAD_BYTES_SENT_TOTAL = Counter(
    name="load_bytes_sent_total", unit=BYTES, labels=_MODEL, note="Of HTTP, with heads."
)

LOAD_BYTES_RECEIVED_TOTAL = Counter(
    name="load_bytes_received_total", unit=BYTES, labels=_MODEL, note="Of HTTP, with heads."
)

LOAD_RUN_INFO = Gauge(
    name="load_run_info",
    unit=STATE,
    labels=labels("model", "run", "name", "api", "plan", loop=("open", "closed")),
    bounds=(1, 1),
    note="What runs; of all families this one alone names the run.",
)

LOAD_RUN_START_TIME_SECONDS = Gauge(
    name="load_run_start_time_seconds", unit=TIMESTAMP, labels=_MODEL
)

LOAD_RUN_END_TIME_SECONDS = Gauge(
    name="load_run_end_time_seconds",
    unit=TIMESTAMP,
    labels=_MODEL,
    needs=(Needs.ENDED_RUN,),
)

METRICS = all_metrics(globals())
