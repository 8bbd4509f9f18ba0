"""What the machine answered, as values; read here from the output of programs, judged elsewhere."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from llmstack.errors import ModelError
from llmstack.memory_budget import Model
from llmstack.preflight.machine import Disk, Machine, PortState
from llmstack.preflight.settings import Settings
from llmstack.preflight.shapes import precision_of_config, precision_of_name, shape_of_name

_MEBIBYTE = 2**20
_GPU_FIELDS = ("index", "name", "driver_version", "compute_cap", "memory.total", "memory.used")
#: Where Docker keeps images, unless told.
_DOCKER_ROOT = Path("/var/lib/docker")


@dataclass(frozen=True)
class Gpu:
    """One GPU; what a driver does not tell is None. Memory in bytes."""

    index: int
    name: str
    capability: tuple[int, ...] | None
    memory: int | None
    used: int | None


@dataclass(frozen=True)
class Gpus:
    """All GPUs and their driver."""

    gpus: tuple[Gpu, ...] = ()
    driver: str | None = None
    #: The newest CUDA that the driver can run.
    cuda: tuple[int, ...] | None = None
    #: Why there is none.
    problem: str = ""


@dataclass(frozen=True)
class Docker:
    """Docker, as its client tells of it."""

    engine: str | None = None
    compose: str | None = None
    runtimes: frozenset[str] = frozenset()
    #: Devices that the container device interface (CDI) names, such as nvidia.com/gpu=0; Docker
    #: tells them since 28.2 (moby/moby#49980), where it uses CDI unasked (moby/moby#49963).
    devices: tuple[str, ...] = ()
    root: Path = _DOCKER_ROOT
    #: Why there is no engine.
    problem: str = ""


@dataclass(frozen=True)
class ModelFiles:
    """What is on the disk of the model that is asked for."""

    #: Where it would be, if its name is a path.
    path: Path | None = None
    exists: bool = False
    is_readable: bool = False
    #: Whether the cache holds it, if its name is one of Hugging Face.
    is_cached: bool = False
    #: What decides its memory, from its config.json or the table of names; None if not known.
    shape: Model | None = None
    #: The precision that its files say it is published in.
    precision: str | None = None
    #: Why its config.json told nothing.
    problem: str = ""


@dataclass(frozen=True)
class Facts:
    """All that is judged."""

    gpus: Gpus = field(default_factory=Gpus)
    docker: Docker = field(default_factory=Docker)
    #: The version of nvidia-container-toolkit, where it is installed.
    toolkit: str | None = None
    #: Whether Docker holds the engine's image already.
    has_image: bool = False
    #: Where images are kept and where models are; None where nobody can tell.
    images_disk: Disk | None = None
    models_disk: Disk | None = None
    ports: Mapping[str, PortState] = field(default_factory=dict)
    model: ModelFiles = field(default_factory=ModelFiles)


def gather(machine: Machine, settings: Settings) -> Facts:
    """Ask the machine all that is judged."""
    docker = read_docker(
        machine.run("docker", "info", "--format", "{{json .}}"),
        machine.run("docker", "compose", "version", "--short"),
    )
    inspected = None
    if settings.image is not None:
        inspected = machine.run("docker", "image", "inspect", settings.image.name)
    query = f"--query-gpu={','.join(_GPU_FIELDS)}"
    return Facts(
        gpus=read_gpus(
            machine.run("nvidia-smi", query, "--format=csv,noheader,nounits"),
            machine.run("nvidia-smi"),
        ),
        docker=docker,
        toolkit=_toolkit(machine),
        has_image=inspected is not None and inspected[0] == 0,
        images_disk=machine.disk(docker.root),
        models_disk=machine.disk(settings.cache.expanduser()),
        ports={key: machine.port(*settings.ports[key]) for key in settings.ports},
        model=_model_files(machine, settings),
    )


def read_gpus(listed: tuple[int, str] | None, shown: tuple[int, str] | None) -> Gpus:
    """Return the GPUs.

    Args:
        listed: exit status and output of nvidia-smi, asked for `_GPU_FIELDS`.
        shown: those of nvidia-smi without arguments, whose head names the driver's CUDA.
    """
    if listed is None:
        return Gpus(problem="nvidia-smi is not installed")
    status, text = listed
    if status != 0:
        return Gpus(problem=f"nvidia-smi says: {_first_line(text)}")
    rows = [
        [cell.strip() for cell in row]
        for row in csv.reader(io.StringIO(text))
        if len(row) == len(_GPU_FIELDS)
    ]
    if not rows:
        return Gpus(problem=f"nvidia-smi names no GPU: {_first_line(text)}")
    gpus = tuple(
        Gpu(_number(index) or 0, name, version(capability), _mebibytes(total), _mebibytes(used))
        for index, name, _, capability, total, used in rows
    )
    # From driver 590 on the head may tell the CUDA of the user's part apart (UMD).
    found = re.search(r"CUDA (?:UMD )?Version\s*:\s*([\d.]+)", shown[1] if shown else "")
    return Gpus(gpus, rows[0][2], version(found[1]) if found else None)


def read_docker(info: tuple[int, str] | None, compose: tuple[int, str] | None) -> Docker:
    """Return what Docker says of itself.

    Args:
        info: exit status and output of `docker info --format '{{json .}}'`.
        compose: those of `docker compose version --short`.
    """
    if info is None:
        return Docker(problem="docker is not installed")
    found_compose = None
    if compose is not None and compose[0] == 0 and version(compose[1]):
        found_compose = compose[1].strip()
    try:
        # The client writes its warnings before or behind.
        told = json.loads(next(line for line in info[1].splitlines() if line.startswith("{")))
    except (StopIteration, ValueError):
        return Docker(compose=found_compose, problem=f"docker says: {_first_line(info[1])}")
    if not told.get("ServerVersion"):
        # Clients differ in where they say why: in the document, or beside it.
        beside = [line for line in info[1].splitlines() if line and not line.startswith("{")]
        errors = told.get("ServerErrors") or beside or ["no answer of the engine"]
        return Docker(compose=found_compose, problem=f"docker says: {_first_line(errors[0])}")
    return Docker(
        told["ServerVersion"],
        found_compose,
        frozenset(told.get("Runtimes") or ()),
        tuple(device.get("ID", "") for device in told.get("DiscoveredDevices") or ()),
        Path(told.get("DockerRootDir") or _DOCKER_ROOT),
    )


def version(text: str) -> tuple[int, ...] | None:
    """Return the first dotted number of a text, as numbers that compare; None without any."""
    found = re.search(r"\d+(?:\.\d+)*", text)
    return tuple(map(int, found[0].split("."))) if found else None


def _toolkit(machine: Machine) -> str | None:
    for command in (("nvidia-ctk", "--version"), ("nvidia-container-cli", "--version")):
        done = machine.run(*command)
        if done is not None and done[0] == 0:
            found = version(done[1])
            return ".".join(map(str, found)) if found else "of a version that it does not tell"
    return None


def _model_files(machine: Machine, settings: Settings) -> ModelFiles:
    name = settings.model
    if name is None:
        return ModelFiles()
    path = Path(name).expanduser()
    is_path = name.startswith(("/", "./", "../", "~")) or machine.exists(path)
    if is_path:
        files = ModelFiles(path, machine.exists(path), machine.is_readable(path))
        config = path / "config.json"
        if not machine.is_readable(config):
            return files
        try:
            shape = machine.read_model(config)
        except ModelError as error:
            return replace(files, problem=str(error))
        return replace(files, shape=shape, precision=precision_of_config(machine.text(config)))
    # As huggingface_hub lays its cache out; HF_HOME has it in hub/.
    folder = "models--" + name.replace("/", "--")
    cache = settings.cache.expanduser()
    held = [cache / folder / "snapshots", cache / "hub" / folder / "snapshots"]
    return ModelFiles(
        is_cached=any(machine.exists(each) for each in held),
        shape=shape_of_name(name),
        precision=precision_of_name(name),
    )


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "nothing")


def _number(text: str) -> int | None:
    return int(text) if text.isdigit() else None


def _mebibytes(text: str) -> int | None:
    count = _number(text)
    return None if count is None else count * _MEBIBYTE
