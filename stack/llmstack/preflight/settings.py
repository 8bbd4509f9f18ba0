"""What is asked of the stack: the keys of the environment that preflight reads, as one object."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from llmstack.errors import ConfigurationError
from llmstack.preflight.profiles import Profile

_LAST_PORT = 65535
#: What vLLM took of each GPU unless told for most of its releases (--gpu-memory-utilization).
_DEFAULT_UTILIZATION = 0.9
_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)")


@dataclass(frozen=True)
class Settings:
    """What is asked for; what is empty in the environment is as if it was left out."""

    model: str | None = None
    #: Never shown.
    token: str | None = field(default=None, repr=False)
    cache: Path = Path("~/.cache/huggingface")
    tp: int = 1
    pp: int = 1
    quantization: str | None = None
    dtype: str | None = None
    #: Of each GPU, from 0 to 1.
    utilization: float = _DEFAULT_UTILIZATION
    #: Tokens of the longest request; None: what the model can.
    max_model_len: int | None = None
    image: str | None = None
    #: Published ports by key, and the address of each.
    ports: Mapping[str, tuple[str, int]] = field(default_factory=dict)


def read_settings(profile: Profile, environment: Mapping[str, str]) -> Settings:
    """Return what an environment asks of a profile.

    Raises:
        ConfigurationError: values that cannot be; all of them are named.
    """
    given = {key: value.strip() for key, value in environment.items() if value.strip()}
    problems: list[str] = []

    def number(key: str, otherwise: float, least: float, most: float) -> float:
        text = given.get(key)
        if text is None:
            return otherwise
        with contextlib.suppress(ValueError):
            if least <= float(text) <= most:
                return float(text)
        problems.append(f"{key}: expected a number from {least:g} to {most:g}, got {text!r}")
        return otherwise

    def whole(key: str, otherwise: int, least: int, most: int) -> int:
        text = given.get(key)
        if text is None:
            return otherwise
        if text.isascii() and text.isdigit() and least <= int(text) <= most:
            return int(text)
        problems.append(f"{key}: expected a whole number from {least} to {most}, got {text!r}")
        return otherwise

    ports = {
        port.key: (
            given.get(port.host_key or "", "0.0.0.0"),
            whole(port.key, port.default, 1, _LAST_PORT),
        )
        for port in profile.ports
    }
    settings = Settings(
        model=given.get("MODEL_NAME"),
        token=given.get("HF_TOKEN"),
        cache=Path(given.get("MODEL_CACHE_DIR", Settings.cache)),
        tp=whole("TP_SIZE", 1, 1, 1024),
        pp=whole("PP_SIZE", 1, 1, 1024),
        quantization=given.get("QUANTIZATION"),
        dtype=given.get("DTYPE"),
        utilization=number("GPU_MEMORY_UTILIZATION", _DEFAULT_UTILIZATION, 0.01, 1),
        max_model_len=whole("MAX_MODEL_LEN", 0, 1, 10**9) or None,
        image=given.get(profile.image_key or "", profile.image),
        ports=ports,
    )
    if problems:
        raise ConfigurationError("\n".join(problems))
    return settings


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
    for number, line in enumerate(map(str.strip, lines), 1):
        if not line or line.startswith("#"):
            continue
        parts = _LINE.fullmatch(line)
        if parts is None:
            # What stands there may be half a secret: it is not shown.
            raise ConfigurationError(f"{path}:{number}: expected KEY=value")
        found[parts[1]] = _unquoted(parts[2])
    return found


def _unquoted(text: str) -> str:
    quoted = re.match(r"""(["'])(.*?)\1\s*(?:#.*)?$""", text)
    return quoted[2] if quoted else re.split(r"\s#", text, maxsplit=1)[0].strip()
