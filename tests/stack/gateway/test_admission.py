"""Whose a request is, and what it may cost: a proxy's word, concurrent requests, tokens that come back."""

from __future__ import annotations

import ipaddress

import pytest

from llmstack.gateway.admission import Admitted, Gate, Refused, client_address
from llmstack.gateway.keys import Key
from llmstack.gateway.settings import Settings

TRUSTED = (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("::1/128"))
KEY = Key("a")


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("9.9.9.9", "", "9.9.9.9"),
        # Nobody is believed who is not trusted.
        ("9.9.9.9", "1.1.1.1", "9.9.9.9"),
        ("10.0.0.1", "1.1.1.1", "1.1.1.1"),
        # What a client says of itself stands first, and is not reached.
        ("10.0.0.1", "6.6.6.6, 1.1.1.1", "1.1.1.1"),
        ("10.0.0.1", "6.6.6.6, 1.1.1.1, 10.0.0.2", "1.1.1.1"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "nonsense", "nonsense"),
        ("::1", "1.1.1.1", "1.1.1.1"),
        ("", "1.1.1.1", ""),
    ],
)
def test_whose_address(peer: str, forwarded: str, expected: str) -> None:
    """The last one that no trusted proxy has."""
    assert expected == client_address(peer, forwarded, TRUSTED)


def gate(**settings: object) -> Gate:
    return Gate(Settings(**settings))  # type: ignore[arg-type]


def admitted(found: Admitted | Refused) -> Admitted:
    assert isinstance(found, Admitted)
    return found


def test_so_many_at_the_same_time() -> None:
    """Each that ends makes room for one; it ends once."""
    entry = gate(concurrent_requests=2)
    first, _ = (admitted(entry.admit(KEY, 0, 0)) for _ in range(2))
    refused = entry.request_refusal(KEY, 0)

    assert refused is not None
    assert (429, "1", "key") == (refused.status, refused.headers["Retry-After"], refused.cause)
    assert entry.request_refusal(Key("another"), 0) is None
    first.settle(0, 0)
    first.settle(0, 0)
    assert entry.request_refusal(KEY, 0) is None
    assert 1 == entry.running[KEY]


def test_tokens_that_are_not_used_come_back() -> None:
    """And those that were used beyond are owed."""
    entry = gate(tokens_per_minute=100.0)
    first = admitted(entry.admit(KEY, 90, 0))
    assert isinstance(entry.admit(KEY, 20, 0), Refused)
    first.settle(30, 0)

    assert "70" == entry.headers(KEY, 0)["x-ratelimit-remaining-tokens"]
    admitted(entry.admit(KEY, 70, 0)).settle(130, 0)
    assert "0" == entry.headers(KEY, 0)["x-ratelimit-remaining-tokens"]
    assert "96.000s" == entry.headers(KEY, 0)["x-ratelimit-reset-tokens"]


def test_without_limits_nothing_is_told() -> None:
    """No header, and nobody is refused."""
    entry = gate()

    assert {} == entry.headers(KEY, 0)
    assert entry.request_refusal(KEY, 0) is None
    assert entry.client_refusal("1.1.1.1", 0) is None
    assert isinstance(entry.admit(KEY, 10**9, 0), Admitted)
