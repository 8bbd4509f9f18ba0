"""Profiles of the stack for real: they come up, every panel has data, and nothing is left of them.

`LLMDASH_STACK_PROFILES` says which: sim and tls without it, engines on your GPUs in `make live-gpu`.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, replace
from pathlib import Path

import docker
import pytest
import requests

from llmdash.build import Build
from llmdash.checks import checked
from llmdash.compiler import compile_pack
from llmdash.pack import DEFAULT
from llmdash.promql.windows import Duration
from llmstack.preflight import profiles as preflight
from tests.docker.conftest import image_that_is_there
from tests.docker.stack_traffic import stack_traffic
from tests.docker.stack_under_test import (
    ENGINES,
    STACK,
    Compose,
    Part,
    chosen_profiles,
    images,
    lacks_gpu,
    parts_of,
    running,
    settings_of_engines,
    wants_gpu,
)
from tests.live.environment import MODEL
from tests.live.evidence import Hearing, hear
from tests.live.fleets import Fleet
from tests.live.process import direct_session, free_port, wait_until
from tests.live.prometheus_server import PrometheusServer
from tests.live.questions import Question
from tests.live.stack_programs import KEY, TOKENS_PER_MINUTE
from tests.requirements import require

pytestmark = pytest.mark.docker

WITHIN_SECONDS = 270.0
#: What TensorRT-LLM reported in its release 0.8 alone; no page of the profile has it.
ONLY_IN_0_8 = 'inflight_batcher_specific_metric="terminated_requests"'
#: A simulator takes this of its own machine alone.
BEGIN_FAILING = """
from urllib.request import urlopen
urlopen("http://127.0.0.1:8000/simulator/incidents", b'{"name": "errors", "seconds": 60}', timeout=5)
"""
KEYS = sorted({port.key for profile in preflight.PROFILES for port in profile.ports} | {"TLS_PORT"})


@dataclass(frozen=True)
class Stack:
    """A stack that runs."""

    compose: Compose
    #: What is in it, by source.
    parts: Mapping[str, Part]
    grafana: bool
    #: What its TLS is signed by.
    certificate: Path

    def url(self, key: str) -> str:
        """Where the port of a key answers on this machine."""
        return f"http://127.0.0.1:{self.compose.settings[key]}"


@pytest.fixture(scope="module")
def stack(engine: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """All that the profiles start; Grafana only where its image can be had."""
    folder = tmp_path_factory.mktemp("tls")
    profiles = chosen_profiles()
    settings = {
        **images(),
        **settings_of_engines(profiles),
        **{key: str(free_port()) for key in KEYS},
        "SERVED_MODEL_NAME": MODEL,
        "GATEWAY_API_KEYS": KEY,
        "GATEWAY_TOKENS_PER_MINUTE": str(TOKENS_PER_MINUTE),
        "GATEWAY_CLIENT_REQUESTS_PER_MINUTE": "60",
        "GATEWAY_TRUSTED_PROXIES": "0.0.0.0/0",
        "TLS_FOLDER": str(folder),
        "TLS_HOST": "127.0.0.1",
    }
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-noenc", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder / "key.pem", "-out", folder / "certificate.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    compose = Compose(settings, profiles, f"llmdash-test-{os.getpid()}")
    config = compose.config()
    no_gpu = lacks_gpu(engine.info()) if wants_gpu(config) else None
    if no_gpu is not None:
        require("docker", no_gpu)
    missing = {
        name: why
        for name, service in config["services"].items()
        if ("build" not in service or "LLMSTACK_IMAGE" in settings)
        and (why := image_that_is_there(service["image"])) is not None
    }
    has_grafana = missing.pop("grafana", None) is None
    if missing:
        require("docker", "; ".join(sorted(set(missing.values()))))
    services = [name for name in config["services"] if name != "grafana" or has_grafana]
    with running(compose, *services):
        yield Stack(compose, parts_of(profiles), has_grafana, folder / "certificate.pem")
    left = [
        subprocess.run(["docker", kind, "ls", *every, "--quiet", "--filter", f"label=com.docker.compose.project={compose.project}"], check=True, capture_output=True, text=True).stdout
        for kind, *every in (("container", "--all"), ("volume",), ("network",))
    ]  # fmt: skip
    assert ["", "", ""] == left


@pytest.fixture(scope="module")
def prometheus(stack: Stack) -> Iterator[PrometheusServer]:
    with direct_session() as session:
        yield PrometheusServer(stack.url("PROMETHEUS_PORT"), session, 0, Path(os.devnull))


def test_all_are_healthy(stack: Stack) -> None:
    """What runs is healthy, and what names targets has ended well."""
    found = stack.compose.containers()
    states = {
        name: (each["State"], each["Health"] or each["ExitCode"]) for name, each in found.items()
    }
    done = {name for name in states if name.startswith("target-") or name == "configuration"}

    assert {
        name: ("exited", 0) if name in done else ("running", "healthy") for name in states
    } == states


def test_what_runs_is_left_as_it_is(stack: Stack) -> None:
    """`stack/up`, which `make up` calls, judges nothing of a stack that runs, and begins none anew."""
    before = {name: each["ID"] for name, each in stack.compose.containers().items()}
    lasting = [name for name, each in stack.compose.containers().items() if each["State"] == "running"]  # fmt: skip
    done = subprocess.run([STACK / "up", *stack.compose.profiles, "--", "--wait", *lasting], env=stack.compose.environment(), capture_output=True, text=True, check=False)  # fmt: skip

    assert 0 == done.returncode, done.stderr
    assert before == {name: each["ID"] for name, each in stack.compose.containers().items()}
    assert f"Prometheus at {stack.url('PROMETHEUS_PORT')}" in done.stderr


def test_targets(stack: Stack, prometheus: PrometheusServer) -> None:
    """Those of the profiles are up; those of other profiles are not there to be down."""
    named = {source: part.target for source, part in stack.parts.items()}

    def found() -> dict[str, tuple[str, str]]:
        return {
            each["labels"]["job"]: (each["labels"]["instance"], each["health"])
            for each in prometheus.targets()
        }

    wait_until(
        lambda: all(health == "up" for _, health in found().values()),
        within=60,
        what="every target is up",
    )
    assert {
        job: (address, "up") for job, address in {**named, "prometheus": "localhost:9090"}.items()
    } == found()


def test_alertmanager_is_told(stack: Stack, prometheus: PrometheusServer) -> None:
    """Prometheus knows it by its name, and it has the built routes."""
    known = prometheus._ask("alertmanagers", {})["activeAlertmanagers"]
    status = requests.get(f"{stack.url('ALERTMANAGER_PORT')}/api/v2/status", timeout=5).json()

    assert ["http://alertmanager:9093/api/v2/alerts"] == [each["url"] for each in known]
    assert 'severity="critical"' in status["config"]["original"]


def test_retention(prometheus: PrometheusServer) -> None:
    """It is the pack's."""
    flags = prometheus._ask("status/flags", {})

    assert DEFAULT.intervals.retention == Duration.parse(flags["storage.tsdb.retention.time"])


def test_every_panel_has_data(stack: Stack, prometheus: PrometheusServer) -> None:
    """Each query of each panel of the active sources is answered, under traffic, by what is inside."""
    build = checked(compile_pack(DEFAULT))
    urls = {
        source: f"http://{stack.compose.address(part.service)}:{part.page}"
        for source, part in stack.parts.items()
    }
    fleet = Fleet(urls)
    hearing = Hearing(prometheus, fleet, build, fleet.pages(), newer=_of_others(build, {*urls}))
    hearing.open_questions = [
        each for each in hearing.open_questions if _is_active(each.question, build, {*urls})
    ]
    if "sim" not in stack.compose.profiles:
        for each in hearing.open_questions:
            each.question = _without_failures(each.question)
    hearing.asked = len(hearing.open_questions)
    doors = {source: stack.url(part.door) for source, part in stack.parts.items() if part.door}
    sending = stack_traffic(doors, MODEL, WITHIN_SECONDS + 60)
    with sending as sent:
        _let_some_fail(stack, prometheus)
        hear([hearing], WITHIN_SECONDS)
        errors = [error for traffic in sent for error in traffic.sent.errors]
    verdict = hearing.verdict()
    print(verdict, *(traffic.sent for traffic in sent), sep="\n")

    # What is left out is not there.
    assert not any(
        "terminated_requests" in sample.labels.values()
        for page in hearing.after
        for sample in page.samples()
    )
    assert [] == errors
    assert [] == verdict.unanswered, "\n".join(verdict.unanswered)


def _let_some_fail(stack: Stack, prometheus: PrometheusServer) -> None:
    """Hold vLLM until the gateway has told of failures, which it shows only once there was one.

    Triton tells of none from the start; where it is played, some of its requests fail besides.
    """
    if "gateway" in stack.parts and "vllm" in stack.parts:
        failing = 'sum(rate(gateway_requests_total{status_code=~"5.."}[1m]))'
        stack.compose.run("pause", stack.parts["vllm"].service)
        try:
            wait_until(
                lambda: any(value > 0 for _, value in prometheus.query(failing)),
                within=120,
                what="the gateway fails",
            )
        finally:
            stack.compose.run("unpause", stack.parts["vllm"].service)
    if "sim" in stack.compose.profiles:
        for source in ("triton-vllm", "triton-trtllm"):
            service = stack.parts[source].service
            stack.compose.run("exec", "--no-TTY", service, "python", "-c", BEGIN_FAILING)


def _without_failures(question: Question) -> Question:
    """Return a question as it is put to engines that nobody made fail: a share of failures may be zero.

    It stands for whoever has counted none (`or … * 0`), while the requests that it is a share of rose.
    """
    if 'outcome="error"' in question.text and "* 0" in question.text:
        return replace(question, foundations=(question.text,))
    return question


def _of_others(build: Build, sources: Set[str]) -> dict[str, str]:
    """Return the families of sources that the profiles do not have, each with the reason."""
    active = {
        metric.name
        for source in build.pack.sources
        if source.name in sources
        for metric in source.metrics
    }
    return {
        metric.name: f"is of {source.name}, which is in no profile here"
        for source in build.pack.sources
        for metric in source.metrics
        if metric.name not in active
    }


def _is_active(question: Question, build: Build, sources: Set[str]) -> bool:
    """Tell whether a question is of an active source, or of all; not of another alone."""
    others = {source.name for source in build.pack.sources} - sources
    if ONLY_IN_0_8 in question.text:
        return False
    page = re.search(r"llm-([\w-]+)\.json", question.place)
    if page is not None and any(page[1].startswith(f"{name}-") for name in others):
        # `triton` begins the names of its backends.
        return any(page[1].startswith(f"{name}-") for name in sources)
    # A panel that not all sources can fill says at the end of its title which can.
    titled = re.search(r", ([\w-]+(?:, [\w-]+)*): [^:]*$", question.place)
    if titled is not None and set(titled[1].split(", ")) <= others:
        return False
    named = set(re.findall(r'\b(?:source|job)="([^"]+)"', question.text))
    return not named or bool(named - others)


def test_tls(stack: Stack) -> None:
    """Tokens come through it as the gateway sends them; figures do not, and nothing without TLS."""
    if "tls" not in stack.compose.profiles:
        pytest.skip("the profile tls is not among those of LLMDASH_STACK_PROFILES")
    url = f"https://127.0.0.1:{stack.compose.settings['TLS_PORT']}"
    asked = {"model": MODEL, "messages": [{"role": "user", "content": "Hello."}], "stream": True, "max_tokens": 40}  # fmt: skip
    key = {"Authorization": f"Bearer {KEY}"}
    with direct_session() as session:
        session.verify = str(stack.certificate)
        with session.post(
            f"{url}/v1/chat/completions", json=asked, headers=key, stream=True, timeout=30
        ) as answer:
            arrived = [time.monotonic() for line in answer.iter_lines() if line]
        figures = session.get(f"{url}/metrics", timeout=10)
        plain = session.get(url.replace("https", "http"), timeout=10)

    assert (200, 404, 400) == (answer.status_code, figures.status_code, plain.status_code)
    assert "max-age=31536000" == answer.headers["Strict-Transport-Security"]
    # One that is held back comes all at once.
    assert arrived[-1] - arrived[0] > 0.1


def test_grafana(stack: Stack) -> None:
    """It has the built pages, lets nobody sign up, and its datasource finds Prometheus."""
    if not stack.grafana:
        pytest.skip("Grafana's image cannot be pulled")
    url, admin = stack.url("GRAFANA_PORT"), ("admin", "admin")
    found = requests.get(f"{url}/api/search?type=dash-db", auth=admin, timeout=10).json()
    health = f"{url}/api/datasources/uid/{DEFAULT.datasource_uid}/health"

    assert {"llm-fleet", "llm-slo", "llm-compare"} <= {each["uid"] for each in found}
    assert requests.get(health, auth=admin, timeout=10).json()["status"] == "OK"
    assert not requests.get(f"{url}/api/user/signup", timeout=10).ok


def test_an_engine_that_stops_is_down(stack: Stack, prometheus: PrometheusServer) -> None:
    """What has been started is a target that is down when it is gone, unlike what never was."""
    engine = next((source for source in ENGINES[::-1] if source in stack.parts), None)
    if engine is None:
        pytest.skip("no profile of LLMDASH_STACK_PROFILES has an engine")
    stack.compose.run("stop", "--timeout", "5", stack.parts[engine].service)
    wait_until(
        lambda: [0.0] == [value for _, value in prometheus.query(f'up{{job="{engine}"}}')],
        within=60,
        what="the target is down",
    )


def test_a_profile_that_is_left_takes_its_targets_along(
    stack: Stack, prometheus: PrometheusServer
) -> None:
    """Up again with fewer services, the targets of the others are gone; nothing else has changed."""
    alone = Compose(stack.compose.settings, (), stack.compose.project)
    alone.run("up", "--detach", "--no-recreate", "configuration")

    def jobs() -> set[str]:
        return {each["labels"]["job"] for each in prometheus.targets()}

    wait_until(lambda: jobs() == {"prometheus"}, within=60, what="its own target is alone")
