"""The compose files of the stack: what Compose makes of them keeps the rules; nothing is started."""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
from typing import Any

import pytest

from llmstack.preflight.profiles import PROFILES
from tests.docker.stack_under_test import ROOT, STACK, Compose, ComposeError
from tests.requirements import require

pytestmark = pytest.mark.docker

ENGINES = ("vllm", "triton-vllm", "triton-trtllm")
CORE = {"alertmanager", "configuration", "grafana", "prometheus"}
SERVICES = {
    "vllm": {"vllm", "target-vllm", "gateway", "target-gateway"},
    "triton-vllm": {"triton-vllm", "target-triton-vllm"},
    "triton-trtllm": {"triton-trtllm", "target-triton-trtllm"},
    "sim": {
        *("sim-vllm", "sim-triton-vllm", "sim-triton-trtllm", "sim-gpus"),
        *("target-vllm", "target-triton-vllm", "target-triton-trtllm", "target-gpu-exporter"),
        *("gateway", "target-gateway"),
    },
    "gateway": {"gateway-elsewhere", "target-gateway"},
    "dcgm": {"dcgm-exporter", "target-dcgm"},
    "gpu-exporter": {"gpu-exporter", "target-gpu-exporter"},
    "tls": {"nginx"},
    "compile-triton-trtllm": {"compile-triton-trtllm"},
}
#: What ends by itself, and so has no health.
DONE = re.compile(r"target-|configuration$|compile-")
#: Where what nobody has opened is published.
LOOPBACK = "127.0.0.1"


@pytest.fixture(scope="module", autouse=True)
def docker_compose() -> None:
    """Compose is there; an engine need not be."""
    if shutil.which("docker") is None:
        require("docker", "docker is not installed")
    version = ["docker", "compose", "version"]
    if subprocess.run(version, capture_output=True, check=False).returncode != 0:
        require("docker", "docker compose does not answer")


def compose(*profiles: str, **settings: str) -> Compose:
    return Compose(settings, profiles)


def everything(**settings: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = compose("*", **settings).config()["services"]
    return found


@pytest.mark.parametrize("profile", SERVICES)
def test_a_profile(profile: str) -> None:
    """Each starts its own services beside the core, and nothing that it does not need."""
    assert CORE | SERVICES[profile] == set(compose(profile).services())


def test_without_a_profile() -> None:
    """Monitoring alone."""
    assert set(compose().services()) == CORE


@pytest.mark.parametrize(
    "profiles",
    [
        *(chosen for count in (2, 3) for chosen in itertools.combinations(ENGINES, count)),
        *((engine, gpus) for engine in ENGINES for gpus in ("dcgm", "gpu-exporter")),
        *((gateway, "tls") for gateway in ("vllm", "sim", "gateway")),
    ],
    ids="+".join,
)
def test_profiles_together(profiles: tuple[str, ...]) -> None:
    """They have what each has, and no two want one port of this machine."""
    found = compose(*profiles).config()["services"]
    ports = [
        (port["host_ip"], port["published"])
        for service in found.values()
        for port in service.get("ports", ())
    ]

    assert CORE.union(*(SERVICES[profile] for profile in profiles)) == set(found)
    assert len(ports) == len(set(ports)), sorted(ports)


def test_images_are_pinned() -> None:
    """Each has a tag that says a release, or is our own, built here."""
    pinned = re.compile(r"(?!.*:latest$).+:v?\d+\.\d+[\w.-]*")
    loose = {
        name: service["image"]
        for name, service in everything().items()
        if not pinned.fullmatch(service["image"]) and "build" not in service
    }

    assert {} == loose
    assert {"llmdash/llmstack:local"} == {
        service["image"] for service in everything().values() if "build" in service
    }


def test_health_is_checked() -> None:
    """Whatever runs for long is asked whether it is well."""
    without = {
        name
        for name, service in everything().items()
        if not service.get("healthcheck", {}).get("test") and not DONE.match(name)
    }

    assert set() == without


def test_memory_is_limited() -> None:
    """Nothing can take the whole machine."""
    without = {
        name
        for name, service in everything().items()
        if "memory" not in service.get("deploy", {}).get("resources", {}).get("limits", {})
    }

    assert set() == without


def test_privileges_are_dropped() -> None:
    """Nobody gains any; only engines keep those of Docker, and two add what they say why."""
    found = everything()

    assert set() == {
        name
        for name, service in found.items()
        if service.get("security_opt") != ["no-new-privileges:true"] or service.get("privileged")
    }
    assert {*ENGINES, "compile-triton-trtllm"} == {
        name for name, service in found.items() if service.get("cap_drop") != ["ALL"]
    }
    assert {"dcgm-exporter", "nginx"} == {
        name for name, service in found.items() if "cap_add" in service
    }


def test_logs_are_bounded() -> None:
    """What runs for long cannot fill the disk with what it says."""
    without = {
        name
        for name, service in everything().items()
        if "max-size" not in service.get("logging", {}).get("options", {}) and not DONE.match(name)
    }

    assert set() == without


def test_servers_on_the_host_are_reached() -> None:
    """host.docker.internal is this machine, on Linux too."""
    found = everything()
    asking = ("prometheus", "grafana", "gateway", "gateway-elsewhere")

    assert [["host.docker.internal=host-gateway"]] * len(asking) == [
        found[name]["extra_hosts"] for name in asking
    ]


@pytest.mark.parametrize("host", ["", "0.0.0.0"])
def test_ports(host: str) -> None:
    """Hosts of .env are for the gateway and monitoring; an engine's port is on loopback for good."""
    keys = ("VLLM", "GATEWAY", "PROMETHEUS", "ALERTMANAGER", "GRAFANA", "TLS")
    hosts = {f"{key}_HOST": host for key in keys if host}
    ports = {
        name: {port["host_ip"] for port in service["ports"]}
        for name, service in everything(**hosts).items()
        if "ports" in service
    }
    free = {"gateway", "gateway-elsewhere", "prometheus", "alertmanager", "grafana"}
    expected = {name: {host or LOOPBACK if name in free else LOOPBACK} for name in ports}
    # TLS is for others.
    expected["nginx"] = {"0.0.0.0"}

    assert expected == ports


def test_ports_are_those_of_preflight() -> None:
    """What preflight judges is what is published, for each profile, with and without a setting."""
    for profile in PROFILES:
        keys = {port.key: str(20000 + number) for number, port in enumerate(profile.ports)}
        defaults = {str(port.default) for port in profile.ports}

        assert set(keys.values()) == _published(compose(profile.name, **keys))
        assert defaults == _published(compose(profile.name))


def _published(asked: Compose) -> set[str]:
    services = asked.config()["services"].values()
    return {port["published"] for service in services for port in service.get("ports", ())}


def test_images_are_those_of_preflight() -> None:
    """What preflight judges is what is started, by the same key."""
    for profile in PROFILES:
        if profile.image is None:
            continue
        key = str(profile.image_key)

        assert profile.image == compose(profile.name).config()["services"][profile.name]["image"]
        named = compose(profile.name, **{key: "mine:1.0"}).config()["services"]
        assert "mine:1.0" == named[profile.name]["image"]


def test_what_is_built_is_only_read() -> None:
    """generated/ and all other files of the checkout are mounted read-only, but for a compiled engine."""
    written = {
        (name, mount["source"])
        for name, service in everything().items()
        for mount in service.get("volumes", ())
        if mount["type"] == "bind"
        and mount["source"].startswith(str(ROOT))
        and not mount.get("read_only")
    }

    assert {("compile-triton-trtllm", str(STACK / "engines" / "triton-trtllm"))} == written


def test_what_is_mounted_is_there() -> None:
    """Docker would make an empty folder of a file that is missing."""
    missing = {
        mount["source"]
        for service in everything().values()
        for mount in service.get("volumes", ())
        if mount["type"] == "bind"
        and mount["source"].startswith(str(ROOT))
        and not (STACK / mount["source"]).exists()
    }

    # It is yours to fill, and Docker is told not to make it.
    assert missing <= {str(STACK / "tls" / "certificates")}


def test_data_is_in_named_volumes() -> None:
    """What is to outlive a container has a name."""
    kept = {
        (name, mount["source"])
        for name, service in everything().items()
        for mount in service.get("volumes", ())
        if mount["type"] == "volume" and not DONE.match(name)
    }

    assert {
        ("alertmanager", "alertmanager-data"),
        ("grafana", "grafana-data"),
        ("prometheus", "prometheus-configuration"),
        ("prometheus", "prometheus-data"),
    } == kept


def test_grafana() -> None:
    """Nobody signs up; the password is .env's, and the guard knows where it is bound."""
    settings = {"GRAFANA_ADMIN_PASSWORD": "mine", "GRAFANA_HOST": "0.0.0.0"}
    found = everything(**settings)["grafana"]
    told = found["environment"]

    assert ("false", "mine", "0.0.0.0") == (
        told["GF_USERS_ALLOW_SIGN_UP"],
        told["GF_SECURITY_ADMIN_PASSWORD"],
        told["GRAFANA_HOST"],
    )
    assert ["sh", "/llmdash/grafana.sh"] == found["entrypoint"]


def test_a_key_of_the_engine_goes_where_it_is_needed() -> None:
    """The engine asks for it, and the gateway shows it; nobody else is told any secret."""
    secrets = {"VLLM_API_KEY": "hush-engine", "GATEWAY_API_KEYS": "hush-client", "HF_TOKEN": "hush-hub"}  # fmt: skip
    told = {
        value: {
            name
            for name, service in everything(**secrets).items()
            if value in (service.get("environment") or {}).values()
        }
        for value in secrets.values()
    }
    gateways = {"gateway", "gateway-elsewhere"}

    assert {
        "hush-engine": {"vllm", *gateways},
        "hush-client": gateways,
        "hush-hub": {*ENGINES, "compile-triton-trtllm"},
    } == told


def test_where_the_gateway_finds_engines() -> None:
    """The profile's own, or vLLM on this machine, or on another, or those that are named."""

    def upstream(profile: str, **settings: str) -> Any:
        service = "gateway-elsewhere" if profile == "gateway" else "gateway"
        services = compose(profile, **settings).config()["services"]
        return services[service]["environment"]["GATEWAY_UPSTREAMS"]

    assert [
        "http://vllm:8000",
        "http://vllm:8000",
        "http://host.docker.internal:8000",
        "http://gpu-7:8123",
        "http://a:1,http://b:2",
    ] == [
        upstream("vllm", VLLM_PORT="8123"),
        upstream("sim"),
        upstream("gateway"),
        upstream("gateway", VLLM_HOST="gpu-7", VLLM_PORT="8123"),
        upstream("gateway", GATEWAY_UPSTREAMS="http://a:1,http://b:2"),
    ]


def test_a_hanging_collective_ends() -> None:
    """TORCH_NCCL_BLOCKING_WAIT is set for each engine (D7)."""
    found = everything()

    assert ["1", "1", "1"] == [
        found[engine]["environment"]["TORCH_NCCL_BLOCKING_WAIT"] for engine in ENGINES
    ]


def test_weights_are_at_one_place() -> None:
    """A path below MODEL_CACHE_DIR is the same inside, so MODEL_NAME may be one."""
    mounts = everything(MODEL_CACHE_DIR="/srv/models")["vllm"]["volumes"]

    assert ("/srv/models", "/srv/models") in [(each["source"], each["target"]) for each in mounts]


def test_what_cannot_be_a_port() -> None:
    """Compose refuses it, and says so."""
    with pytest.raises(ComposeError, match="Invalid hostPort"):
        compose("sim", PROMETHEUS_PORT="ninety").config()
