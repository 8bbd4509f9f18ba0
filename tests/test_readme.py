"""Every command of the README is run, as a reader would, in a copy of the checkout."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from llmdash.testing.grafana import TOKEN, FakeGrafana
from tests.prometheus_tools import PrometheusTools, tools_of_major
from tests.requirements import require

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
VENV = Path(sys.executable).parents[1]

# Too long for a test, or a test of its own: where each is run.
RUN_ELSEWHERE = {"make test": ".ci/run", "make live": ".ci/run", "make demo": ".ci/run"}


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^ *```{language}\n(.*?)^ *```", README, re.MULTILINE | re.DOTALL)


def _commands_of(block: str) -> list[str]:
    lines = [line.partition("  #")[0].strip() for line in block.splitlines()]
    return [line for line in lines if line]


def _commands() -> list[str]:
    return [command for block in _blocks("sh") for command in _commands_of(block)]


SERVER = next(command for command in _commands() if command.startswith("prometheus "))
PUSHES = [command for command in _commands() if command.startswith("llmdash push ")]
EXPORTER = next(c for c in _commands() if c.startswith("llmstack gpu-exporter"))
#: Programs that run until they are told to end: tests/stack/test_readme.py starts them.
ENDS = ("llmstack gateway", "watchdog.yaml", "--port 8001", "--replicas 3", "--url 127.0.0.1:9101")
STACK = [c for c in _commands() if c.endswith(ENDS)]
LONG = {*RUN_ELSEWHERE, *PUSHES, SERVER, EXPORTER, *STACK}
#: One after the other within a block: what is built is then asked of.
SHORT = [
    short for block in _blocks("sh") if (short := [c for c in _commands_of(block) if c not in LONG])
]
#: Where the README has its reader's Grafana.
GRAFANA = "http://localhost:3000"


@pytest.fixture(scope="module")
def tools() -> PrometheusTools:
    return tools_of_major(3)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what git would have, with the files that the README has a reader write."""
    folder = tmp_path_factory.mktemp("checkout")
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listing.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    for block in (*_blocks("python"), *_blocks("yaml")):
        heading = re.match(r"# (my_\S+)\n", block)
        if heading is not None:
            (folder / heading[1]).write_text(block)
    return folder


def _environment(tools: PrometheusTools) -> dict[str, str]:
    path = os.pathsep.join([str(VENV / "bin"), str(tools.promtool.parent), os.environ["PATH"]])
    return {**os.environ, "PATH": path}


@pytest.mark.promtool
@pytest.mark.parametrize("commands", SHORT, ids=" && ".join)
def test_commands_work(commands: list[str], checkout: Path, tools: PrometheusTools) -> None:
    """The commands end well in a checkout (make with the venv that is there already)."""
    # The venv stays as it is: installing the copy into it would outlive the test.
    make = f"make VENV={VENV} -o {VENV}/.installed-dev "
    said = " && ".join(command.replace("make ", make, 1) for command in commands)
    done = subprocess.run(
        said,
        shell=True,
        cwd=checkout,
        env=_environment(tools),
        capture_output=True,
        text=True,
    )

    assert (0, "") == (done.returncode, done.stderr if done.returncode else "")


@pytest.mark.promtool
def test_prometheus_starts_on_the_generated_configuration(
    checkout: Path, tools: PrometheusTools
) -> None:
    """The README's Prometheus command becomes ready (here on a port of its own)."""
    if tools.prometheus is None:
        require("prom3", "promtool 3.x has no Prometheus beside it")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = SERVER.split()[1:]
    command = [str(tools.prometheus), *arguments, f"--web.listen-address=127.0.0.1:{port}"]
    with subprocess.Popen(command, cwd=checkout, stderr=subprocess.DEVNULL) as server:
        try:
            ready = next(_answers(f"http://127.0.0.1:{port}/-/ready"), None)
        finally:
            server.terminate()

    assert 200 == ready


def test_the_gpu_exporter_shows_what_the_readme_shows(checkout: Path) -> None:
    """The README's GPUs are played (here on a port of their own), with the series of its excerpt."""
    (excerpt,) = [block for block in _blocks("text") if "gpu_exporter_up" in block]
    command = [str(VENV / "bin" / "llmstack"), *EXPORTER.split()[1:], "--port", "0"]
    with subprocess.Popen(command, cwd=checkout, stdout=subprocess.PIPE, text=True) as exporter:
        try:
            assert exporter.stdout is not None
            url = exporter.stdout.readline().split()[-1]
            healthy = next(s for s in _answers(url.replace("metrics", "health")) if s == 200)
            page = urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url).read()
        finally:
            exporter.terminate()

    assert 200 == healthy
    assert {_unmoved(line) for line in excerpt.splitlines()} <= {
        _unmoved(line) for line in page.decode().splitlines()
    }


def _unmoved(line: str) -> str:
    """Return a series without its value and without the name of the host."""
    return re.sub(r'Hostname="[^"]*"', "", line.rpartition(" ")[0])


def test_pushes_work(checkout: Path, tools: PrometheusTools) -> None:
    """In the order of the README, into a Grafana: the first makes all, then nothing differs."""
    with FakeGrafana() as fake:
        for command in PUSHES:
            assert GRAFANA in command
            done = subprocess.run(
                command.replace(GRAFANA, fake.url),
                shell=True,
                cwd=checkout,
                env={**_environment(tools), "GRAFANA_TOKEN": TOKEN},
                capture_output=True,
                text=True,
            )
            assert 0 == done.returncode, done.stdout + done.stderr
        pages = len(list((checkout / "generated" / "dashboards").rglob("*.json")))

        assert 3 == len(PUSHES)
        assert pages == len(fake.dashboards.by_uid)
        assert 1 == len(fake.datasources.held)


def _answers(url: str) -> Iterator[int]:
    deadline = time.monotonic() + 30
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < deadline:
        try:
            with opener.open(url, timeout=5) as answer:
                yield answer.status
        except OSError:
            time.sleep(0.2)  # not listening yet


def test_commands_run_elsewhere_are_run_there() -> None:
    """What is too long for a test is what CI calls."""
    for command, where in RUN_ELSEWHERE.items():
        assert command in (ROOT / where).read_text()


def test_live_urls_reach_the_tests() -> None:
    """`make live VLLM_URL=… TRITON_URL=… TRITON_HTTP_URL=…` hands them to the live tests."""
    said = re.search(r"`(make live VLLM_URL=\S+ TRITON_URL=\S+ TRITON_HTTP_URL=\S+)`", README)
    assert said is not None
    command = ["make", f"VENV={VENV}", "--dry-run", *said[1].split()[1:]]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)

    assert "LLMDASH_VLLM_URL='http://127.0.0.1:8000'" in done.stdout
    assert "LLMDASH_TRITON_URL='http://127.0.0.1:8002'" in done.stdout
    assert "LLMDASH_TRITON_HTTP_URL='http://127.0.0.1:8001'" in done.stdout


def test_a_grafana_of_ones_own_reaches_the_contract() -> None:
    """`make test-grafana GRAFANA_URL=…` runs the contract suite there; without an address it says so."""
    said = re.search(r"`(make test-grafana GRAFANA_URL=\S+)`", README)
    assert said is not None
    command = ["make", f"VENV={VENV}", "--dry-run", *said[1].split()[1:]]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    nowhere = ["make", f"VENV={VENV}", "-o", f"{VENV}/.installed-dev", "test-grafana"]
    refused = subprocess.run(nowhere, cwd=ROOT, check=False, capture_output=True, text=True)

    assert f"LLMDASH_GRAFANA_URL='{GRAFANA}'" in done.stdout
    assert "tests/grafana/test_contract.py" in done.stdout
    assert (2, True) == (refused.returncode, "name a Grafana" in refused.stderr)


def test_table_of_the_build_is_what_the_build_prints(checkout: Path) -> None:
    """The table that the README shows is the one that `llmdash build` prints."""
    (shown,) = [block for block in _blocks("text") if "recordings" in block]
    command = [str(VENV / "bin" / "llmdash"), "build", "--output", "elsewhere"]
    done = subprocess.run(command, cwd=checkout, check=True, capture_output=True, text=True)
    table = done.stdout.partition("\n")[2]

    assert table in shown


def test_recording_shown_is_a_recording_built() -> None:
    """The rule that the README shows stands in the generated file, word for word."""
    (shown,) = [block for block in _blocks("yaml") if "- record:" in block]
    built = (ROOT / "generated" / "rules" / "llmdash-vllm.yaml").read_text()
    lines = [line.strip() for line in built.splitlines()]

    assert [] == [line for line in shown.splitlines() if line.strip() not in lines]


def test_files_named_exist() -> None:
    """Every path that the README names as ours is there."""
    folders = ("llmdash/", "generated/", "tests/", "rules/")
    named = {path for path in re.findall(r"`([a-z_./-]+)`", README) if path.startswith(folders)}
    missing = [p for p in sorted(named) if not (ROOT / p).exists() and "targets" not in p]

    assert [] == missing
