"""The files of the stack that need no Docker to be judged: settings, scripts, repositories, targets of make."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from llmdash.pack import DEFAULT
from llmdash.promql.windows import Duration
from llmdash.provisioning import scrape_configuration
from llmstack.gateway import settings as gateway_settings
from llmstack.preflight.profiles import PROFILES
from llmstack.preflight.settings import read_env_file

ROOT = Path(__file__).resolve().parents[2]
STACK = ROOT / "stack"
FILES = sorted((*STACK.glob("*.yaml"), *STACK.glob("engines/*.yaml")))
#: Requirement D7.
D7 = """
    MODEL_NAME SERVED_MODEL_NAME MODEL_CACHE_DIR HF_TOKEN VLLM_HOST VLLM_PORT VLLM_API_KEY GATEWAY_HOST
    GATEWAY_PORT GATEWAY_API_KEYS RATE_LIMIT_PER_MINUTE REQUEST_TIMEOUT_SECONDS TP_SIZE PP_SIZE
    QUANTIZATION DTYPE GPU_MEMORY_UTILIZATION MAX_MODEL_LEN MAX_NUM_SEQS MAX_NUM_BATCHED_TOKENS
    SWAP_SPACE_GB LOG_LEVEL TRITON_HTTP_PORT TRITON_GRPC_PORT TRITON_METRICS_PORT PROMETHEUS_PORT
    GRAFANA_PORT GRAFANA_ADMIN_PASSWORD
"""
#: Requirement D2.
D2 = """
    up-vllm up-triton up-triton-trt compile-triton-trt down logs status stop test-vllm test-triton
    test-triton-trt load-test load-test-triton load-test-triton-trt setup download vllm gateway
    gpu-exporter monitoring loadtest
"""
#: Keys that are not of a compose file: what stack/up, preflight and make read.
OF_PROGRAMS = frozenset({"GPU_EXPORTER"})


def example() -> dict[str, str]:
    return read_env_file(STACK / ".env.example")


def documents() -> dict[str, Any]:
    return {path.name: yaml.safe_load(path.read_text()) for path in FILES}


def variables(text: str) -> set[str]:
    """The keys that a compose file takes from the environment: in braces, and those passed on as they are."""
    passed = re.findall(r"^ +([A-Z][A-Z0-9_]+):$", text, re.MULTILINE)
    return set(re.findall(r"\$\{([A-Z][A-Z0-9_]+)", text)) | set(passed)


def module(path: str) -> ModuleType:
    """A script of the stack, which is in no package."""
    spec = importlib.util.spec_from_file_location(Path(path).stem, STACK / path)
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def sh(script: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    path = {"PATH": environment.pop("PATH", os.environ["PATH"])}
    command = ["bash", str(script), *arguments]
    return subprocess.run(
        command, env={**path, **environment}, capture_output=True, text=True, check=False
    )


def program(folder: Path, name: str, says: str) -> None:
    """A program that prints."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{says}\n")
    path.chmod(0o755)


# --- .env --------------------------------------------------------------------------------------------


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


# --- compose files -----------------------------------------------------------------------------------


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


# --- scripts in containers ---------------------------------------------------------------------------


@pytest.fixture
def configure(tmp_path: Path) -> Callable[..., Path]:
    """Run configuration.sh, then target.sh for each target, with folders in place of mounts."""

    def run(*targets: tuple[str, str], built: str = "scrape_configs: []\n") -> Path:
        written = tmp_path / "configuration"
        (tmp_path / "generated" / "targets").mkdir(parents=True, exist_ok=True)
        (tmp_path / "generated" / "prometheus.yaml").write_text(built)
        written.mkdir(exist_ok=True)
        for script, arguments in (
            ("configuration.sh", ()),
            *(("target.sh", target) for target in targets),
        ):
            text = (STACK / script).read_text()
            text = text.replace("from=/generated to=/configuration", f"from={tmp_path}/generated to={written}")  # fmt: skip
            text = text.replace('file="/configuration/', f'file="{written}/')
            copy = tmp_path / script
            copy.write_text(text)
            done = sh(copy, *arguments)
            assert 0 == done.returncode, done.stderr
        return written

    return run


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def test_configuration(configure: Callable[..., Path]) -> None:
    """It is what was built, and says where Alertmanager is."""
    built = (ROOT / "generated" / "prometheus" / "prometheus.yaml").read_text()
    found = read(configure(built=built) / "prometheus.yaml")
    alerting = {"alertmanagers": [{"static_configs": [{"targets": ["alertmanager:9093"]}]}]}

    assert {**yaml.safe_load(built), "alerting": alerting} == found


def test_a_pack_that_names_an_alertmanager(configure: Callable[..., Path]) -> None:
    """It keeps its own."""
    built = "alerting:\n  alertmanagers: []\nscrape_configs: []\n"

    assert yaml.safe_load(built) == read(configure(built=built) / "prometheus.yaml")


def test_targets(configure: Callable[..., Path], tmp_path: Path) -> None:
    """Each is in its source's file, once, beside your own; those of before are gone."""
    own = tmp_path / "generated" / "targets"
    own.mkdir(parents=True)
    (own / "vllm.yaml").write_text('- targets: ["mine:8000"]\n')
    configure(("triton-vllm", "triton-vllm:8002"), ("dcgm", "dcgm-exporter:9400"))
    written = configure(("vllm", "vllm:8000"), ("vllm", "vllm:8000"), ("gateway", "gateway:8080"))
    found = {path.name: read(path) for path in (written / "targets").iterdir()}

    assert {
        "vllm.yaml": [{"targets": ["mine:8000"]}, {"targets": ["vllm:8000"]}],
        "gateway.yaml": [{"targets": ["gateway:8080"]}],
    } == found


@pytest.mark.parametrize(
    ("host", "password", "starts"),
    [
        ("127.0.0.1", "admin", True),
        ("127.0.0.2", "admin", True),
        ("localhost", "", True),
        ("[::1]", "admin", True),
        ("0.0.0.0", "admin", False),
        ("0.0.0.0", "", False),
        ("192.0.2.7", "admin", False),
        ("::", "admin", False),
        ("0.0.0.0", "hush", True),
    ],
)
def test_the_guard_of_grafana(host: str, password: str, starts: bool, tmp_path: Path) -> None:
    """With the password that everybody knows it starts on loopback alone, and says why not."""
    program(tmp_path, "run.sh", 'echo "started $*"')
    script = tmp_path / "grafana.sh"
    text = (STACK / "grafana.sh").read_text()
    script.write_text(text.replace("exec /run.sh", f"exec {tmp_path}/run.sh"))
    done = sh(script, "-x", GRAFANA_HOST=host, GF_SECURITY_ADMIN_PASSWORD=password)

    assert (starts, "started -x\n" if starts else "") == (done.returncode == 0, done.stdout)
    if not starts:
        assert "set GRAFANA_ADMIN_PASSWORD" in done.stderr
        assert host in done.stderr


# --- engines -----------------------------------------------------------------------------------------


def served(folder: Path, version: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """What vllm.sh starts, where vLLM is of some version."""
    program(folder, "vllm", 'echo "$@"; echo "${HF_TOKEN-no} ${VLLM_PORT-no} ${CUDA_VISIBLE_DEVICES-all} ${TORCH_NCCL_BLOCKING_WAIT-no}"')  # fmt: skip
    program(folder, "python3", f"echo {version}")
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    return sh(STACK / "engines" / "vllm.sh", PATH=path, **environment)


def test_vllm_with_little(tmp_path: Path) -> None:
    """What is empty is left to vLLM."""
    done = served(tmp_path, "0.32.0", MODEL_NAME="Qwen/Qwen3-8B", DTYPE="", HF_TOKEN="", VLLM_PORT="8000")  # fmt: skip

    assert "serve Qwen/Qwen3-8B --host 0.0.0.0 --port 8000\nno no all 1\n" == done.stdout


def test_vllm_with_all(tmp_path: Path) -> None:
    """Each key is an option."""
    keys = {
        "MODEL_NAME": "m", "SERVED_MODEL_NAME": "s", "TP_SIZE": "2", "PP_SIZE": "3", "QUANTIZATION": "awq",
        "DTYPE": "half", "GPU_MEMORY_UTILIZATION": "0.8", "MAX_MODEL_LEN": "4096", "MAX_NUM_SEQS": "64",
        "MAX_NUM_BATCHED_TOKENS": "2048", "SWAP_SPACE_GB": "4", "HF_TOKEN": "hush", "GPUS": "0,1",
        "LISTEN_HOST": "127.0.0.1", "LISTEN_PORT": "8123",
    }  # fmt: skip
    done = served(tmp_path, "0.17.1", **keys)

    assert (
        "serve m --host 127.0.0.1 --port 8123 --served-model-name s --tensor-parallel-size 2 "
        "--pipeline-parallel-size 3 --quantization awq --dtype half --gpu-memory-utilization 0.8 "
        "--max-model-len 4096 --max-num-seqs 64 --max-num-batched-tokens 2048 --swap-space 4\n"
        "hush no 0,1 1\n"
    ) == done.stdout


@pytest.mark.parametrize(("version", "knows"), [("0.8.4", True), ("0.17.1", True), ("0.18.0", False), ("0.32.0", False), ("1.0.0", False)])  # fmt: skip
def test_swap_space(version: str, knows: bool, tmp_path: Path) -> None:
    """It is given to releases that know it; others are told nothing, and you are."""
    done = served(tmp_path, version, MODEL_NAME="m", SWAP_SPACE_GB="4")

    assert knows == ("--swap-space 4" in done.stdout)
    assert knows != ("SWAP_SPACE_GB is left out" in done.stderr)


def test_vllm_without_a_model(tmp_path: Path) -> None:
    """It says what to set."""
    done = served(tmp_path, "0.32.0")

    assert (1, "") == (done.returncode, done.stdout)
    assert "set MODEL_NAME" in done.stderr


def test_repository_of_triton_vllm(tmp_path: Path) -> None:
    """The model is called as it is served; its metrics are on, which needs both files."""
    start = module("engines/triton-vllm/start.py")
    keys = {
        "MODEL_NAME": "Qwen/Qwen3-8B",
        "TP_SIZE": "2",
        "GPU_MEMORY_UTILIZATION": "0.8",
        "MAX_MODEL_LEN": "",
    }
    start.write_repository(keys, tmp_path / "models")
    model = tmp_path / "models" / "Qwen3-8B"

    assert {
        "model": "Qwen/Qwen3-8B",
        "disable_log_stats": False,
        "tensor_parallel_size": 2,
        "gpu_memory_utilization": 0.8,
    } == json.loads((model / "1" / "model.json").read_text())
    assert re.search(
        r'key: "REPORT_CUSTOM_METRICS"\s+value: \{ string_value: "true" \}',
        (model / "config.pbtxt").read_text(),
    )
    named = start.model_name({"MODEL_NAME": "Qwen/Qwen3-8B", "SERVED_MODEL_NAME": "chat"})
    assert "chat" == named


def engine_of(folder: Path, world_size: int) -> Path:
    """A model repository with a compiled engine, as far as it is read."""
    ours = folder / "tensorrt_llm"
    (ours / "1").mkdir(parents=True)
    built = {
        "build_config": {"max_batch_size": 17},
        "pretrained_config": {"mapping": {"world_size": world_size}},
    }
    (ours / "1" / "config.json").write_text(json.dumps(built))
    committed = STACK / "engines" / "triton-trtllm" / "model_repository" / "tensorrt_llm"
    (ours / "config.pbtxt").write_text((committed / "config.pbtxt").read_text())
    return ours


def test_repository_of_triton_trtllm(tmp_path: Path) -> None:
    """Batches are the engine's, tokens are sent as they come, and figures are polled."""
    start = module("engines/triton-trtllm/start.py")
    ours = engine_of(tmp_path, 2)
    gpus = start.write_repository({"GPU_MEMORY_UTILIZATION": "0.7"}, ours, tmp_path / "models")
    text = (tmp_path / "models" / "tensorrt_llm" / "config.pbtxt").read_text()
    parameters = dict(re.findall(r'key: "(\w+)" value: \{ string_value: "([^"]*)" \}', text))

    assert 2 == gpus
    assert "$" not in re.sub(r"#.*", "", text)
    assert "max_batch_size: 17\n" in text
    assert "decoupled: true" in text
    assert (str(ours / "1"), "0.7", "100") == (
        parameters["gpt_model_path"],
        parameters["kv_cache_free_gpu_mem_fraction"],
        parameters["stats_check_period_ms"],
    )
    with pytest.raises(FileNotFoundError):
        start.write_repository({}, tmp_path / "nothing", tmp_path / "models")


def test_how_triton_trtllm_is_started() -> None:
    """One process a GPU; the first alone listens, and counts the time to the first token."""
    start = module("engines/triton-trtllm/start.py")
    alone, together = start.command(1), start.command(2)
    server = [
        "tritonserver", "--model-repository=/tmp/model_repository", "--disable-auto-complete-config",
        "--metrics-config=histogram_latencies=true", "--metrics-config=summary_latencies=true",
    ]  # fmt: skip

    assert server == alone
    assert [
        "mpirun", "--allow-run-as-root", "-n", "1", *server, ":",
        "-n", "1", *server, "--model-control-mode=explicit", "--load-model=tensorrt_llm",
    ] == together  # fmt: skip


def test_what_is_compiled() -> None:
    """D2's parameters; a sequence is a prompt and its answer."""
    compiling = module("engines/triton-trtllm/compile.py")
    keys = {"MAX_BATCH_SIZE": "8", "MAX_INPUT_LEN": "16000", "MAX_OUTPUT_LEN": "500"}

    assert {
        "max_batch_size": 8,
        "max_input_len": 16000,
        "max_seq_len": 16500,
        "max_num_tokens": 16000,
    } == compiling.limits(keys)
    assert {
        "max_batch_size": 64,
        "max_input_len": 2048,
        "max_seq_len": 3072,
        "max_num_tokens": 8192,
    } == compiling.limits({})
    assert {
        key: str(value) for key, value in compiling.DEFAULTS.items()
    }.items() <= example().items()
    with pytest.raises(
        ValueError, match="MAX_INPUT_LEN: expected a whole number above 0, got '2k'"
    ):
        compiling.limits({"MAX_INPUT_LEN": "2k"})
    assert {
        "model": "m",
        "tensor_parallel_size": 2,
        "pipeline_parallel_size": 1,
        "dtype": "float16",
    } == compiling.model_arguments({"MODEL_NAME": "m", "TP_SIZE": "2", "DTYPE": "half"})


def test_what_is_compiled_takes_the_place_of_what_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new engine is put there whole; what Git keeps the folder by stays."""
    compiling = module("engines/triton-trtllm/compile.py")
    folder = tmp_path / "1"
    folder.mkdir()
    for name in (".gitkeep", "config.json", "rank1.engine"):
        (folder / name).touch()
    asked: list[Mapping[str, Any]] = []

    class Llm:
        def __init__(self, **arguments: Any) -> None:
            asked.append(arguments)

        def save(self, path: str) -> None:
            Path(path).mkdir()
            for name in ("config.json", "rank0.engine"):
                (Path(path) / name).write_text("new")

    front, engine = ModuleType("tensorrt_llm"), ModuleType("tensorrt_llm._tensorrt_engine")
    vars(front)["BuildConfig"], vars(engine)["LLM"] = dict, Llm
    for each in (front, engine):
        monkeypatch.setitem(__import__("sys").modules, each.__name__, each)
    compiling.compile_engine({"MODEL_NAME": "m"}, folder)

    assert {".gitkeep", "config.json", "rank0.engine"} == {path.name for path in folder.iterdir()}
    assert [folder] == list(tmp_path.iterdir())
    assert [("m", 3072)] == [(each["model"], each["build_config"]["max_seq_len"]) for each in asked]


# --- make and scripts on the host --------------------------------------------------------------------


def test_targets_of_make() -> None:
    """Those of D2 are there by their names, and each says what it does."""
    makefile = (ROOT / "Makefile").read_text()
    found = set(re.findall(r"^([a-z][a-z-]*):.*## \S", makefile, re.MULTILINE))

    assert set() == set(D2.split()) - found


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "name a profile"),
        (["vlm"], "no profile is called vlm"),
        (["sim", "vllm"], "sim plays all three engines"),
        (["gateway", "vllm"], "gateway is for an engine elsewhere"),
        (["triton-vllm", "tls"], "tls stands before the gateway"),
        (["vllm", "dcgm", "gpu-exporter"], "take one"),
        (["sim", "dcgm"], "sim plays GPUs, too"),
        (["vllm"], "docker is not installed"),
    ],
)
def test_what_up_refuses(arguments: list[str], says: str, tmp_path: Path) -> None:
    """It ends before anything is started, and says why."""
    for name in ("bash", "dirname", "cat"):
        (tmp_path / name).symlink_to(f"/bin/{name}" if name != "dirname" else "/usr/bin/dirname")
    done = sh(STACK / "up", *arguments, PATH=str(tmp_path))

    assert (1, "") == (done.returncode, done.stdout)
    assert says in done.stderr


def test_what_up_starts(tmp_path: Path) -> None:
    """Profiles, GPUs beside an engine on them, and options after --; ours is built unless it is named."""
    program(tmp_path, "docker", 'case "$*" in "compose version" | info | *" ps "*) ;; *) echo "$@" ;; esac')  # fmt: skip
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"

    def started(*arguments: str, **keys: str) -> str:
        done = sh(STACK / "up", *arguments, PATH=path, PREFLIGHT="no", **keys)
        assert 0 == done.returncode, done.stderr
        return done.stdout.strip()

    assert [
        "compose --profile vllm --profile dcgm up --detach --build",
        "compose --profile vllm --profile gpu-exporter up --detach --build",
        "compose --profile triton-vllm --profile triton-trtllm up --detach --build",
        "compose --profile sim up --detach --wait",
        "compose up --detach --build",
    ] == [
        started("vllm"),
        started("vllm", GPU_EXPORTER="gpu-exporter"),
        started("triton-vllm", "triton-trtllm", GPU_EXPORTER="none"),
        started("sim", "--", "--wait", LLMSTACK_IMAGE="mine:1.0"),
        started("monitoring"),
    ]


def test_status_of_containers() -> None:
    """One list, or a line each; what is done well is well."""
    status = module("status.py")
    done = {"Service": "target-vllm", "State": "exited", "Health": "", "ExitCode": 0}
    failed = {**done, "ExitCode": 1}
    running = {"Service": "vllm", "State": "running", "Health": "starting", "ExitCode": 0}
    sick = {**running, "Health": "unhealthy"}

    assert [done, running] == status.containers(json.dumps([done, running]))
    assert [done, running] == status.containers(f"{json.dumps(done)}\n{json.dumps(running)}\n")
    assert [True, False, True, False] == [
        status.is_well(each) for each in (done, failed, running, sick)
    ]


def test_status_of_targets_and_alerts() -> None:
    """Lines with columns; only alerts that fire."""
    status = module("status.py")
    up = {"labels": {"job": "vllm", "instance": "vllm:8000"}, "health": "up", "lastError": ""}
    down = {
        "labels": {"job": "dcgm", "instance": "d:9400"},
        "health": "down",
        "lastError": "refused",
    }
    alert = {
        "state": "firing",
        "labels": {"alertname": "QueueLong", "severity": "warning"},
        "annotations": {"summary": "60 wait"},
    }

    assert ["  dcgm  d:9400     down  refused", "  vllm  vllm:8000  up"] == status.targets(
        [up, down]
    )
    assert ["  warning  QueueLong  60 wait"] == status.alerts(
        [alert, {**alert, "state": "pending"}]
    )
    assert ["  none"] == status.alerts([])


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
