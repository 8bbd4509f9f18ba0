"""What `make live-gpu` starts and when it refuses: no Docker and no GPU is needed to judge that."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import yaml

from tests.docker.stack_traffic import SENDERS
from tests.docker.stack_under_test import (
    ENGINES,
    ENGINES_OWN,
    IMAGES,
    PROFILES,
    ROOT,
    STACK,
    chosen_profiles,
    lacks_gpu,
    parts_of,
    settings_of_engines,
    wants_gpu,
)

FILES = sorted((*STACK.glob("*.yaml"), *STACK.glob("engines/*.yaml")))
#: It runs once, and has nothing to ask.
COMPILING = "compile-triton-trtllm"
NO_GPU = lacks_gpu({})
#: Runs `make live-gpu` with a docker of a test, or without one.
LiveGpu: TypeAlias = Callable[..., "subprocess.CompletedProcess[str]"]


def services(profile: str) -> dict[str, dict[str, Any]]:
    """What a profile starts beside the core, as the files say it."""
    found = [yaml.safe_load(path.read_text())["services"] for path in FILES]
    return {
        name: service
        for each in found
        for name, service in each.items()
        if profile in service.get("profiles", ())
    }


# --- the table ---------------------------------------------------------------------------------------


def test_every_profile_is_in_the_table() -> None:
    """Whichever may be started can be asked."""
    known = set(re.findall(r"profiles: \[(.*)\]", "\n".join(path.read_text() for path in FILES)))
    named = {name for each in known for name in each.split(", ")}

    assert named - {COMPILING} == set(PROFILES)


@pytest.mark.parametrize("profile", PROFILES)
def test_targets_of_a_profile(profile: str) -> None:
    """The table's are those that target-* says, and lead to its services, by name or alias."""
    started = services(profile)
    said = dict(each["command"] for name, each in started.items() if name.startswith("target-"))
    names = {
        source: {
            part.service,
            *started[part.service].get("networks", {}).get("default", {}).get("aliases", ()),
        }
        for source, part in PROFILES[profile].items()
    }

    assert said == {source: part.target for source, part in PROFILES[profile].items()}
    assert set() == {
        source for source, target in said.items() if target.partition(":")[0] not in names[source]
    }


def test_doors() -> None:
    """Each is a port of what it leads to, and whoever has one has traffic."""
    for profile, parts in PROFILES.items():
        doors = {source: part for source, part in parts.items() if part.door is not None}

        assert set(doors) == set(parts) & set(SENDERS)
        for part in doors.values():
            published = services(profile)[part.service]["ports"]
            assert any(f"${{{part.door}:-" in port for port in published), part


def test_engines() -> None:
    """They are the services that extend an engine, less what compiles."""
    engines = {
        name
        for path in FILES
        for name, service in yaml.safe_load(path.read_text())["services"].items()
        if service.get("extends", {}).get("service") == "engine"
    }

    assert {*ENGINES, COMPILING} == engines
    assert all(services(engine)[engine] for engine in ENGINES)


def test_images_and_settings() -> None:
    """Every image that is not built alone can be named; what the environment may give is a setting."""
    text = "\n".join(path.read_text() for path in FILES)
    asked = set(re.findall(r"\$\{(\w+)|^ +(\w+):$", text, re.MULTILINE))

    assert set(re.findall(r"image: (?:&\w+ )?\$\{(\w+):-", text)) == set(IMAGES)
    assert set() == set(ENGINES_OWN) - {name for pair in asked for name in pair}


# --- what is chosen ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("named", "sources"),
    [
        (None, {"vllm", "triton-vllm", "triton-trtllm", "gateway", "dcgm"}),
        ("vllm, dcgm", {"vllm", "gateway", "dcgm"}),
        ("triton-vllm,triton-trtllm", {"triton-vllm", "triton-trtllm"}),
    ],
)
def test_chosen(named: str | None, sources: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment's profiles; those of CI without."""
    monkeypatch.delenv("LLMDASH_STACK_PROFILES", raising=False)
    if named is not None:
        monkeypatch.setenv("LLMDASH_STACK_PROFILES", named)

    assert sources == set(parts_of(chosen_profiles()))


@pytest.mark.parametrize(
    ("named", "says"),
    [
        ("vllm,vlm", "expected profiles out of vllm, .*, got vlm"),
        ("sim,vllm", "sim and vllm both have vllm; take one"),
        ("dcgm,gpu-exporter", "dcgm and gpu-exporter both have dcgm; take one"),
    ],
)
def test_what_cannot_be_chosen(named: str, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each source is somebody's, once."""
    monkeypatch.setenv("LLMDASH_STACK_PROFILES", named)
    with pytest.raises(ValueError, match=f"LLMDASH_STACK_PROFILES: {says}"):
        chosen_profiles()


def test_settings_of_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Engines that share a GPU share its memory, unless you say how much; the model is yours or small."""
    for key in ENGINES_OWN:
        monkeypatch.delenv(key, raising=False)
    alone, together = settings_of_engines(["vllm", "dcgm"]), settings_of_engines(ENGINES[:2])
    monkeypatch.setenv("GPU_MEMORY_UTILIZATION", "0.3")
    monkeypatch.setenv("MODEL_NAME", "mine")
    own = settings_of_engines(ENGINES)

    assert ("0.90", "0.45", "0.3") == tuple(
        each["GPU_MEMORY_UTILIZATION"] for each in (alone, together, own)
    )
    assert ("Qwen/Qwen3-0.6B", "mine") == (alone["MODEL_NAME"], own["MODEL_NAME"])


# --- GPUs --------------------------------------------------------------------------------------------


def test_who_wants_a_gpu() -> None:
    """Whoever reserves devices, of what Compose makes of the files."""
    reserved = {"deploy": {"resources": {"reservations": {"devices": [{"driver": "nvidia"}]}}}}
    limited = {"deploy": {"resources": {"limits": {"cpus": 1}}}}

    assert wants_gpu({"services": {"prometheus": limited, "vllm": reserved}})
    assert not wants_gpu({"services": {"prometheus": limited, "grafana": {}}})


@pytest.fixture
def live_gpu(tmp_path: Path) -> LiveGpu:
    """Run `make live-gpu` with a docker that plays, and a pytest that says how it was called."""

    def program(path: Path, says: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{says}\n")
        path.chmod(0o755)

    def run(docker: str | None, **variables: str) -> subprocess.CompletedProcess[str]:
        venv, programs = tmp_path / "venv", tmp_path / "programs"
        program(venv / "bin" / "pytest", 'echo "started $LLMDASH_REQUIRE $LLMDASH_STACK_PROFILES"')
        (venv / ".installed-dev").touch()
        programs.mkdir()
        path = str(programs)
        if docker is not None:
            program(programs / "docker", docker)
            path += f"{os.pathsep}{os.environ['PATH']}"
        given = {"VENV": venv, "REPORTS": tmp_path / "reports", "COMPILED": "none", **variables}
        command = [
            str(shutil.which("make")), "--no-print-directory", "-o", str(venv / ".installed-dev"),
            *(f"{name}={value}" for name, value in given.items()), "live-gpu",
        ]  # fmt: skip
        return subprocess.run(
            command, cwd=ROOT, env={"PATH": path}, capture_output=True, text=True, check=False
        )

    return run


def informing(info: dict[str, Any]) -> str:
    """A docker that answers, and says this about itself."""
    return f"case \"$*\" in 'info --format'*) cat <<'END'\n{json.dumps(info, separators=(',', ':'))}\nEND\n;; esac"


@pytest.mark.parametrize(
    ("docker", "says"),
    [
        (None, "live-gpu: docker is not installed"),
        ('[ "$1" != compose ]', "live-gpu: docker compose does not answer"),
        ('[ "$1" != info ]', "live-gpu: no Docker engine answers"),
        (informing({"Runtimes": {"runc": {}}}), f"live-gpu: {NO_GPU}"),
    ],
)
def test_what_make_refuses(docker: str | None, says: str, live_gpu: LiveGpu) -> None:
    """It ends before anything is started, and says why."""
    done = live_gpu(docker)

    assert (2, "") == (done.returncode, done.stdout)
    assert says in done.stderr
    assert "Error 1" in done.stderr


@pytest.mark.parametrize(
    ("info", "there"),
    [
        ({"Runtimes": {"nvidia": {"path": "nvidia-container-runtime"}, "runc": {}}}, True),
        ({"Runtimes": {"runc": {}}, "DiscoveredDevices": [{"Source": "cdi", "ID": "nvidia.com/gpu=0"}]}, True),
        ({"Runtimes": {"runc": {}}, "DiscoveredDevices": [{"Source": "cdi", "ID": "vendor.com/gpu=0"}]}, False),
        ({"Runtimes": {"runc": {}}, "DiscoveredDevices": None}, False),
        ({"Name": "nvidia"}, False),
    ],
)  # fmt: skip
def test_whether_docker_sees_a_gpu(info: dict[str, Any], there: bool, live_gpu: LiveGpu) -> None:
    """By a runtime or a device; make and the tests are of one mind."""
    assert (there, there) == (lacks_gpu(info) is None, live_gpu(informing(info)).returncode == 0)


def test_what_make_starts(live_gpu: LiveGpu, tmp_path: Path) -> None:
    """All engines that can serve, or what you name; nothing may be missing then."""
    compiled = tmp_path / "config.json"
    compiled.touch()
    sees = informing({"Runtimes": {"nvidia": {}}})

    def started(**variables: str) -> str:
        shutil.rmtree(tmp_path / "programs", ignore_errors=True)
        return live_gpu(sees, **variables).stdout.splitlines()[-1]

    assert [
        "started docker vllm,triton-vllm,dcgm",
        "started docker vllm,triton-vllm,dcgm,triton-trtllm",
        "started docker triton-vllm",
    ] == [
        started(),
        started(COMPILED=str(compiled)),
        started(LLMDASH_STACK_PROFILES="triton-vllm"),
    ]
