"""Settings from the environment: typed, all mistakes at once, and no secret repeated."""

from __future__ import annotations

import ipaddress
from dataclasses import fields

import pytest

from llmstack.errors import SettingsError
from llmstack.gateway.settings import Settings, read_settings


def test_without_anything_there_are_defaults() -> None:
    """An empty variable is as if it were not there."""
    assert Settings() == read_settings({}) == read_settings({"GATEWAY_PORT": "", "VLLM_HOST": " "})


def test_everything_may_be_set() -> None:
    """Each kind of value."""
    found = read_settings(
        {
            "GATEWAY_HOST": "0.0.0.0",
            "GATEWAY_PORT": "9000",
            "GATEWAY_UPSTREAMS": "http://a:1, https://b/base",
            "RATE_LIMIT_PER_MINUTE": "60",
            "GATEWAY_API_KEYS": "one,two",
            "GATEWAY_TRUSTED_PROXIES": "10.0.0.0/8,::1",
            "REQUEST_TIMEOUT_SECONDS": "1.5",
        }
    )

    assert ("0.0.0.0", 9000, ("http://a:1", "https://b/base")) == (
        found.host,
        found.port,
        found.upstreams,
    )
    assert (60.0, ("one", "two"), 1.5) == (
        found.requests_per_minute,
        found.api_keys,
        found.request_timeout,
    )
    assert (
        ipaddress.ip_network("10.0.0.0/8"),
        ipaddress.ip_network("::1/128"),
    ) == found.trusted_proxies


def test_vllm_is_where_its_own_variables_say() -> None:
    """Unless the gateway is told otherwise."""
    assert ("http://h:9",) == read_settings({"VLLM_HOST": "h", "VLLM_PORT": "9"}).upstreams
    assert ("http://[::1]:8000",) == read_settings({"VLLM_HOST": "::1"}).upstreams
    assert ("http://x:1",) == read_settings(
        {"VLLM_HOST": "h", "GATEWAY_UPSTREAMS": "http://x:1"}
    ).upstreams


def test_variables_of_vllm_count_only_where_they_are_used() -> None:
    """Kubernetes sets VLLM_PORT to a URL beside a service of that name."""
    kubernetes = {"VLLM_PORT": "tcp://10.0.0.1:8000"}

    assert ("http://x:1",) == read_settings({**kubernetes, "GATEWAY_UPSTREAMS": "http://x:1"}).upstreams  # fmt: skip
    with pytest.raises(SettingsError, match="VLLM_PORT: expected a port from 0 to 65535"):
        read_settings(kubernetes)


def test_all_mistakes_are_said_at_once() -> None:
    """With the variable, what was expected, and what stood there; a secret is not repeated."""
    with pytest.raises(SettingsError) as found:
        read_settings(
            {
                "GATEWAY_PORT": "http",
                "GATEWAY_METRICS_PORT": "65536",
                "RATE_LIMIT_PER_MINUTE": "-1",
                "REQUEST_TIMEOUT_SECONDS": "inf",
                "GATEWAY_API_KEYS": " , ",
                "GATEWAY_CONCURRENT_REQUESTS": "1.5",
                "GATEWAY_TRUSTED_PROXIES": "10.0.0.0/99,::1",
                "GATEWAY_UPSTREAMS": "localhost:8000,http://a:b",
                "REDIS_URL": "http://:hush@redis:6379",
                "LOG_LEVEL": "loud",
            }
        )

    assert [
        "GATEWAY_PORT: expected a port from 0 to 65535, got 'http'",
        "GATEWAY_METRICS_PORT: expected a port from 0 to 65535, got '65536'",
        "GATEWAY_UPSTREAMS: expected http(s)://host[:port], got 'localhost:8000'",
        "GATEWAY_UPSTREAMS: expected http(s)://host[:port], got 'http://a:b'",
        "GATEWAY_API_KEYS: expected a text, got commas alone",
        "RATE_LIMIT_PER_MINUTE: expected a number from 0, got '-1'",
        "GATEWAY_CONCURRENT_REQUESTS: expected a whole number from 0, got '1.5'",
        "REDIS_URL: expected redis://host[:port], rediss://host[:port] or unix:///path, got a text that is not shown",
        "GATEWAY_TRUSTED_PROXIES: expected an address, or a network such as 10.0.0.0/8, got '10.0.0.0/99'",
        "REQUEST_TIMEOUT_SECONDS: expected a number above 0, got 'inf'",
        "LOG_LEVEL: expected debug, info, warning, error or critical, got 'loud'",
    ] == str(found.value).splitlines()


def test_secrets_are_not_shown() -> None:
    """No key, and no address that may hold a password, is in what is printed of settings."""
    shown = repr(
        read_settings(
            {
                "GATEWAY_API_KEYS": "sk-secret",
                "VLLM_API_KEY": "sk-engine",
                "REDIS_URL": "redis://:sk-redis@redis:6379/0",
            }
        )
    )

    assert [] == [each for each in ("sk-secret", "sk-engine", "sk-redis") if each in shown]


def test_every_setting_has_a_variable_of_its_own() -> None:
    """None is there twice."""
    names = [each.metadata["variable"] for each in fields(Settings)]

    assert len(names) == len(set(names))
