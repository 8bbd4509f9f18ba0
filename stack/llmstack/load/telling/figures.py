"""The metrics of a run, made from the catalogue, and counted from what watchers are told.

A run is to see a token for 12 us of processor time, so nothing is counted with each: an answer's
gaps are taken together when it has ended.
"""

from __future__ import annotations

import time

import prometheus_client
from prometheus_client import CollectorRegistry, generate_latest

from llmdash.metrics import load as catalogue
from llmdash.metrics.metric import Counter
from llmstack.instruments import counter, gauge, histogram
from llmstack.load.measuring import token_gaps
from llmstack.load.objectives import length
from llmstack.load.outcome import Outcome
from llmstack.load.program import Job
from llmstack.load.results import Document
from llmstack.load.seconds import Second
from llmstack.load.telling.offered import Offered

OK, ERROR, CANCELLED = catalogue.OUTCOMES
PROMPT, ANSWER = catalogue.PARTS


class Figures:
    """All of them, for one run after the other: what is counted goes on rising."""

    def __init__(self, model: str) -> None:
        """Make every series, so that a first failure is a rise.

        Args:
            model: who is asked in all runs.
        """
        self.registry = CollectorRegistry()
        self._model, self._offered_so_far = model, Offered(())

        def counted(metric: Counter) -> _Total:
            return _Total(counter(metric, self.registry).labels(model))

        self._requests = counter(catalogue.LOAD_REQUESTS_TOTAL, self.registry)
        self._failures = counter(catalogue.LOAD_FAILURES_TOTAL, self.registry)
        self._offered = counted(catalogue.LOAD_REQUESTS_OFFERED_TOTAL)
        self._sent = counted(catalogue.LOAD_REQUESTS_SENT_TOTAL)
        tokens = counter(catalogue.LOAD_TOKENS_OFFERED_TOTAL, self.registry)
        self._prompts_offered = _Total(tokens.labels(model, PROMPT))
        self._answers_offered = _Total(tokens.labels(model, ANSWER))
        self._prompted = counted(catalogue.LOAD_TOKENS_PROMPTED_TOTAL)
        self._generated = counted(catalogue.LOAD_TOKENS_GENERATED_TOTAL)
        self._bytes_sent = counted(catalogue.LOAD_BYTES_SENT_TOTAL)
        self._bytes_received = counted(catalogue.LOAD_BYTES_RECEIVED_TOTAL)
        self._active = gauge(catalogue.LOAD_ACTIVE_REQUESTS, self.registry).labels(model)
        self._latencies = {
            metric: histogram(family, self.registry).labels(model)
            for metric, family in (
                ("ttft", catalogue.LOAD_TIME_TO_FIRST_TOKEN_SECONDS),
                ("tpot", catalogue.LOAD_TIME_PER_OUTPUT_TOKEN_SECONDS),
                ("e2e", catalogue.LOAD_REQUEST_DURATION_SECONDS),
            )
        }
        self._gaps = histogram(catalogue.LOAD_INTER_TOKEN_LATENCY_SECONDS, self.registry).labels(
            model
        )
        self._delay = histogram(catalogue.LOAD_SEND_DELAY_SECONDS, self.registry).labels(model)
        #: How late the client reads.
        self.lag = histogram(catalogue.LOAD_READ_LAG_SECONDS, self.registry).labels()
        self._info = gauge(catalogue.LOAD_RUN_INFO, self.registry)
        self._start = gauge(catalogue.LOAD_RUN_START_TIME_SECONDS, self.registry)
        #: Not shown before a run has ended: a family without a series would say that there is one.
        self._end: prometheus_client.Gauge | None = None
        for outcome in catalogue.OUTCOMES:
            self._requests.labels(model, outcome)
        for kind in catalogue.FAILURES:
            self._failures.labels(model, kind)

    def begin(self, job: Job, run: str, offered: Offered) -> None:
        """Note that a run begins.

        Args:
            job: what runs.
            run: its id.
            offered: counts what its plan offers.
        """
        self._offered_so_far = offered
        for total in (
            self._offered,
            self._prompts_offered,
            self._answers_offered,
            self._sent,
            self._bytes_sent,
            self._bytes_received,
        ):
            total.begin()
        told = {"name": job.name, "api": job.question.api.value, "plan": job.plan_told}
        self._info.clear()
        self._info.labels(model=self._model, run=run, loop=job.kind_of_loop, **told).set(1)
        self._start.labels(self._model).set(time.time())

    def outcome(self, outcome: Outcome) -> None:
        """Count a request at its end."""
        model = self._model
        if outcome.sent:
            self._delay.observe(max(0.0, outcome.sent - outcome.scheduled))
        if outcome.failure is not None:
            self._requests.labels(model, ERROR).inc()
            self._failures.labels(model, outcome.failure.value).inc()
            return
        if outcome.is_unfinished:
            self._requests.labels(model, CANCELLED).inc()
            return
        self._requests.labels(model, OK).inc()
        self._prompted.add(outcome.prompt_tokens)
        self._generated.add(outcome.tokens)
        for metric, series in self._latencies.items():
            seconds = length(outcome, metric)
            if seconds is not None:
                series.observe(seconds)
        self._gaps.extend(token_gaps(outcome))

    def second(self, second: Second) -> None:
        """Count what has passed."""
        self._sent.add(second.sent)
        self._bytes_sent.add(second.bytes_sent)
        self._bytes_received.add(second.bytes_received)
        self._active.set(second.under_way)
        self._count_offered()

    def end(self, found: Document) -> None:
        """Count what has passed since the last interval, and note when the run ended."""
        requests, series = found["requests"], found["series"]
        self._offered_so_far.settle(requests["sent"] + requests["not_sent"])
        self._count_offered()
        self._sent.reach(requests["sent"])
        self._bytes_sent.reach(sum(each["bytes_sent"] for each in series))
        self._bytes_received.reach(sum(each["bytes_received"] for each in series))
        self._active.set(0)
        if self._end is None:
            self._end = gauge(catalogue.LOAD_RUN_END_TIME_SECONDS, self.registry)
        self._end.labels(self._model).set(time.time())

    def text(self) -> bytes:
        """Return the metrics page."""
        return generate_latest(self.registry)

    def _count_offered(self) -> None:
        offered = self._offered_so_far
        self._offered.reach(offered.requests)
        self._prompts_offered.reach(offered.prompt_tokens)
        self._answers_offered.reach(offered.answer_tokens)


class _Total:
    """A counter that rises by what is added, or to what it is known to be in all of a run."""

    def __init__(self, shown: prometheus_client.Counter) -> None:
        self._shown, self._so_far = shown, 0

    def begin(self) -> None:
        self._so_far = 0

    def add(self, count: int) -> None:
        self._so_far += count
        self._shown.inc(count)

    def reach(self, total: int) -> None:
        self.add(max(0, total - self._so_far))
