"""What requests came to together: counts, tokens, latencies and objectives, in all and by kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from llmstack.load.distribution import Distribution
from llmstack.load.objectives import Objective, is_good, length
from llmstack.load.outcome import Counted, Failure, Outcome

#: What is told of every request: to the first token and to the end, from when it was to be sent and
#: from when it was; the time of a token after the first event; and the wait until it was sent.
REQUEST_METRICS = ("ttft", "ttft_sent", "e2e", "e2e_sent", "tpot", "wait")
#: And of every token: the time since the one before. Between events only where they bring several
#: tokens, or where nobody knows how many (then nothing is told between tokens).
METRICS = (*REQUEST_METRICS, "itl", "gap")
#: Requests that are taken together: so many hold up the loop for less than half a millisecond.
_TOGETHER = 8


class Part:
    """Some requests."""

    def __init__(self, objectives: Sequence[Objective] = ()) -> None:
        """Begin with none.

        Args:
            objectives: what they are held to.
        """
        self.objectives = objectives
        self.latencies = {metric: Distribution() for metric in METRICS}
        self.answered = self.unfinished = self.good = 0
        self.prompt_tokens = self.answer_tokens = 0
        self.failures: Counter[Failure] = Counter()
        #: Of each kind of failure the first that was seen, in words.
        self.examples: dict[Failure, str] = {}
        self.finish_reasons: Counter[str] = Counter()
        self.counted: Counter[Counted] = Counter()
        #: Of each objective, how many were within it and how many there were.
        self.within = [[0, 0] for _ in objectives]

    @property
    def failed(self) -> int:
        """Requests that failed."""
        return self.failures.total()

    @property
    def measured(self) -> int:
        """Requests that ended in this part, well or not."""
        return self.answered + self.failed + self.unfinished

    def add(self, outcome: Outcome) -> None:
        """Take a request that has ended."""
        if outcome.is_unfinished:
            self.unfinished += 1
            return
        for objective, seen in zip(self.objectives, self.within, strict=True):
            within, count = objective.within(outcome)
            seen[0] += within
            seen[1] += count
        if outcome.failure is not None:
            self.failures[outcome.failure] += 1
            self.examples.setdefault(outcome.failure, outcome.detail)
            return
        self.answered += 1
        self.good += is_good(outcome, self.objectives)
        self.prompt_tokens += outcome.prompt_tokens
        self.answer_tokens += outcome.tokens
        self.finish_reasons[outcome.finish_reason or "not told"] += 1
        self.counted[outcome.counted] += 1
        for metric in REQUEST_METRICS:
            found = length(outcome, metric)
            if found is not None:
                self.latencies[metric].add(found)
        self._add_gaps(outcome)

    def _add_gaps(self, outcome: Outcome) -> None:
        between = token_gaps(outcome)
        self.latencies["itl"].extend(between)
        if between is not outcome.gaps:
            self.latencies["gap"].extend(outcome.gaps)


def token_gaps(outcome: Outcome) -> Sequence[float]:
    """Return the seconds from each token of an answer to the next; none where nobody knows.

    They are the gaps themselves where each event brought one token.
    """
    gaps, sizes = outcome.gaps, outcome.sizes
    if outcome.tokens == outcome.seen_tokens and len(gaps) == sum(sizes):
        return gaps
    if outcome.counted is not Counted.EACH_EVENT:
        return ()
    # Tokens that came together were made one after the other since those before.
    return [gap / size for gap, size in zip(gaps, sizes, strict=True) for _ in range(size)]


class Measured:
    """All requests that are measured.

    Some are taken together, as one by one they take several times as long: between two of them the
    code is out of a processor's caches.
    """

    def __init__(self, objectives: Sequence[Objective] = ()) -> None:
        """Begin with none."""
        self._objectives = objectives
        self._all = Part(objectives)
        self._kinds: dict[str, Part] = {}
        #: Those that are not taken yet.
        self._ended: list[Outcome] = []
        self.warm_up = 0
        #: When the last of them ended.
        self.last_ended = 0.0

    def add(self, outcome: Outcome) -> None:
        """Take a request that has ended; those of the warm-up are only counted."""
        if outcome.is_warm_up:
            self.warm_up += 1
            return
        self.last_ended = max(self.last_ended, outcome.ended)
        self._ended.append(outcome)
        if len(self._ended) >= _TOGETHER:
            self._take()

    @property
    def all(self) -> Part:
        """Those of all kinds."""
        self._take()
        return self._all

    @property
    def kinds(self) -> Mapping[str, Part]:
        """Those of each kind, where kinds have names."""
        self._take()
        return self._kinds

    def _take(self) -> None:
        for outcome in self._ended:
            self._all.add(outcome)
            if kind := outcome.planned.kind:
                if kind not in self._kinds:
                    self._kinds[kind] = Part(self._objectives)
                self._kinds[kind].add(outcome)
        self._ended.clear()
