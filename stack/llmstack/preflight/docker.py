"""Checks of Docker: its engine, Compose, and what hands GPUs to containers."""

from __future__ import annotations

from llmstack.preflight.case import Case, dotted
from llmstack.preflight.facts import version
from llmstack.preflight.report import Finding, Verdict

#: The first engine that knows host-gateway, by which containers reach servers on the host: release
#: notes of Docker Engine 20.10.0, "Support host.docker.internal in dockerd on Linux"
#: (moby/moby#40007).
ENGINE = (20, 10)
#: The first Compose that includes files with profiles. Release notes of Docker Compose
#: (docs.docker.com/compose/releases/prior-releases): 2.20.0 added `include`; 2.21.0 fixed "no such
#: service" with `--profile` and the overrides of `.env` there (docker/compose#10906).
COMPOSE = (2, 21)


def docker_engine(case: Case) -> Finding:
    """There is an engine, this user may use it, and it is new enough."""
    needed = f"Docker Engine {dotted(ENGINE)} or newer"
    docker = case.facts.docker
    found = version(docker.engine or "")
    if found is None:
        remedy = "install Docker Engine"
        if docker.problem.startswith("docker says"):
            remedy = "start it (systemctl start docker)"
            if "denied" in docker.problem.lower():
                remedy = "join the group docker, or run as root"
        return Finding("docker", Verdict.FAIL, docker.problem, needed, remedy)
    if found < ENGINE:
        remedy = "update Docker Engine"
        return Finding("docker", Verdict.FAIL, f"engine {docker.engine}", needed, remedy)
    return Finding("docker", Verdict.OK, f"engine {docker.engine}", needed)


def docker_compose(case: Case) -> Finding:
    """`docker compose` is there and new enough."""
    needed = f"Docker Compose {dotted(COMPOSE)} or newer"
    compose = case.facts.docker.compose
    found = version(compose or "")
    if found is None:
        remedy = "install the plugin docker-compose-plugin"
        return Finding("compose", Verdict.FAIL, "docker compose does not answer", needed, remedy)
    if found < COMPOSE:
        return Finding("compose", Verdict.FAIL, f"{compose}", needed, "update the plugin")
    return Finding("compose", Verdict.OK, f"{compose}", needed)


def container_toolkit(case: Case) -> Finding:
    """Docker can hand GPUs to containers."""
    if not case.needs_gpu:
        said = f"the profile {case.profile.name} needs no GPU"
        return Finding("toolkit", Verdict.SKIPPED, said)
    needed = "nvidia-container-toolkit, known to Docker"
    docker, toolkit = case.facts.docker, case.facts.toolkit
    installed = f"nvidia-container-toolkit {toolkit}" if toolkit else ""
    configure = "run nvidia-ctk runtime configure --runtime=docker as root, and restart Docker"
    if "nvidia" in docker.runtimes:
        said = f"runtime nvidia of Docker{f', {installed}' if installed else ''}"
        return Finding("toolkit", Verdict.OK, said, needed)
    if any(device.startswith("nvidia.com/gpu") for device in docker.devices):
        return Finding("toolkit", Verdict.OK, "GPUs as CDI devices of Docker", needed)
    if toolkit and docker.engine:
        # --gpus works by a hook of the toolkit alone; the runtime is what compose files may name.
        said = f"{installed}, but Docker has no runtime nvidia"
        return Finding("toolkit", Verdict.WARN, said, needed, configure)
    if toolkit:
        said = f"{installed}, but no Docker that knows it"
        return Finding(
            "toolkit", Verdict.FAIL, said, needed, f"get Docker to run, then {configure}"
        )
    remedy = f"install nvidia-container-toolkit, then {configure}"
    return Finding("toolkit", Verdict.FAIL, "not installed", needed, remedy)
