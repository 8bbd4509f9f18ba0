"""The gateway's settings: one typed object, read from the environment."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar
from urllib.parse import urlsplit

from llmstack.errors import SettingsError

Value = TypeVar("Value")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _setting(name: str, default: Any, **more: Any) -> Any:
    return field(default=default, metadata={"variable": name}, **more)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What is set from outside; each variable of the environment stands beside its default."""

    host: str = _setting("GATEWAY_HOST", "127.0.0.1")
    port: int = _setting("GATEWAY_PORT", 8080)
    #: A port of its own for `/metrics`; 0 for the gateway's.
    metrics_port: int = _setting("GATEWAY_METRICS_PORT", 0)
    metrics_host: str = _setting("GATEWAY_METRICS_HOST", "127.0.0.1")
    #: The engines; vLLM at VLLM_HOST and VLLM_PORT if left out.
    upstreams: tuple[str, ...] = _setting("GATEWAY_UPSTREAMS", ("http://127.0.0.1:8000",))
    #: The engines' own key.
    upstream_key: str = _setting("VLLM_API_KEY", "", repr=False)
    #: Keys, or `sha256:<hex>` of them; everybody is let in without any.
    api_keys: tuple[str, ...] = _setting("GATEWAY_API_KEYS", (), repr=False)
    #: Requests and tokens a minute of a key, and requests of a client's address; 0 for no limit.
    requests_per_minute: float = _setting("RATE_LIMIT_PER_MINUTE", 0.0)
    tokens_per_minute: float = _setting("GATEWAY_TOKENS_PER_MINUTE", 0.0)
    client_requests_per_minute: float = _setting("GATEWAY_CLIENT_REQUESTS_PER_MINUTE", 0.0)
    #: Requests of a key that are answered at the same time; 0 for no limit.
    concurrent_requests: int = _setting("GATEWAY_CONCURRENT_REQUESTS", 0)
    #: Whose X-Forwarded-For is believed.
    trusted_proxies: tuple[Network, ...] = _setting("GATEWAY_TRUSTED_PROXIES", ())
    #: Seconds: to connect; to the first byte, and to the end of an answer in one piece; between two
    #: pieces of a stream; and for what is running when the gateway is told to stop.
    connect_timeout: float = _setting("GATEWAY_CONNECT_TIMEOUT_SECONDS", 5.0)
    request_timeout: float = _setting("REQUEST_TIMEOUT_SECONDS", 300.0)
    idle_timeout: float = _setting("GATEWAY_IDLE_TIMEOUT_SECONDS", 60.0)
    drain: float = _setting("GATEWAY_DRAIN_SECONDS", 30.0)
    #: The longest body of a request, in bytes.
    longest_body: int = _setting("GATEWAY_MAX_BODY_BYTES", 20 * 2**20)
    #: Seconds between two looks at the engines' health.
    health_interval: float = _setting("GATEWAY_HEALTH_INTERVAL_SECONDS", 5.0)
    log_level: str = _setting("LOG_LEVEL", "INFO")


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Return the settings of an environment; a variable that is empty is as if it were not there.

    Raises:
        SettingsError: it lists every variable that cannot be; no value of a secret is repeated.
    """
    found: dict[str, Any] = {}
    problems = []
    for each in fields(Settings):
        variable = each.metadata["variable"]
        text = environment.get(variable, "").strip()
        if not text:
            continue
        try:
            found[each.name] = _READERS[str(each.type)](text)
        except ValueError as error:
            shown = repr(text) if each.repr else "a text"
            problems.append(f"{variable}: expected {error}, got {shown}")
    if "upstreams" not in found:
        host = environment.get("VLLM_HOST", "").strip() or "127.0.0.1"
        port = environment.get("VLLM_PORT", "").strip() or "8000"
        found["upstreams"] = (f"http://{host}:{port}",)
    problems += [
        f"GATEWAY_UPSTREAMS: expected http(s)://host[:port], got {url!r}"
        for url in found["upstreams"]
        if not _is_address(url)
    ]
    if problems:
        raise SettingsError("\n".join(problems))
    return Settings(**found)


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises where it is no number
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.query


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise ValueError("a number from 0")
    return value


def _whole(text: str) -> int:
    if not text.isdecimal():
        raise ValueError("a whole number from 0")
    return int(text)


def _texts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _networks(text: str) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(part, strict=False) for part in _texts(text))
    except ValueError as error:
        raise ValueError("addresses or networks (10.0.0.0/8) with commas between") from error


_READERS: Mapping[str, Callable[[str], Any]] = {
    "str": str,
    "int": _whole,
    "float": _number,
    "tuple[str, ...]": _texts,
    "tuple[Network, ...]": _networks,
}
