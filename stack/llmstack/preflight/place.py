"""Checks of where it is to run: disk for images and weights, ports, and who may come in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from ipaddress import ip_address

from llmstack.memory_budget import GB, PRECISIONS
from llmstack.preflight.case import Case
from llmstack.preflight.machine import Disk, PortState
from llmstack.preflight.model import weights_precision
from llmstack.preflight.report import Finding, Verdict
from llmstack.preflight.settings import DEFAULT_PASSWORD


def disks(case: Case) -> Iterator[Finding]:
    """There is room for the images, and for the weights of the model."""
    images, weights = _images_bytes(case), _weights_bytes(case)
    images_disk, models_disk = case.facts.images_disk, case.facts.models_disk
    said = f"about {_gb(images)} for images"
    if images_disk and models_disk and images_disk.device == models_disk.device and weights:
        said += f" and {_gb(weights)} for weights"
        yield _room("disk", images_disk, images + weights, said)
        return
    yield _room("disk", images_disk, images, said)
    if not case.needs_gpu:
        return
    if weights is None:
        said = "how large the weights are is not known"
        yield Finding("disk of models", Verdict.SKIPPED, said)
    else:
        yield _room("disk of models", models_disk, weights, f"{_gb(weights)} for weights")


def _room(check: str, disk: Disk | None, size: float, needed: str) -> Finding:
    if disk is None:
        return Finding(check, Verdict.SKIPPED, "nobody can tell how much is free", needed)
    found = f"{_gb(disk.free_bytes)} free"
    if disk.free_bytes >= size:
        return Finding(check, Verdict.OK, found, needed)
    remedy = "make room (docker system df shows what Docker holds)"
    if "weights" in needed:
        remedy += ", or set MODEL_CACHE_DIR to another disk"
    return Finding(check, Verdict.FAIL, found, needed, remedy)


def _images_bytes(case: Case) -> int:
    # With the engine's image there, the others are small.
    return 5 * GB if case.facts.has_image else case.profile.images_bytes


def _weights_bytes(case: Case) -> float | None:
    """Return what is still to be written; None where nobody can tell."""
    files = case.facts.model
    copies = case.profile.copies_of_weights
    if files.exists or files.is_cached:
        copies -= 1
    if not case.needs_gpu or copies == 0:
        return 0
    precision = weights_precision(case)
    if files.shape is None or precision is None:
        return None
    return copies * files.shape.parameters * PRECISIONS[precision]


def ports(case: Case) -> Iterator[Finding]:
    """Each port that the profile publishes is free."""
    asked = case.settings.ports
    times = Counter(number for _, number in asked.values())
    for key, (host, number) in asked.items():
        check, needed = f"port {number}", f"it free for {key}"
        state = case.facts.ports.get(key)
        if times[number] > 1:
            others = [other for other in asked if other != key and asked[other][1] == number]
            said = f"{key} and {' and '.join(others)} are both {number}"
            yield Finding(check, Verdict.FAIL, said, needed, f"set {key} to another port")
        elif state is PortState.FREE:
            yield Finding(check, Verdict.OK, f"free on {host}", needed)
        elif state is PortState.TAKEN:
            remedy = f"see who with ss -ltnp 'sport = :{number}', or set {key} to another port"
            yield Finding(check, Verdict.FAIL, f"taken on {host}", needed, remedy)
        elif state is PortState.FORBIDDEN:
            remedy = "Docker may all the same; else set a port above 1023"
            yield Finding(check, Verdict.WARN, "not allowed to this user", needed, remedy)
        else:
            said = f"{host} is no address of this machine"
            yield Finding(check, Verdict.FAIL, said, needed, "mend the address")


def grafana_password(case: Case) -> Finding:
    """Whoever reaches Grafana from outside needs a password that not everybody knows."""
    check, needed = "password", "one of your own for Grafana where others reach it"
    host, _ = case.settings.ports["GRAFANA_PORT"]
    is_default = case.settings.grafana_password == DEFAULT_PASSWORD
    said = f"{'the default' if is_default else 'one of your own'}, on {host}"
    if is_default and not _is_loopback(host):
        remedy = "set GRAFANA_ADMIN_PASSWORD, or leave GRAFANA_HOST at 127.0.0.1"
        return Finding(check, Verdict.FAIL, said, needed, remedy)
    return Finding(check, Verdict.OK, said, needed)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _gb(size: float) -> str:
    return f"{size / GB:,.0f} GB"
