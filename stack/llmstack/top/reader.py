"""What reads: from a Prometheus, or from pages; it never fails, but tells what is wrong."""

from __future__ import annotations

from typing import Protocol
from urllib.parse import SplitResult, urlsplit, urlunsplit

from llmstack.errors import SettingsError
from llmstack.top.figures import Reading


class Reader(Protocol):
    """Reads again and again."""

    @property
    def what(self) -> str:
        """What is read, as people call it."""

    async def read(self) -> Reading:
        """Return what is there now."""


def page_url(text: str) -> str:
    """Return the address of a page: a bare host and port have it at /metrics.

    Raises:
        SettingsError: it is no address.
    """
    parts = _parts(text, "--url", "host:port or http(s)://host[:port][/path]")
    path = parts.path if parts.path not in ("", "/") else "/metrics"
    return urlunsplit(parts._replace(path=path, fragment=""))


def prometheus_url(text: str) -> str:
    """Return the address of a Prometheus.

    Raises:
        SettingsError: it is no address.
    """
    parts = _parts(text, "--prometheus", "http(s)://host[:port][/path]")
    return urlunsplit(parts._replace(query="", fragment="")).rstrip("/")


def shown(url: str) -> str:
    """Return an address without the secrets that it may hold."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query=""))


def _parts(text: str, option: str, expected: str) -> SplitResult:
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        _ = parts.port  # raises where it is none
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        # A password would stand before the last @.
        told = text.rpartition("@")[2]
        raise SettingsError(f"{option}: expected {expected}, got {told!r}")
    return parts
