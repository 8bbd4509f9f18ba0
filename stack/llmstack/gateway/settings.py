"""The gateway's settings: one typed object, read from the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from llmstack.environment import (
    ABOVE_0,
    HOST,
    HTTP_URL,
    NETWORK,
    PORT,
    REDIS_URL,
    TEXT,
    Network,
    Variables,
    number,
    one_of,
    setting,
    several,
    whole,
)
from llmstack.json_log import Level


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What is set from outside; each variable of the environment stands beside its default."""

    host: str = setting("GATEWAY_HOST", "127.0.0.1", HOST)
    port: int = setting("GATEWAY_PORT", 8080, PORT)
    #: A port of its own for `/metrics`; 0 for the gateway's.
    metrics_port: int = setting("GATEWAY_METRICS_PORT", 0, PORT)
    metrics_host: str = setting("GATEWAY_METRICS_HOST", "127.0.0.1", HOST)
    #: The engines; vLLM at VLLM_HOST and VLLM_PORT if left out.
    upstreams: tuple[str, ...] = setting(
        "GATEWAY_UPSTREAMS", ("http://127.0.0.1:8000",), several(HTTP_URL)
    )
    #: The engines' own key.
    upstream_key: str = setting("VLLM_API_KEY", "", TEXT, is_secret=True)
    #: Keys, or `sha256:<hex>` of them; everybody is let in without any.
    api_keys: tuple[str, ...] = setting("GATEWAY_API_KEYS", (), several(TEXT), is_secret=True)
    #: Requests and tokens a minute of a key, and requests of a client's address; 0 for no limit.
    requests_per_minute: float = setting("RATE_LIMIT_PER_MINUTE", 0.0, number(0))
    tokens_per_minute: float = setting("GATEWAY_TOKENS_PER_MINUTE", 0.0, number(0))
    client_requests_per_minute: float = setting(
        "GATEWAY_CLIENT_REQUESTS_PER_MINUTE", 0.0, number(0)
    )
    #: Requests of a key that are answered at the same time; 0 for no limit.
    concurrent_requests: int = setting("GATEWAY_CONCURRENT_REQUESTS", 0, whole(0))
    #: Where gateways that share their limits count; it may hold a password.
    redis_url: str = setting("REDIS_URL", "", REDIS_URL, is_secret=True)
    #: Whose X-Forwarded-For is believed.
    trusted_proxies: tuple[Network, ...] = setting("GATEWAY_TRUSTED_PROXIES", (), several(NETWORK))
    #: Seconds: to connect; to the end of an answer in one piece, and to the first text of a stream;
    #: between two pieces of a stream.
    connect_timeout: float = setting("GATEWAY_CONNECT_TIMEOUT_SECONDS", 5.0, ABOVE_0)
    request_timeout: float = setting("REQUEST_TIMEOUT_SECONDS", 300.0, ABOVE_0)
    idle_timeout: float = setting("GATEWAY_IDLE_TIMEOUT_SECONDS", 60.0, ABOVE_0)
    #: Seconds that a client may take: for the head of a request, for its body, and to read on. More
    #: than the minute after which balancers close connections that are idle.
    client_timeout: float = setting("GATEWAY_CLIENT_TIMEOUT_SECONDS", 75.0, ABOVE_0)
    #: Seconds for what is running when the gateway is told to stop.
    drain: float = setting("GATEWAY_DRAIN_SECONDS", 30.0, number(0))
    #: The longest body of a request, in bytes.
    longest_body: int = setting("GATEWAY_MAX_BODY_BYTES", 20 * 2**20, whole(0))
    #: Seconds between two looks at the engines' health.
    health_interval: float = setting("GATEWAY_HEALTH_INTERVAL_SECONDS", 5.0, ABOVE_0)
    log_level: Level = setting("LOG_LEVEL", Level.INFO, one_of(Level))


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Return the settings of an environment.

    Raises:
        SettingsError: it lists every variable that cannot be; no value of a secret is repeated.
    """
    variables = Variables(environment)
    if "GATEWAY_UPSTREAMS" in variables:
        # VLLM_PORT is not looked at: beside a service `vllm`, Kubernetes sets it to a URL.
        return variables.make(Settings)
    host = variables.get("VLLM_HOST", "127.0.0.1", HOST)
    port = variables.get("VLLM_PORT", 8000, PORT)
    named = f"[{host}]" if ":" in host else host
    return variables.make(Settings, upstreams=(f"http://{named}:{port}",))
