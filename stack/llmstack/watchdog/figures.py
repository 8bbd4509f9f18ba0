"""The watchdog's metrics, made from the catalogue, and what it says of each program."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable

from prometheus_client import CollectorRegistry

from llmdash.metrics import watchdog as catalogue
from llmstack.instruments import counter, gauge
from llmstack.watchdog.lifecycle import Phase, Policy, Reason, State, is_up


class Figures:
    """What is shown of all programs; another thread may read while the supervisor writes."""

    def __init__(self, programs: Iterable[str]) -> None:
        """Make every series, so that a first restart is a rise."""
        self.registry = CollectorRegistry()
        self._up = gauge(catalogue.WATCHDOG_UP, self.registry)
        self._restarts = counter(catalogue.WATCHDOG_RESTARTS_TOTAL, self.registry)
        self._failures = counter(catalogue.WATCHDOG_HEALTH_CHECK_FAILURES_TOTAL, self.registry)
        self._started = gauge(catalogue.WATCHDOG_LAST_START_TIME_SECONDS, self.registry)
        self._lock = threading.Lock()
        self._phases = dict.fromkeys(programs, Phase.WAITING)
        self._well = dict.fromkeys(self._phases, False)
        for program in self._phases:
            self._up.labels(program)
            self._failures.labels(program)
            self._started.labels(program)
            for reason in catalogue.REASONS:
                self._restarts.labels(program, reason)

    def count_start(self, program: str, reason: Reason | None) -> None:
        """Count a start; without a reason it is the first."""
        self._started.labels(program).set(time.time())
        if reason is not None:
            self._restarts.labels(program, reason.value).inc()

    def count_failure(self, program: str) -> None:
        """Count a check without a healthy answer."""
        self._failures.labels(program).inc()

    def show(self, program: str, policy: Policy, state: State) -> None:
        """Remember where a program stands."""
        with self._lock:
            self._phases[program] = state.phase
            self._well[program] = is_up(policy, state)
        self._up.labels(program).set(is_up(policy, state))

    def summary(self) -> tuple[bool, dict[str, dict[str, object]]]:
        """Return whether no program was given up, and where each stands."""
        with self._lock:
            told: dict[str, dict[str, object]] = {
                name: {"phase": phase.value, "up": self._well[name]}
                for name, phase in self._phases.items()
            }
            return Phase.GIVEN_UP not in self._phases.values(), told
