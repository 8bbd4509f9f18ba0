"""The address of a server that is sent load, as an option gives it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from llmstack.errors import ConfigurationError

#: What stands in an address before its host.
_CREDENTIALS = re.compile(r"://[^/@\s]+@")


@dataclass(frozen=True)
class Address:
    """Where a server is."""

    host: str
    port: int
    is_tls: bool
    #: Host and port as they were given.
    authority: str
    #: What stands before the paths of its API, without a slash at its end; empty for nothing.
    path: str


def read_address(url: str) -> Address:
    """Return what an address says.

    Raises:
        ConfigurationError: it is none of HTTP.
    """
    place, form = without_credentials(url), "expected http(s)://host[:port][/path]"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ConfigurationError(f"{place}: {form}, got {error}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
        raise ConfigurationError(f"{place}: {form}")
    if "@" in parts.netloc:
        raise ConfigurationError(
            f"{place}: {form}; a name and a password are sent by --header 'Authorization: Basic …'"
        )
    is_tls = parts.scheme == "https"
    return Address(
        host=parts.hostname,
        port=port or (443 if is_tls else 80),
        is_tls=is_tls,
        authority=parts.netloc,
        path=parts.path.rstrip("/"),
    )


def without_credentials(text: str) -> str:
    """Return a text in which no address has a name and a password."""
    return _CREDENTIALS.sub("://…@", text)
