"""The proof that panels have data: a real Prometheus with our files is asked everything they ask."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest

from llmdash.artifacts import write
from llmdash.build import Build
from llmdash.checks import checked
from llmdash.compiler import compile_pack
from llmdash.metrics import prometheus as prometheus_metrics
from llmdash.metrics.metric import Metric
from llmdash.pack import DEFAULT
from tests.live.exposition import Exposition, fetch_exposition
from tests.live.prometheus_server import (
    PrometheusServer,
    QueryFailedError,
    prometheus_server,
    write_targets,
)
from tests.live.questions import (
    Excuse,
    Question,
    annotation_questions,
    excuse,
    is_driven,
    panel_questions,
    recording_questions,
)
from tests.live.report import REPORT
from tests.live.traffic import triton_traffic, vllm_traffic
from tests.live.triton_server import TritonServer
from tests.live.vllm_server import VllmServer
from tests.prometheus_tools import MAJORS, tools_of_major
from tests.requirements import require

#: A sample must be of the last two minutes.
FRESH = "--query.lookback-delta=2m"
#: Four scrapes, an evaluation, and time for what moves only now and then.
WITHIN_SECONDS = 240.0


@dataclass
class Verdict:
    """What came of all questions on one Prometheus."""

    unanswered: list[str] = field(default_factory=list)
    excused: dict[str, Excuse] = field(default_factory=dict)
    answered: int = 0


@dataclass(frozen=True)
class Evidence:
    """The servers' own pages before and after the traffic, and the verdict of each Prometheus."""

    build: Build
    verdicts: dict[int, Verdict]
    servers: dict[int, PrometheusServer]
    pages: tuple[Exposition, ...]


@dataclass
class _Asked:
    """A question that is asked until it is answered well."""

    question: Question
    #: The expressions whose counters the traffic drove, which must show it.
    driven: bool = False
    last: str = "never asked"

    def is_answered(self, server: PrometheusServer) -> bool:
        """Ask once; remember what was wrong."""
        samples = server.query(self.question.text)
        values = [value for _, value in samples if math.isfinite(value)]
        if not samples:
            self.last = "no sample"
        elif not values:
            self.last = f"no finite sample out of {len(samples)}"
        elif self.driven and not any(value > 0 for value in values):
            self.last = "all samples are 0, though its counters rose"
        else:
            return True
        return False


@pytest.fixture(scope="module")
def evidence(
    vllm: VllmServer, triton: TritonServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Evidence]:
    build = checked(compile_pack(DEFAULT))
    folder = tmp_path_factory.mktemp("built")
    write(build.artifacts, folder)
    configuration = folder / "prometheus"
    write_targets(configuration, {"vllm": [vllm.target], "triton": [triton.target]})
    urls = (vllm.metrics_url, triton.metrics_url)
    metrics = _catalogue(build)
    with ExitStack() as stack:
        servers = {}
        for major in MAJORS:
            binary = tools_of_major(major).prometheus
            if binary is None:
                require(f"prom{major}", f"promtool {major}.x has no Prometheus beside it")
            where = tmp_path_factory.mktemp(f"prometheus{major}")
            running = prometheus_server(binary, configuration, where, (FRESH,))
            servers[major] = stack.enter_context(running)
        before = [fetch_exposition(url) for url in urls]
        stack.enter_context(vllm_traffic(vllm, limit=20_000, seconds=WITHIN_SECONDS + 60))
        stack.enter_context(triton_traffic(triton, limit=100_000, seconds=WITHIN_SECONDS + 60))
        verdicts = _ask_everything(build, vllm.model, servers, urls, before, metrics)
        pages = tuple(fetch_exposition(url) for url in urls)
        yield Evidence(build, verdicts, servers, pages)


def _catalogue(build: Build) -> list[Metric]:
    own = [metric for source in build.pack.sources for metric in source.metrics]
    return [*own, *prometheus_metrics.METRICS]


def _ask_everything(
    build: Build,
    model: str,
    servers: dict[int, PrometheusServer],
    urls: Sequence[str],
    before: Sequence[Exposition],
    metrics: Sequence[Metric],
) -> dict[int, Verdict]:
    """Ask until all is answered that is not excused, or the time is up."""
    questions = [*panel_questions(build, [model]), *recording_questions(build)]
    open_questions = {major: [_Asked(question) for question in questions] for major in servers}
    deadline = time.monotonic() + WITHIN_SECONDS
    while True:
        after = [fetch_exposition(url) for url in urls]
        for major, asked in open_questions.items():
            for each in asked:
                each.driven = _is_driven(each.question, before, after)
            open_questions[major] = [a for a in asked if not a.is_answered(servers[major])]
        waiting = [
            each
            for asked in open_questions.values()
            for each in asked
            if excuse(each.question, metrics, after) is None
        ]
        if not waiting or time.monotonic() > deadline:
            break
        # Nothing new is known before the next scrape or evaluation.
        time.sleep(5)
    verdicts = {}
    for major, asked in open_questions.items():
        verdict = Verdict(answered=len(questions) - len(asked))
        for each in asked:
            reason = excuse(each.question, metrics, after)
            if reason is None:
                verdict.unanswered.append(
                    f"{each.question.place}: {each.last}: {each.question.text}"
                )
            else:
                verdict.excused[each.question.place] = reason
        verdicts[major] = verdict
    return verdicts


def _is_driven(
    question: Question, before: Sequence[Exposition], after: Sequence[Exposition]
) -> bool:
    """Tell whether the counters of some foundation rose on a server's own page."""
    return any(
        is_driven(text, old, new)
        for text in question.foundations
        for old, new in zip(before, after, strict=True)
    )


@pytest.mark.parametrize("major", MAJORS, ids=[f"prometheus{major}" for major in MAJORS])
class TestLivePanels:
    """What a real Prometheus answers."""

    def test_every_panel_and_recording_has_data(
        self, evidence: Evidence, major: int, pytestconfig: pytest.Config
    ) -> None:
        """Each query gives a finite sample of the last two minutes, or rests on what is not here."""
        verdict = evidence.verdicts[major]
        listing = "\n".join(f"  {place}: {why}" for place, why in sorted(verdict.excused.items()))
        pytestconfig.stash.setdefault(REPORT, []).append(
            f"\nPrometheus {major}: {verdict.answered} questions answered; "
            f"{len(verdict.excused)} exceptions, derived from the servers' own pages:\n{listing}"
        )

        assert [] == verdict.unanswered

    def test_annotations_are_valid(self, evidence: Evidence, major: int) -> None:
        """Prometheus evaluates every annotation query without an error."""
        refused = []
        for question in annotation_questions(evidence.build):
            try:
                evidence.servers[major].query(question.text)
            except QueryFailedError as error:
                refused.append(f"{question.place}: {error}")

        assert [] == refused

    def test_rules_are_healthy(self, evidence: Evidence, major: int) -> None:
        """No rule fails when Prometheus evaluates it."""
        failing = {
            rule["name"]: rule["lastError"]
            for rule in evidence.servers[major].rules()
            if rule["health"] != "ok"
        }

        assert {} == failing

    def test_targets_are_up(self, evidence: Evidence, major: int) -> None:
        """Our scrape configuration reaches both servers under the jobs of their sources."""
        health = {t["labels"]["job"]: t["health"] for t in evidence.servers[major].targets()}

        assert {"vllm": "up", "triton": "up"} == health


def test_exceptions_need_what_is_absent(evidence: Evidence) -> None:
    """An exception holds only where the family is absent from the servers' own pages."""
    shown = {family for page in evidence.pages for family in page.families}
    excused = [why for verdict in evidence.verdicts.values() for why in verdict.excused.values()]

    assert set() == {why.family for why in excused} & shown


def test_names_stored_with_colons(evidence: Evidence) -> None:
    """Our scrape configuration asks `/metrics`, so vLLM's names keep their colon."""
    for server in evidence.servers.values():
        assert server.series("vllm:num_requests_running")
