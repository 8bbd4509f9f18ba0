"""Whose a request is, and what it may cost: a proxy's word, concurrent requests, tokens that come back."""

from __future__ import annotations

import asyncio
import ipaddress

import pytest

from llmstack.gateway.admission import Admission, Gate, Refused, client_address
from llmstack.gateway.keys import Key
from llmstack.gateway.memory_limits import MemoryLimits
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
    return Gate(Settings(**settings), MemoryLimits(lambda: 0.0))  # type: ignore[arg-type]


async def admitted(entry: Gate, key: Key = KEY) -> Admission:
    found = await entry.admit(key)
    assert isinstance(found, Admission)
    return found


def test_so_many_at_the_same_time() -> None:
    """Each that ends makes room for one; it ends once."""

    async def work() -> None:
        entry = gate(concurrent_requests=2)
        first, _ = await admitted(entry), await admitted(entry)
        refused = await entry.admit(KEY)

        assert isinstance(refused, Refused)
        assert (429, "1", "key") == (refused.status, refused.headers["Retry-After"], refused.cause)
        await admitted(entry, Key("another"))
        first.end(0)
        first.end(0)
        await admitted(entry)
        assert isinstance(await entry.admit(KEY), Refused)

    asyncio.run(work())


def test_who_is_refused_holds_no_place() -> None:
    """A request too many in a minute is none of those that run."""

    async def work() -> None:
        limits = MemoryLimits(lambda: 0.0)
        entry = Gate(Settings(concurrent_requests=5, requests_per_minute=1.0), limits)
        first = await admitted(entry)
        found = [await entry.admit(KEY) for _ in range(9)]
        assert {429} == {each.status for each in found if isinstance(each, Refused)}
        assert 1 == limits.running()
        first.end(0)
        assert 0 == limits.running()

    asyncio.run(work())


def test_tokens_that_are_not_used_come_back() -> None:
    """And those that were used beyond are owed; each is told how it stood when it came."""

    async def work() -> None:
        entry = gate(tokens_per_minute=100.0)
        first, second, third = [await admitted(entry) for _ in range(3)]
        assert await entry.reserve(first, 90) is None
        refused = await entry.reserve(second, 20)
        assert refused is not None
        first.end(30)

        assert ("10", "10") == (first.headers["x-ratelimit-remaining-tokens"], refused.headers["x-ratelimit-remaining-tokens"])  # fmt: skip
        assert await entry.reserve(second, 70) is None
        second.end(130)
        owing = await entry.reserve(third, 1)
        assert owing is not None
        assert "0" == owing.headers["x-ratelimit-remaining-tokens"]
        assert "96.000s" == owing.headers["x-ratelimit-reset-tokens"]

    asyncio.run(work())


def test_without_limits_nothing_is_told() -> None:
    """No header, and nobody is refused."""

    async def work() -> None:
        entry = gate()
        found = await admitted(entry)

        assert await entry.client_refusal("1.1.1.1") is None
        assert await entry.reserve(found, 10**9) is None
        assert {} == found.headers

    asyncio.run(work())
