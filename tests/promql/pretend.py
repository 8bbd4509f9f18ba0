"""A pretend catalogue: metrics and a recording that exist nowhere, with unlike labels and units."""

from __future__ import annotations

from llmdash.metrics.metric import Counter, Gauge, Histogram, Summary, labels
from llmdash.promql.edges import Edges
from llmdash.promql.facts import Usage
from llmdash.promql.labels import LabelSet
from llmdash.promql.nodes import Selector
from llmdash.promql.series import Series
from llmdash.promql.units import (
    BYTES,
    CELSIUS,
    JOULES,
    MILLISECONDS,
    OBSERVATIONS,
    RATIO,
    REQUESTS,
    SECONDS,
    STATE,
    TIMESTAMP,
    TOKENS,
    WATTS,
    Unit,
)

TOKENS_READ = Counter(name="pretend:tokens_read_total", unit=TOKENS, labels=labels("model_name"))
TOKENS_WRITTEN = Counter(
    name="pretend:tokens_written_total", unit=TOKENS, labels=labels("model_name")
)
ANSWERS = Counter(
    name="pretend:answers_total",
    unit=REQUESTS,
    labels=labels("model_name", reason=("stop", "length", "abort")),
)
ENERGY = Counter(name="pretend_energy_joules_total", unit=JOULES, labels=labels("gpu"))
#: One request stands in the series of each stage that it passed.
PASSED = Counter(
    name="pretend_passed_total",
    unit=REQUESTS,
    labels=labels(stage=("read", "write")),
    keep=frozenset({"stage"}),
)
WAITING = Gauge(name="pretend:waiting", unit=REQUESTS, labels=labels("model_name"))
CACHE_USE = Gauge(name="pretend:cache_use", unit=RATIO, labels=labels("model_name"))
TEMPERATURE = Gauge(name="pretend_temperature", unit=CELSIUS, labels=labels("gpu"))
POWER = Gauge(name="pretend_power_watts", unit=WATTS, labels=labels("gpu"))
MEMORY = Gauge(name="pretend_memory_bytes", unit=BYTES, labels=labels("gpu"))
STARTED = Gauge(name="pretend_start_time_seconds", unit=TIMESTAMP)
UP = Gauge(name="up", unit=STATE, bounds=(0, 1))
#: Its labels are its values.
CONFIGURATION = Gauge(
    name="pretend:configuration_info", unit=STATE, bounds=(1, 1), labels=labels(is_open=True)
)
FIRST_TOKEN = Histogram(
    name="pretend:first_token_seconds",
    unit=SECONDS,
    labels=labels("model_name"),
    edges=(0.001, 0.1, 1.0, 2.5, 5.0),
)
#: Its edges end where the model ends.
LENGTH = Histogram(
    name="pretend:length_tokens",
    unit=TOKENS,
    labels=labels("model_name"),
    edges=(1.0, 10.0, 1_000_000.0),
    edges_vary_by=frozenset({"model_name"}),
)
PAUSE = Summary(name="pretend_pause_seconds", unit=SECONDS, quantiles=(0.5, 0.9))

_RECORDED = LabelSet(("source", "role", "model"), (("role", ("engine", "gateway")),))
#: Recordings have a closed list of labels; engine and gateway count the same request.
RECORDED_REQUESTS = Selector(
    Series(
        "pretend:requests:rate5m",
        REQUESTS.per_second,
        Usage.VALUE,
        _RECORDED,
        keep=frozenset({"role"}),
        bounds=(0, None),
        has_target_labels=False,
    )
)
RECORDED_BUCKETS = Selector(
    Series(
        "pretend:first_token_seconds_bucket:rate5m",
        OBSERVATIONS.per_second,
        Usage.VALUE,
        _RECORDED,
        Edges.of_sources(
            {
                "one": Edges((1.0, 2.5, 5.0), SECONDS),
                "two": Edges((1.0, 2.0, 5.0, 10.0), SECONDS),
            }
        ),
        keep=frozenset({"role"}),
        bounds=(0, None),
        has_target_labels=False,
    )
)
#: What drawn expressions are converted to, where they can be.
UNITS = (MILLISECONDS, SECONDS.per_second, RATIO, WATTS, Unit(BYTES.factors, 1024.0))
