"""What is asked of the stack: the keys of the environment that preflight reads, as one object."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from llmstack.environment import (
    HOST,
    PATH,
    PUBLISHED_PORT,
    TEXT,
    Variables,
    number,
    setting,
    whole,
)
from llmstack.errors import ConfigurationError
from llmstack.preflight.images import IMAGE, Image, image
from llmstack.preflight.profiles import Port, Profile

#: What vLLM took of each GPU unless told for most of its releases (--gpu-memory-utilization).
_DEFAULT_UTILIZATION = 0.9
#: Where ports are published, unless told.
LOOPBACK = "127.0.0.1"
#: Grafana's own, which everybody knows.
DEFAULT_PASSWORD = "admin"
_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)")


@dataclass(frozen=True)
class Settings:
    """What is asked for."""

    model: str | None = setting("MODEL_NAME", None, TEXT)
    token: str | None = setting("HF_TOKEN", None, TEXT, is_secret=True)
    cache: Path = setting("MODEL_CACHE_DIR", Path("~/.cache/huggingface"), PATH)
    tp: int = setting("TP_SIZE", 1, whole(1, 1024))
    pp: int = setting("PP_SIZE", 1, whole(1, 1024))
    quantization: str | None = setting("QUANTIZATION", None, TEXT)
    dtype: str | None = setting("DTYPE", None, TEXT)
    #: Of each GPU, from 0 to 1.
    utilization: float = setting("GPU_MEMORY_UTILIZATION", _DEFAULT_UTILIZATION, number(0.01, 1))
    #: Tokens of the longest request; None: what the model can.
    max_model_len: int | None = setting("MAX_MODEL_LEN", None, whole(1, 10**9))
    #: Of the engine; None where the profile runs none on GPUs.
    image: Image | None = None
    #: Published ports by key, and the address of each.
    ports: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    #: Of Grafana's administrator.
    grafana_password: str = setting(
        "GRAFANA_ADMIN_PASSWORD", DEFAULT_PASSWORD, TEXT, is_secret=True
    )


def read_settings(profile: Profile, environment: Mapping[str, str]) -> Settings:
    """Return what an environment asks of a profile.

    Raises:
        SettingsError: values that cannot be; all of them are named.
    """
    variables = Variables(environment)
    return variables.make(
        Settings,
        image=_image(profile, variables),
        ports={port.key: _address(port, variables) for port in profile.ports},
    )


def _image(profile: Profile, variables: Variables) -> Image | None:
    if profile.image is None or profile.image_key is None:
        return None
    return variables.get(profile.image_key, image(profile.image), IMAGE)


def _address(port: Port, variables: Variables) -> tuple[str, int]:
    host = variables.get(port.host_key, LOOPBACK, HOST) if port.host_key else LOOPBACK
    return host, variables.get(port.key, port.default, PUBLISHED_PORT)


def read_env_file(path: Path) -> dict[str, str]:
    """Return the keys of a `.env` file, as Docker Compose reads it but without substitution.

    Raises:
        ConfigurationError: it cannot be read, or has a line that is no `KEY=value`.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: expected a file of KEY=value, got {error}") from error
    found = {}
    for place, line in enumerate(map(str.strip, lines), 1):
        if not line or line.startswith("#"):
            continue
        parts = _LINE.fullmatch(line)
        if parts is None:
            # What stands there may be half a secret: it is not shown.
            raise ConfigurationError(f"{path}:{place}: expected KEY=value")
        found[parts[1]] = _unquoted(parts[2])
    return found


def _unquoted(text: str) -> str:
    quoted = re.match(r"""(["'])(.*?)\1\s*(?:#.*)?$""", text)
    return quoted[2] if quoted else re.split(r"\s#", text, maxsplit=1)[0].strip()
