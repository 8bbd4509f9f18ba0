"""Addresses, as people write them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from llmstack.errors import SettingsError
from llmstack.top.reader import page_url, prometheus_url, shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:8000", "http://127.0.0.1:8000/metrics"),
        ("inn", "http://inn/metrics"),
        ("[::1]:8000", "http://[::1]:8000/metrics"),
        ("http://inn:8000/", "http://inn:8000/metrics"),
        ("https://inn/prometheus/metrics", "https://inn/prometheus/metrics"),
        ("inn:8000/prometheus/metrics#x", "http://inn:8000/prometheus/metrics"),
        ("http://inn/federate?match[]=x", "http://inn/federate?match[]=x"),
    ],
)
def test_a_page(text: str, expected: str) -> None:
    """A bare host and port has it where most servers have it."""
    assert expected == page_url(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://inn:9090", "http://inn:9090"),
        ("http://inn:9090/", "http://inn:9090"),
        ("https://inn/select/0/prometheus/", "https://inn/select/0/prometheus"),
        ("inn:9090", "http://inn:9090"),
    ],
)
def test_a_prometheus(text: str, expected: str) -> None:
    """It may stand below a path."""
    assert expected == prometheus_url(text)


@pytest.mark.parametrize("read", [page_url, prometheus_url])
@pytest.mark.parametrize("text", ["", "ftp://inn", "http://", "http://inn:port", "http://[::1"])
def test_what_is_none(read: Callable[[str], str], text: str) -> None:
    """Is told with what could stand there."""
    with pytest.raises(SettingsError, match=r"expected .*http\(s\)://host\[:port\]"):
        read(text)


def test_passwords_are_not_shown() -> None:
    """Neither on the screen, nor where an address cannot be."""
    assert "http://inn:8000/metrics" == shown("http://me:secret@inn:8000/metrics?key=secret")
    with pytest.raises(SettingsError) as raised:
        page_url("ftp://me:secret@inn")

    assert "secret" not in str(raised.value)
