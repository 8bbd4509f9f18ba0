"""All checks in the order in which people mend things, and how a profile is judged."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from llmstack.preflight.case import Case
from llmstack.preflight.docker import container_toolkit, docker_compose, docker_engine
from llmstack.preflight.facts import Facts, gather
from llmstack.preflight.gpu import compute_capability, driver_cuda, driver_version, gpu_count
from llmstack.preflight.machine import Machine
from llmstack.preflight.model import memory_is_free, model_access, model_memory
from llmstack.preflight.place import disks, grafana_password, ports
from llmstack.preflight.profiles import Profile
from llmstack.preflight.report import Finding
from llmstack.preflight.settings import Settings

CHECKS: tuple[Callable[[Case], Finding | Iterable[Finding]], ...] = (
    driver_version,
    driver_cuda,
    compute_capability,
    gpu_count,
    docker_engine,
    docker_compose,
    container_toolkit,
    disks,
    ports,
    grafana_password,
    model_access,
    model_memory,
    memory_is_free,
)


def judge(profile: Profile, settings: Settings, facts: Facts) -> list[Finding]:
    """Return what every check finds."""
    case = Case(profile, settings, facts)
    findings: list[Finding] = []
    for check in CHECKS:
        found = check(case)
        findings += [found] if isinstance(found, Finding) else found
    return findings


def preflight(machine: Machine, profile: Profile, settings: Settings) -> list[Finding]:
    """Ask a machine, and judge what it answers."""
    return judge(profile, settings, gather(machine, settings))
