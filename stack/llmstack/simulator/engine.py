"""Continuous batching in virtual time: an engine that works in steps, as vLLM's V1 engine does.

It knows no clock but its own: who drives it says when requests arrive, asks when something is due,
and lets it happen. So an hour takes as long as computing it takes, and equal input gives an equal
run.
"""

from __future__ import annotations

from collections import deque
from math import inf

from llmstack.errors import RequestError
from llmstack.simulator.batch import Batch
from llmstack.simulator.blocks import Blocks
from llmstack.simulator.conditions import Conditions, ConditionsAt, always_sound
from llmstack.simulator.rates import Limits, Rates
from llmstack.simulator.request import Request
from llmstack.simulator.step import Step


class Engine:
    """One replica."""

    def __init__(
        self,
        rates: Rates,
        limits: Limits,
        conditions: ConditionsAt = always_sound,
        *,
        remembers: bool = True,
    ) -> None:
        """Begin idle, at 0 seconds.

        Args:
            rates: how fast it is.
            limits: how much it takes on.
            conditions: what is wrong with it, by time; it is asked as each step begins.
            remembers: whether it has a prefix cache.
        """
        self.rates, self.limits, self._conditions = rates, limits, conditions
        self.blocks = Blocks(limits.blocks, remembers=remembers)
        #: Up to when it has run, in seconds: the end of the last step.
        self.clock = 0.0
        self.batch = Batch(self.blocks.tokens)
        self._waiting: deque[Request] = deque()
        #: They came while a step was under way.
        self._arrived: deque[Request] = deque()
        self._step: Step | None = None
        self._steps = self._admitted = 0
        self._stalled = 0.0
        self._has_aborted = False

    # --- what others see -------------------------------------------------------------------------

    @property
    def running(self) -> int:
        """How many are in the batch."""
        return len(self.batch)

    @property
    def waiting(self) -> int:
        """How many wait for work on them to begin."""
        return len(self._waiting) + len(self._arrived)

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.batch or self._waiting or self._arrived)

    # --- what comes ------------------------------------------------------------------------------

    def submit(self, request: Request) -> None:
        """Take a request on; each arrives no earlier than the one before it.

        Raises:
            RequestError: it is longer than all blocks together.
        """
        room = self.limits.blocks * self.blocks.tokens
        if request.longest > room:
            raise RequestError(
                f"request {request.id}: {request.longest} tokens with its answer, and the KV cache "
                f"holds {room}; shorten it, or give the engine more blocks"
            )
        self._arrived.append(request)

    def abort(self, request: Request) -> None:
        """Forget a request at the end of the step under way; it gets no more tokens."""
        request.is_aborted = self._has_aborted = True
        if self._step is None:
            self._drop_aborted()

    # --- time ------------------------------------------------------------------------------------

    def due(self) -> float:
        """Return when something happens next, in seconds; infinity where nothing will."""
        if self._step is not None:
            return self._step.ends
        if self.batch or self._waiting:
            return self.clock
        return max(self.clock, self._arrived[0].arrived) if self._arrived else inf

    def advance(self) -> Step | None:
        """Let happen what is due: a step begins, or it ends and is returned."""
        if self._step is not None:
            return self._end()
        due = self.due()
        if due == inf:
            return None
        conditions = self._conditions(due)
        if conditions.hangs_until > due:
            self._stalled += conditions.hangs_until - due
            self.clock = conditions.hangs_until
            return None
        self.clock = due
        self._begin(conditions)
        return None

    def _begin(self, conditions: Conditions) -> None:
        while self._arrived and self._arrived[0].arrived <= self.clock:
            self._waiting.append(self._arrived.popleft())
        self.blocks.withheld = self._withheld(conditions)
        step = Step(self._steps, self.clock, stalled=self._stalled)
        self._steps, self._stalled = self._steps + 1, 0.0
        self._go_on_writing(step)
        budget = self.limits.batched_tokens - len(self.batch.writing)
        budget = self._go_on_reading(step, budget)
        if not step.preempted:
            self._admit(step, budget)
        step.decoded = len(self.batch.writing)
        step.prefilled = sum(request.scheduled for request in step.read)
        seconds = (
            self.rates.step
            + step.prefilled * self.rates.prefill * conditions.prefill
            + step.decoded * self.rates.decode
        )
        step.ends = self.clock + seconds * conditions.step
        self._step = step

    def _withheld(self, conditions: Conditions) -> int:
        """Return how many blocks an incident takes: the longest request can still be finished."""
        if not conditions.withheld:
            return 0
        requests = (*self.batch.requests, *self._waiting)
        longest = max((request.longest for request in requests), default=0)
        most = self.limits.blocks + -longest // self.blocks.tokens
        return max(0, min(int(self.limits.blocks * conditions.withheld), most))

    def _go_on_writing(self, step: Step) -> None:
        """Give those who need it another block; the newest are preempted where blocks are short."""
        for request in self.batch.in_need():
            # It may have been preempted for one before it.
            while request.written_since >= 0:
                if self.blocks.grow(request):
                    self.batch.has_block(request)
                    break
                self._preempt(self.batch.newest(), step)

    def _go_on_reading(self, step: Step, budget: int) -> int:
        """Go on with prompts that are read in part, and return how many tokens are left."""
        reading, place = self.batch.reading, 0
        while place < len(reading) and budget:
            request = reading[place]
            wanted = min(request.tokens - request.computed, budget)
            if not self.blocks.extend(request, request.computed + wanted):
                # Never one that this step works on already: those stand before it.
                self._preempt(self.batch.newest(), step)
                continue
            request.scheduled = wanted
            step.read.append(request)
            budget -= wanted
            place += 1
        return budget

    def _preempt(self, request: Request, step: Step) -> None:
        self.blocks.give_back(request)
        request.preemptions += 1
        step.preempted.append(request)
        self._waiting.appendleft(request)

    def _admit(self, step: Step, budget: int) -> None:
        """Begin work on those that came first, as long as there is room for them."""
        waiting = self._waiting
        while waiting and budget > 0 and len(self.batch) < self.limits.sequences:
            request = waiting[0]
            found = self.blocks.found(request)
            computed = len(found) * self.blocks.tokens
            wanted = min(request.tokens - computed, budget)
            if not self.blocks.begin(request, found, computed + wanted):
                return
            waiting.popleft()
            self.batch.reading.append(request)
            self._admitted += 1
            request.order = self._admitted
            if request.first_scheduled is None:
                request.first_scheduled = self.clock
                request.cached = min(computed, request.prompt_tokens)
            if request.first_token is None:
                request.last_scheduled = self.clock
            request.scheduled = wanted
            step.read.append(request)
            step.admitted.append(request)
            budget -= wanted

    def _end(self) -> Step:
        step, batch = self._step, self.batch
        assert step is not None
        self._step = None
        if batch.writing:
            step.gaps[step.ends - self.batch.last_token] += len(batch.writing)
            step.written = batch.writing.copy()
        step.finished = batch.has_written(step.ends)
        self.clock = step.ends
        read = []
        for request in step.read:
            request.computed += request.scheduled
            if request.computed == request.tokens and not request.is_aborted:
                read.append(request)
        if read:
            self._have_read(read, step)
            # Before the others: of those who wait for a token they have waited longest.
            step.written = read + step.written
        for request in step.finished:
            self.blocks.give_back(request)
        if self._has_aborted:
            self._drop_aborted()
        return step

    def _have_read(self, read: list[Request], step: Step) -> None:
        """Write the first token of those whose prompt is read, or the next after a preemption."""
        self.batch.remove(read)
        for request in read:
            self.blocks.remember(request)
            if request.first_token is None:
                request.first_token = step.ends
                step.first.append(request)
            else:
                step.gaps[step.ends - request.last_token] += 1
            request.generated += 1
            request.last_token = step.ends
            if request.generated < request.answer_tokens:
                self.batch.write(request)
            else:
                step.finished.append(request)

    def _drop_aborted(self) -> None:
        self._has_aborted = False
        gone = [request for request in self.batch.requests if request.is_aborted]
        self.batch.remove(gone)
        for request in gone:
            self.blocks.give_back(request)
        for queue in (self._waiting, self._arrived):
            kept = [request for request in queue if not request.is_aborted]
            queue.clear()
            queue.extend(kept)
