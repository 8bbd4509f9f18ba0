"""What the gateway counts, made from the catalogue, and counted at the true end of a request."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, ProcessCollector

from llmdash.metrics import gateway as catalogue
from llmstack.instruments import counter, gauge, histogram

OK, ERROR, CANCELLED = catalogue.OUTCOMES
#: What a model is called that no engine serves: names of strangers are no labels.
OTHER = "other"


@dataclass(frozen=True)
class Ended:
    """A request that has come to its end."""

    model: str
    endpoint: str
    method: str
    status: int
    is_stream: bool
    outcome: str
    prompt_class: str
    #: From arrival to the last byte, in seconds.
    seconds: float
    prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass
class Counts:
    """All metrics of the gateway."""

    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def __post_init__(self) -> None:
        """Make them."""
        registry = self.registry
        # When it was started, which pages mark, and what it takes of the machine.
        ProcessCollector(registry=registry)
        self._requests = counter(catalogue.GATEWAY_REQUESTS_TOTAL, registry)
        self._duration = histogram(catalogue.GATEWAY_REQUEST_DURATION_SECONDS, registry)
        self.first_token = histogram(catalogue.GATEWAY_TIME_TO_FIRST_TOKEN_SECONDS, registry)
        self.inter_token = histogram(catalogue.GATEWAY_INTER_TOKEN_LATENCY_SECONDS, registry)
        self._prompted = counter(catalogue.GATEWAY_TOKENS_PROMPTED_TOTAL, registry)
        self._generated = counter(catalogue.GATEWAY_TOKENS_GENERATED_TOTAL, registry)
        self.active = gauge(catalogue.GATEWAY_ACTIVE_REQUESTS, registry)
        self.upstream_errors = counter(catalogue.GATEWAY_UPSTREAM_ERRORS_TOTAL, registry)
        self.auth_failures = counter(catalogue.GATEWAY_AUTH_FAILURES_TOTAL, registry)
        self.rate_limited = counter(catalogue.GATEWAY_RATE_LIMITED_TOTAL, registry)
        # There from the start, so that a first one is a rise.
        for reason in ("missing", "invalid"):
            self.auth_failures.labels(reason)
        for scope in ("key", "client"):
            self.rate_limited.labels(scope)

    def show_sharing(self, is_shared: Callable[[], bool]) -> None:
        """Show from now on whether limits are shared with other gateways."""
        gauge(catalogue.GATEWAY_LIMITS_SHARED, self.registry).set_function(
            lambda: float(is_shared())
        )

    def know(self, models: Collection[str]) -> None:
        """Show what is counted of each model before the first of it happens."""
        for model in models:
            for kind in ("connect", "timeout", "status", "stream"):
                self.upstream_errors.labels(model, kind)
            for stream in ("true", "false"):
                self.active.labels(model, stream)
            self._prompted.labels(model)
            self._generated.labels(model)

    def end(self, ended: Ended) -> None:
        """Count a request, once, at its true end."""
        stream = "true" if ended.is_stream else "false"
        self._requests.labels(
            ended.model,
            ended.endpoint,
            ended.method,
            str(ended.status),
            stream,
            ended.outcome,
            ended.prompt_class,
        ).inc()
        self._prompted.labels(ended.model).inc(ended.prompt_tokens)
        self._generated.labels(ended.model).inc(ended.completion_tokens)
        if ended.outcome == OK:
            # A failure is counted, not timed: fast ones would flatter every quantile.
            self._duration.labels(ended.model, ended.prompt_class).observe(ended.seconds)
