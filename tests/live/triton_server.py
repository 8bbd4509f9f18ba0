"""A real Triton server on loopback: the Python backend with a few small models."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from tests.live.environment import MODEL, Environment, UnavailableError, prepared_environment
from tests.live.process import direct_session, free_port, running

VERSION = "0.7.0"
DEFAULT_ARGUMENTS = ("--metrics-config=summary_latencies=true",)
MODEL_SOURCE = Path(__file__).with_name("triton_model.py")


@dataclass(frozen=True)
class TritonModel:
    """A model of the repository, with the source of its code and how it is scheduled."""

    name: str
    seconds: float = 0.0
    fails: bool = False
    longest_wait: timedelta = timedelta(0)
    source: Path = MODEL_SOURCE
    #: What it registers of its own, as JSON (`triton_families.described`).
    families: str = "[]"

    @property
    def configuration(self) -> str:
        """The text of config.pbtxt."""
        return f"""
name: "{self.name}"
backend: "python"
max_batch_size: 4
input [{{ name: "INPUT" data_type: TYPE_FP32 dims: [ 1 ] }}]
output [{{ name: "OUTPUT" data_type: TYPE_FP32 dims: [ 1 ] }}]
instance_group [{{ kind: KIND_CPU count: 1 }}]
dynamic_batching {{
  max_queue_delay_microseconds: 20000
  default_queue_policy {{
    timeout_action: REJECT
    default_timeout_microseconds: {self.longest_wait.microseconds}
  }}
}}
parameters [
  {{ key: "seconds" value: {{ string_value: "{self.seconds}" }} }},
  {{ key: "fails" value: {{ string_value: "{str(self.fails).lower()}" }} }}
]
"""


# `tiny` batches and queues, `failing` fails in the backend, `crowded` turns away what has waited
# for long: such requests are counted as rejected, those above a `max_queue_size` are not.
DEFAULT_MODELS = (
    TritonModel(MODEL, seconds=0.05),
    TritonModel("failing", fails=True),
    TritonModel("crowded", seconds=0.2, longest_wait=timedelta(milliseconds=50)),
)


@dataclass(frozen=True)
class TritonServer:
    """A running Triton; what only its owner knows is None where someone else started it."""

    metrics_base_url: str
    http_url: str | None
    version: str | None = None
    process_group: int | None = None
    log: Path | None = None

    @property
    def metrics_url(self) -> str:
        """The page that Prometheus scrapes."""
        return f"{self.metrics_base_url}/metrics"

    @property
    def target(self) -> str:
        """The address as Prometheus takes it, host and port."""
        return self.metrics_base_url.partition("://")[2]


def connect_to_triton(metrics_base_url: str, http_url: str | None = None) -> TritonServer:
    """Describe a Triton that already runs, by asking it where its HTTP address is known."""
    metrics_base_url = metrics_base_url.rstrip("/")
    if http_url is None:
        return TritonServer(metrics_base_url, None)
    http_url = http_url.rstrip("/")
    with direct_session() as session:
        answer = session.get(f"{http_url}/v2", timeout=10)
    answer.raise_for_status()
    return TritonServer(metrics_base_url, http_url, answer.json()["version"])


@contextmanager
def triton_server(
    folder: Path,
    arguments: Sequence[str] = DEFAULT_ARGUMENTS,
    models: Sequence[TritonModel] = DEFAULT_MODELS,
    *,
    ready_within: float = 60.0,
) -> Iterator[TritonServer]:
    """Install Triton where needed, run it until the block ends, and keep its log in the folder."""
    environment = install_triton()
    repository = folder / "models"
    for model in models:
        _write_model(repository, model)
    http, grpc, metrics = free_port(), free_port(), free_port()
    http_url = f"http://127.0.0.1:{http}"
    memory = f"llmdash-{uuid.uuid4().hex}-"
    log = folder / "triton.log"
    server = _server_folder(environment)
    command: list[str | Path] = [
        server / "bin" / "tritonserver",
        f"--model-repository={repository}",
        f"--backend-directory={server / 'backends'}",
        # Without these it listens on all addresses.
        "--http-address=127.0.0.1",
        f"--http-port={http}",
        "--grpc-address=127.0.0.1",
        f"--grpc-port={grpc}",
        "--metrics-address=127.0.0.1",
        f"--metrics-port={metrics}",
        f"--backend-config=python,shm-region-prefix-name={memory}",
        *arguments,
    ]
    variables = {
        "LD_LIBRARY_PATH": str(sysconfig.get_config_var("LIBDIR")),
        # The stub finds packages by the first python3 on the path; it does not heed PYTHONPATH.
        "PATH": os.pathsep.join([str(environment.python.parent), os.environ["PATH"]]),
    }
    try:
        with running(
            command,
            ready_url=f"{http_url}/v2/health/ready",
            within=ready_within,
            log=log,
            environment=variables,
        ) as group:
            metrics_base_url = f"http://127.0.0.1:{metrics}"
            version = connect_to_triton(metrics_base_url, http_url).version
            yield TritonServer(metrics_base_url, http_url, version, group, log)
    finally:
        # What a server that crashed leaves behind.
        for left in Path("/dev/shm").glob(f"{memory}*"):
            left.unlink(missing_ok=True)


def install_triton() -> Environment:
    """Return an environment with Triton and the stub of its Python backend in place."""
    return prepared_environment("triton", (f"nvidia-pytriton=={VERSION}", "numpy"), _install)


def _install(environment: Environment) -> None:
    environment.pip("install", "--quiet", f"nvidia-pytriton=={VERSION}", "numpy")
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    stub = Path("python_backend_stubs", python, "triton_python_backend_stub")
    found = list(_server_folder(environment).parent.rglob(str(stub)))
    if not found:
        raise UnavailableError(f"pytriton {VERSION} has no Python backend for Python {python}")
    # Without it, or with any model that fails to load, the server ends.
    shutil.copy2(found[0], _server_folder(environment) / "backends" / "python")


def _server_folder(environment: Environment) -> Path:
    return environment.packages / "pytriton" / "tritonserver"


def _write_model(repository: Path, model: TritonModel) -> None:
    version = repository / model.name / "1"
    version.mkdir(parents=True)
    shutil.copyfile(model.source, version / "model.py")
    (version / "families.json").write_text(model.families)
    (repository / model.name / "config.pbtxt").write_text(model.configuration)
