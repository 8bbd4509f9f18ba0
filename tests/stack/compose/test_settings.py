"""Keys of the stack, and what its compose files make of them."""

from __future__ import annotations

import re

from llmdash.pack import DEFAULT
from llmdash.promql.windows import Duration
from llmdash.provisioning import scrape_configuration
from llmstack.gateway import settings as gateway_settings
from llmstack.preflight.profiles import PROFILES
from tests.stack.compose.files import (
    FILES,
    STACK,
    documents,
    example,
    variables,
)

#: Requirement D7.
D7 = """
    MODEL_NAME SERVED_MODEL_NAME MODEL_CACHE_DIR HF_TOKEN VLLM_HOST VLLM_PORT VLLM_API_KEY GATEWAY_HOST
    GATEWAY_PORT GATEWAY_API_KEYS RATE_LIMIT_PER_MINUTE REQUEST_TIMEOUT_SECONDS TP_SIZE PP_SIZE
    QUANTIZATION DTYPE GPU_MEMORY_UTILIZATION MAX_MODEL_LEN MAX_NUM_SEQS MAX_NUM_BATCHED_TOKENS
    SWAP_SPACE_GB LOG_LEVEL TRITON_HTTP_PORT TRITON_GRPC_PORT TRITON_METRICS_PORT PROMETHEUS_PORT
    GRAFANA_PORT GRAFANA_ADMIN_PASSWORD
"""
#: Keys that are not of a compose file: what stack/up, preflight and make read.
OF_PROGRAMS = frozenset({"GPU_EXPORTER"})


def test_the_example_has_every_key() -> None:
    """Those of D7, and whatever a compose file asks for; none that nobody reads."""
    asked = set().union(*(variables(path.read_text()) for path in FILES))

    assert set() == set(D7.split()) - set(example())
    assert asked | set(D7.split()) | OF_PROGRAMS == set(example())


def test_the_example_says_the_defaults() -> None:
    """A key that it sets has the value that a compose file has without it."""
    texts = [path.read_text() for path in FILES]
    defaults = {
        key: value
        for text in texts
        for key, value in re.findall(r"\$\{([A-Z][A-Z0-9_]+):-([^}$]*)\}", text)
    }
    different = {
        key: (said, defaults[key])
        for key, said in example().items()
        if said and key in defaults and said != defaults[key]
    }

    assert {} == different


def test_one_key_one_default() -> None:
    """Wherever a compose file names a key, it has one default."""
    found: dict[str, set[str]] = {}
    for path in FILES:
        for key, value in re.findall(r"\$\{([A-Z][A-Z0-9_]+):-([^}$]*)\}", path.read_text()):
            found.setdefault(key, set()).add(value)
    # Where the folder of weights is on the host, and where in a container without a setting.
    assert {"~/.cache/huggingface", "/root/.cache/huggingface"} == found.pop("MODEL_CACHE_DIR")

    assert {} == {key: values for key, values in found.items() if len(values) > 1}


def test_keys_of_preflight() -> None:
    """Every port, host and image that preflight judges is a key, and has the same default."""
    told = example()
    ports = {port.key: str(port.default) for profile in PROFILES for port in profile.ports}
    hosts = {port.host_key for profile in PROFILES for port in profile.ports if port.host_key}
    images = {profile.image_key for profile in PROFILES if profile.image_key}

    assert ports == {key: told[key] for key in ports}
    assert dict.fromkeys(hosts, "127.0.0.1") == {key: told[key] for key in hosts}
    assert dict.fromkeys(images, "") == {key: told[key] for key in images}


def test_the_gateway_reads_the_example() -> None:
    """What it says can be; what is empty is left at its default."""
    found = gateway_settings.read_settings(example())

    assert ("127.0.0.1", 8080, ("http://127.0.0.1:8000",)) == (
        found.host,
        found.port,
        found.upstreams,
    )
    assert 300.0 == found.request_timeout


def test_every_engine_has_a_file() -> None:
    """One file and one profile each; the first file includes them all."""
    found = documents()
    included = found["compose.yaml"]["include"]

    for profile in ("vllm", "triton-vllm", "triton-trtllm", "sim"):
        assert f"engines/{profile}.yaml" in included
    assert {"gpu.yaml", "tls.yaml"} <= set(included)
    for engine in ("vllm", "triton-vllm", "triton-trtllm"):
        assert [engine] == found[f"{engine}.yaml"]["services"][engine]["profiles"]


def test_retention_is_the_packs() -> None:
    """Prometheus keeps what the longest promise of the pack looks back on."""
    (said,) = re.findall(
        r"--storage\.tsdb\.retention\.time=\$\{PROMETHEUS_RETENTION:-(\w+)\}",
        (STACK / "compose.yaml").read_text(),
    )

    assert DEFAULT.intervals.retention == Duration.parse(said)
    assert said == example()["PROMETHEUS_RETENTION"]


def test_targets_are_sources() -> None:
    """What a target names is a source of the default pack, which has a job for it."""
    sources = {source.name for source in DEFAULT.sources}
    named = {
        service["command"][0]
        for document in documents().values()
        for name, service in document["services"].items()
        if name.startswith("target-")
    }

    assert {"vllm", "triton-vllm", "triton-trtllm", "gateway", "dcgm"} == named
    assert named <= sources


def test_addresses_of_the_pack() -> None:
    """Grafana finds Prometheus by its service; the pack names no Alertmanager, so that ours is added."""
    services = documents()["compose.yaml"]["services"]

    assert "prometheus" in services
    assert "http://prometheus:9090" == DEFAULT.prometheus_url
    assert "alerting" not in scrape_configuration(DEFAULT)
    assert f"../generated/dashboards:{DEFAULT.dashboards_path}:ro" in services["grafana"]["volumes"]


def test_tls() -> None:
    """NGINX speaks TLS alone, passes tokens on as they come, and keeps /metrics to itself."""
    text = (STACK / "tls" / "nginx.conf").read_text()

    assert ["8443 ssl", "127.0.0.1:8081"] == re.findall(r"listen ([^;]+);", text)
    for line in (
        "ssl_protocols TLSv1.2 TLSv1.3;",
        "proxy_buffering off;",
        "proxy_set_header X-Forwarded-For $remote_addr;",
        "location = /metrics { return 404; }",
    ):
        assert line in text
