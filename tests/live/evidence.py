"""Everything that the built files ask, put to one Prometheus until all is answered well."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from llmdash.build import Build
from llmdash.metrics import prometheus as prometheus_metrics
from llmdash.metrics.metric import Metric
from tests.live.environment import MODEL
from tests.live.exposition import Exposition
from tests.live.fleets import Fleet
from tests.live.prometheus_server import PrometheusServer
from tests.live.questions import (
    Excuse,
    Question,
    Recorded,
    excuse,
    hourly_recordings,
    is_driven,
    longest_look_back,
    may_be_zero,
    panel_questions,
    recorded_expressions,
    recording_questions,
    rests_on,
    variable_questions,
    without_filters,
)

#: No Prometheus of a test has been there for longer.
OLDEST = timedelta(hours=1)


@dataclass
class Verdict:
    """What came of all questions on one Prometheus."""

    unanswered: list[str] = field(default_factory=list)
    excused: dict[str, Excuse] = field(default_factory=dict)
    answered: int = 0

    def __str__(self) -> str:
        """Say how many were answered, and list the exceptions."""
        lines = [f"  {place}: {why}" for place, why in sorted(self.excused.items())]
        head = (
            f"{self.answered} questions answered; {len(lines)} exceptions, derived from the pages"
        )
        return "\n".join([head, *lines])


@dataclass
class Hearing:
    """One Prometheus, what it scrapes, and the questions that it has not answered yet."""

    server: PrometheusServer
    fleet: Fleet
    build: Build
    before: Sequence[Exposition]
    after: Sequence[Exposition] = ()
    #: Families that the servers are too old for, and why.
    newer: Mapping[str, str] = field(default_factory=dict)
    open_questions: list[_Asked] = field(default_factory=list)
    asked: int = 0
    #: Recordings that may have to wait for the next hour.
    hourly: frozenset[str] = frozenset()
    rules: Recorded = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Note every question of the build."""
        self.hourly = hourly_recordings(self.build)
        self.rules = recorded_expressions(self.build)
        questions = all_questions(self.build)
        self.open_questions = [_Asked(question) for question in questions]
        self.asked = len(questions)

    def ask(self) -> None:
        """Ask once what is still open, against what the servers show at this moment."""
        self.after = self.fleet.pages()
        for each in self.open_questions:
            each.driven = self._is_driven(each.question)
        self.open_questions = [a for a in self.open_questions if not a.is_answered(self.server)]

    def is_over(self) -> bool:
        """Tell whether nothing is open but what rests on families that are not here."""
        return all(self._excuse(each) is not None for each in self.open_questions)

    def verdict(self) -> Verdict:
        """Return what came of it."""
        verdict = Verdict(answered=self.asked - len(self.open_questions))
        for each in self.open_questions:
            reason = self._excuse(each)
            if reason is None:
                place, text = each.question.place, each.question.text
                verdict.unanswered.append(f"{place}: {each.last}: {text}")
            else:
                verdict.excused[each.question.place] = reason
        return verdict

    def _excuse(self, asked: _Asked) -> Excuse | None:
        ago = longest_look_back(asked.question.text)
        if ago > OLDEST:
            return Excuse("", f"looks back {ago}, when this Prometheus was not there")
        if rests_on(asked.question.text, self.hourly):
            return Excuse("", "is gathered in the first minutes of an hour")
        if asked.lists_nothing:
            return Excuse("", "lists what is wrong, and nothing is")
        own = [metric for source in self.build.pack.sources for metric in source.metrics]
        catalogue: list[Metric] = [*own, *prometheus_metrics.METRICS]
        return excuse(asked.question, catalogue, self.after, self.newer, self.rules)

    def _is_driven(self, question: Question) -> bool:
        """Tell whether the counters of some foundation rose on a server's own page."""
        if not question.values_of and may_be_zero(question.text):
            return False
        return any(
            is_driven(text, old, new)
            for text in question.foundations
            for old, new in zip(self.before, self.after, strict=True)
        )


@dataclass
class _Asked:
    """A question that is asked until it is answered well."""

    question: Question
    #: Whether the traffic drove the counters of its expressions, which must then show it.
    driven: bool = False
    last: str = "never asked"
    #: Whether there are samples, but none that its comparisons let pass.
    lists_nothing: bool = False

    def is_answered(self, server: PrometheusServer) -> bool:
        """Ask once; remember what was wrong."""
        if self.question.values_of:
            self.last = "no value"
            return bool(server.label_values(self.question.values_of, self.question.text))
        samples = server.query(self.question.text)
        values = [value for _, value in samples if math.isfinite(value)]
        every = without_filters(self.question.text)
        self.lists_nothing = (
            not samples and every != self.question.text and bool(server.query(every))
        )
        if not samples:
            self.last = "no sample"
        elif not values:
            self.last = f"no finite sample out of {len(samples)}"
        elif self.driven and not any(value > 0 for value in values):
            self.last = "all samples are 0, though its counters rose"
        else:
            return True
        return False


def all_questions(build: Build) -> list[Question]:
    """Return every panel's queries, every recording and every variable's list."""
    return [
        *panel_questions(build, MODEL),
        *recording_questions(build),
        *variable_questions(build),
    ]


def hear(hearings: Iterable[Hearing], within: float) -> None:
    """Ask until all is answered that is not excused, or the time is up."""
    deadline = time.monotonic() + within
    waiting = list(hearings)
    while waiting:
        for hearing in waiting:
            hearing.ask()
        waiting = [hearing for hearing in waiting if not hearing.is_over()]
        if time.monotonic() > deadline:
            return
        if waiting:
            # Nothing new is known before the next scrape or evaluation.
            time.sleep(5)
