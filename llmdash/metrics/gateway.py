"""What our gateway exposes: requests as clients saw them, by model and class of prompt.

The gateway of the stack makes its metrics from these entries, so names, labels and edges are stated
here alone. Its first-token and inter-token histograms have vLLM's edges and the promised 2 s.
"""

from __future__ import annotations

from llmdash.metrics.metric import Counter, Gauge, Histogram, Needs, all_metrics, labels
from llmdash.metrics.vllm_shared import FIRST_TOKEN_EDGES, TOKEN_LATENCY_EDGES
from llmdash.promql.units import REQUESTS, SECONDS, STATE, TOKENS, base

OUTCOMES = ("ok", "error", "cancelled")
#: Tokens of a prompt, estimated when it arrives: small up to 512, medium up to 4096.
PROMPT_CLASSES = ("small", "medium", "large")

_MODEL = labels("model")
_BY_CLASS = labels("model", prompt_class=PROMPT_CLASSES)

GATEWAY_REQUESTS_TOTAL = Counter(
    name="gateway_requests_total",
    unit=REQUESTS,
    labels=labels(
        "model",
        "endpoint",
        "method",
        "status_code",
        stream=("true", "false"),
        outcome=OUTCOMES,
        prompt_class=PROMPT_CLASSES,
    ),
    note="Streams are counted at their end, with the outcome that they came to; a model that is "
    "not served is called other.",
)

GATEWAY_REQUEST_DURATION_SECONDS = Histogram(
    name="gateway_request_duration_seconds",
    unit=SECONDS,
    labels=_BY_CLASS,
    edges=(
        *(0.1, 0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0),
        *(120.0, 240.0, 480.0, 960.0),
    ),
    counts=REQUESTS,
    note="From arrival to the last byte of requests that ended well: a failure is counted, not "
    "timed, since fast ones would flatter every quantile.",
)

GATEWAY_TIME_TO_FIRST_TOKEN_SECONDS = Histogram(
    name="gateway_time_to_first_token_seconds",
    unit=SECONDS,
    labels=_BY_CLASS,
    edges=tuple(sorted({*FIRST_TOKEN_EDGES, 2.0})),
    counts=REQUESTS,
    note="Streams only: an answer in one piece has no first token.",
)

GATEWAY_INTER_TOKEN_LATENCY_SECONDS = Histogram(
    name="gateway_inter_token_latency_seconds",
    unit=SECONDS,
    labels=_BY_CLASS,
    edges=TOKEN_LATENCY_EDGES,
    note="One observation for each piece of a stream after the first.",
)

GATEWAY_TOKENS_PROMPTED_TOTAL = Counter(
    name="gateway_tokens_prompted_total",
    unit=TOKENS,
    labels=_MODEL,
    note="As the engine reports them at the end of an answer.",
)

GATEWAY_TOKENS_GENERATED_TOTAL = Counter(
    name="gateway_tokens_generated_total",
    unit=TOKENS,
    labels=_MODEL,
    note="As the engine reports them at the end of an answer; counted where a stream was cut.",
)

GATEWAY_ACTIVE_REQUESTS = Gauge(
    name="gateway_active_requests",
    unit=REQUESTS,
    labels=labels("model", stream=("true", "false")),
    note="From arrival to the last byte, so a stream is active as long as it flows.",
)

GATEWAY_UPSTREAM_ERRORS_TOTAL = Counter(
    name="gateway_upstream_errors_total",
    unit=base("errors"),
    labels=labels("model", kind=("connect", "timeout", "status", "stream")),
    note="connect: no connection; timeout: no first byte, or silence; status: 5xx; stream: an "
    "error inside a stream.",
)

GATEWAY_AUTH_FAILURES_TOTAL = Counter(
    name="gateway_auth_failures_total",
    unit=REQUESTS,
    labels=labels(reason=("missing", "invalid")),
)

GATEWAY_RATE_LIMITED_TOTAL = Counter(
    name="gateway_rate_limited_total",
    unit=REQUESTS,
    labels=labels(scope=("key", "client")),
    note="client: by address.",
)

GATEWAY_LIMITS_SHARED = Gauge(
    name="gateway_limits_shared",
    unit=STATE,
    bounds=(0, 1),
    needs=(Needs.REDIS,),
    note="1 while the limits are held in Redis, 0 while it is away and each gateway holds its own.",
)

METRICS = all_metrics(globals())
