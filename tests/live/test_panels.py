"""The proof that panels have data: a real Prometheus with our files is asked everything they ask.

Twice: of real servers and programs, where only what rests on families that they lack may go
unanswered; and of expositions made from the catalogues, where nothing may. What is made proves
queries, never facts. Sources without a real server show their oldest names beside the real ones, and
then their newest; the GPU exporter plays its GPUs, with either names beside one Prometheus.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from llmdash.artifacts import write
from llmdash.build import Build
from llmdash.checks import checked
from llmdash.compiler import compile_pack
from llmdash.metrics import prometheus as prometheus_metrics
from llmdash.metrics import triton as triton_metrics
from llmdash.pack import DEFAULT
from llmdash.slos.windows import MONTHLY_EVALUATION
from tests.live.app_traffic import app_traffic
from tests.live.evidence import Hearing, Verdict, all_questions, hear
from tests.live.fleets import Fleet, Generation, made_fleet
from tests.live.gateway_traffic import gateway_traffic
from tests.live.process import wait_until
from tests.live.prometheus_server import QueryFailedError, prometheus_server, write_targets
from tests.live.questions import annotation_questions
from tests.live.report import REPORT
from tests.live.stack_programs import GENERATIONS_OF_NAMES, Program, load_run
from tests.live.traffic import triton_traffic, vllm_traffic
from tests.live.triton_families import TENSORRT_LLM_BACKEND, VLLM_BACKEND
from tests.live.triton_server import TritonServer
from tests.live.vllm_server import VllmServer
from tests.metrics.test_catalogue import SERVERS
from tests.prometheus_tools import MAJORS, tools_of_major
from tests.requirements import require

#: A sample must be of the last two minutes.
FRESH = "--query.lookback-delta=2m"
#: Four scrapes, an evaluation, and time for what moves only now and then.
WITHIN_SECONDS = 240.0

KINDS = ("real", "made")
#: By which names the GPU exporter shows its GPUs to a Prometheus of this major.
GPU_NAMES = dict(zip(MAJORS, GENERATIONS_OF_NAMES, strict=True))


@dataclass(frozen=True)
class Evidence:
    """What each Prometheus said of each fleet, by kind and major."""

    build: Build
    real_sources: frozenset[str]
    hearings: dict[tuple[str, int], Hearing]
    verdicts: dict[tuple[str, int], Verdict]

    def described(self, kind: str) -> str:
        """Say what stands behind the targets of a kind."""
        made = [s.name for s in self.build.pack.sources if s.name not in self.real_sources]
        if kind == "made":
            return "every source made from its catalogue"
        real = ", ".join(sorted(self.real_sources))
        # A Triton without a GPU runs no backend; a model of the tests registers its families.
        played = "backends by test models, GPUs simulated"
        return f"real programs for {real} ({played}); made: {', '.join(made)}"


@pytest.fixture(scope="module")
def evidence(
    vllm: VllmServer,
    triton: TritonServer,
    triton_vllm: TritonServer,
    triton_trtllm: TritonServer,
    troubled_gateway: Program,
    app: Program,
    gpu_exporters: dict[str, Program],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Evidence]:
    build = checked(compile_pack(DEFAULT))
    real = {
        "vllm": vllm.metrics_url,
        "triton": triton.metrics_url,
        "triton-vllm": triton_vllm.metrics_url,
        "triton-trtllm": triton_trtllm.metrics_url,
        "gateway": troubled_gateway.metrics_url,
        "app": app.metrics_url,
    }
    gpus = {major: gpu_exporters[names].metrics_url for major, names in GPU_NAMES.items()}
    with ExitStack() as stack:
        run = stack.enter_context(load_run(tmp_path_factory.mktemp("load"), vllm.base_url))
        real["load"] = run.metrics_url
        real_sources = frozenset({*real, "dcgm"})
        rest = [source for source in build.pack.sources if source.name not in real_sources]
        oldest = stack.enter_context(made_fleet((each, Generation.OLDEST) for each in rest))
        # The newest names of real servers are proven by these alone.
        generations = [
            (each, Generation.EVERY if each.name in real_sources else Generation.NEWEST)
            for each in build.pack.sources
        ]
        made = stack.enter_context(made_fleet(generations))
        hearings = {}
        for kind in KINDS:
            for major in MAJORS:
                beside = oldest.joined({**real, "dcgm": gpus[major]})
                fleet = beside if kind == "real" else made
                folder = tmp_path_factory.mktemp(f"{kind}{major}")
                hearing = stack.enter_context(_hearing(build, fleet, major, folder))
                if kind == "real":
                    hearing.newer = _newer_than(triton.version)
                hearings[kind, major] = hearing
        limit, seconds = 100_000, WITHIN_SECONDS + 60
        stack.enter_context(vllm_traffic(vllm, limit=limit, seconds=seconds))
        stack.enter_context(triton_traffic(triton, limit=limit, seconds=seconds))
        for server, models in ((triton_vllm, VLLM_BACKEND), (triton_trtllm, TENSORRT_LLM_BACKEND)):
            # Few clients: each answer moves many series, and cores are short.
            sent = triton_traffic(server, models, workers=4, limit=limit, seconds=seconds)
            stack.enter_context(sent)
        asked = troubled_gateway.base_url
        # Few clients here, too: vLLM has enough of its own.
        stack.enter_context(gateway_traffic(asked, workers=3, limit=limit, seconds=seconds))
        stack.enter_context(app_traffic(app.base_url, limit=limit, seconds=seconds))
        hear(hearings.values(), WITHIN_SECONDS)
        verdicts = {key: hearing.verdict() for key, hearing in hearings.items()}
        yield Evidence(build, real_sources, hearings, verdicts)


def _newer_than(version: str | None) -> dict[str, str]:
    """Return the families that a real Triton is too old for, each with the reason."""
    release = SERVERS["tritonserver"].release(version or "")
    return {
        metric.name: f"is of {metric.versions}; this Triton is {release}"
        for metric in triton_metrics.METRICS
        if version and not metric.versions.includes(release)
    }


@contextmanager
def _hearing(build: Build, fleet: Fleet, major: int, folder: Path) -> Iterator[Hearing]:
    binary = tools_of_major(major).prometheus
    if binary is None:
        require(f"prom{major}", f"promtool {major}.x has no Prometheus beside it")
    write(build.artifacts, folder / "built")
    configuration = folder / "built" / "prometheus"
    write_targets(configuration, fleet.targets)
    with prometheus_server(binary, configuration, folder, (FRESH,)) as server:
        yield Hearing(server, fleet, build, fleet.pages())


EVERY_HEARING = pytest.mark.parametrize(
    "hearing",
    [(kind, major) for kind in KINDS for major in MAJORS],
    ids=[f"{kind}-prometheus{major}" for kind in KINDS for major in MAJORS],
)


@EVERY_HEARING
class TestLivePanels:
    """What a real Prometheus answers."""

    def test_every_question_is_answered(
        self, evidence: Evidence, hearing: tuple[str, int], pytestconfig: pytest.Config
    ) -> None:
        """Each query gives a fresh finite sample, each list a value, or rests on what is not here."""
        kind, major = hearing
        verdict = evidence.verdicts[hearing]
        pytestconfig.stash.setdefault(REPORT, []).append(
            f"\nPrometheus {major}, {evidence.described(kind)}: {verdict}"
        )

        assert [] == verdict.unanswered, "\n".join(verdict.unanswered)

    def test_annotations_are_valid(self, evidence: Evidence, hearing: tuple[str, int]) -> None:
        """Prometheus evaluates every annotation query without an error."""
        refused = []
        for question in annotation_questions(evidence.build):
            try:
                evidence.hearings[hearing].server.query(question.text)
            except QueryFailedError as error:
                refused.append(f"{question.place}: {error}")

        assert [] == refused

    def test_rules_are_healthy(self, evidence: Evidence, hearing: tuple[str, int]) -> None:
        """No rule fails when Prometheus evaluates it."""
        server = evidence.hearings[hearing].server
        # Periods are added up more rarely than the run may take.
        wait_until(
            lambda: all(rule["health"] != "unknown" for rule in server.rules()),
            within=MONTHLY_EVALUATION.seconds + 30,
            what="every rule has been evaluated",
        )
        failing = {r["name"]: r.get("lastError") for r in server.rules() if r["health"] != "ok"}

        assert {} == failing

    def test_targets_are_up(self, evidence: Evidence, hearing: tuple[str, int]) -> None:
        """Our scrape configuration reaches every target under the job of its source."""
        targets = evidence.hearings[hearing].server.targets()
        jobs = {source.job: "up" for source in evidence.build.pack.sources} | {"prometheus": "up"}

        assert jobs == {target["labels"]["job"]: target["health"] for target in targets}

    def test_exceptions_need_what_is_absent(
        self, evidence: Evidence, hearing: tuple[str, int]
    ) -> None:
        """An exception holds only where the family is absent from the pages, or never moved."""
        pages = evidence.hearings[hearing].after
        excused = {why.family for why in evidence.verdicts[hearing].excused.values()}
        moved = {
            name
            for page in pages
            for name, family in page.families.items()
            if any(sample.value for sample in family.samples)
        }

        assert set() == excused & moved


@pytest.mark.parametrize("major", MAJORS)
def test_what_is_made_leaves_nothing_open(evidence: Evidence, major: int) -> None:
    """What real servers lack is answered out of the catalogues, but for what Prometheus itself needs."""
    own = {metric.name for metric in prometheus_metrics.METRICS}
    excused = {why.family for why in evidence.verdicts["made", major].excused.values()}

    # A week ago there was no Prometheus, whatever it scrapes, and what is sound lists no fault.
    assert set() == excused - own - {""}


@pytest.mark.parametrize("major", MAJORS)
def test_names_stored_with_colons(evidence: Evidence, major: int) -> None:
    """Our scrape configuration asks `/metrics`, so vLLM's names keep their colon."""
    assert evidence.hearings["real", major].server.series("vllm:num_requests_running")


def test_no_answer_is_put_in_its_mouth(evidence: Evidence) -> None:
    """No query brings a sample of its own for the case that there is none."""
    texts = {text for q in all_questions(evidence.build) for text in (q.text, *q.foundations)}

    # What is promised is a number that nobody measures.
    promised = {f"vector({slo.objective:g})" for slo in evidence.build.pack.slos}
    assert [] == [text for text in sorted(texts - promised) if "vector(" in text]
