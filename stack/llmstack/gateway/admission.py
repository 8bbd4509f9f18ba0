"""Who is let in: the key, and the limits of the key and of the client's address."""

from __future__ import annotations

import ipaddress
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from llmstack.gateway.keys import Key, Keys, key_in
from llmstack.gateway.limits import (
    Bucket,
    Buckets,
    Refusal,
    Reservation,
    allowance,
    reserve,
)
from llmstack.gateway.settings import Network, Settings

#: Whom limits of a key are held against where no key is needed.
_NOBODY = Key("anonymous")


@dataclass(frozen=True)
class Refused:
    """Why a request is not let in: the status, OpenAI's kind of error, words, and more headers."""

    status: int
    kind: str
    message: str
    headers: Mapping[str, str] = field(default_factory=dict)
    #: `key` or `client` where a limit refused it; `missing` or `invalid` where the key did.
    cause: str = ""


@dataclass
class Admitted:
    """A request that was let in; it is given back what it did not use, once."""

    key: Key
    _gate: Gate
    _reserved: list[Reservation] = field(default_factory=list)
    _is_settled: bool = False

    def settle(self, tokens: int, now: float) -> None:
        """Say how many tokens were used; the request no longer counts as running."""
        if self._is_settled:
            return
        self._is_settled = True
        self._gate.running[self.key] -= 1
        for reservation in self._reserved:
            reservation.settle([tokens], now)


class Gate:
    """Keys and limits."""

    def __init__(self, settings: Settings) -> None:
        """Read the keys.

        Raises:
            SettingsError: a key is too short.
        """
        self._settings, self._keys = settings, Keys(settings.api_keys)
        self.running: Counter[Key] = Counter()
        self._requests = Buckets(lambda: (Bucket(settings.requests_per_minute),))
        self._tokens = Buckets(lambda: (Bucket(settings.tokens_per_minute),))
        self._clients = Buckets(lambda: (Bucket(settings.client_requests_per_minute),))

    def key_of(self, headers: Mapping[str, str]) -> Key | Refused:
        """Return whose a request is. What is missing and what is wrong are told alike."""
        if not self._keys:
            return _NOBODY
        given = key_in(headers)
        found = self._keys.find(given or "")
        if found is not None:
            return found
        cause = "missing" if given is None else "invalid"
        message = "a key is needed: Authorization: Bearer KEY, or X-API-Key: KEY"
        challenge = {"WWW-Authenticate": "Bearer"}
        return Refused(401, "authentication_error", message, challenge, cause)

    def client_refusal(self, address: str, now: float) -> Refused | None:
        """Take one request of a client's address; return why not, if so."""
        if not self._settings.client_requests_per_minute:
            return None
        found = reserve(self._clients.of(address, now), [1], now)
        return (
            _limited(found, "client", "requests of this address")
            if isinstance(found, Refusal)
            else None
        )

    def request_refusal(self, key: Key, now: float) -> Refused | None:
        """Take one request of a key; return why not, if so."""
        most = self._settings.concurrent_requests
        if most and self.running[key] >= most:
            message = f"{most} requests of this key are being answered"
            return Refused(429, "rate_limit_error", message, {"Retry-After": "1"}, "key")
        if not self._settings.requests_per_minute:
            return None
        found = reserve(self._requests.of(key, now), [1], now)
        return (
            _limited(found, "key", "requests of this key") if isinstance(found, Refusal) else None
        )

    def admit(self, key: Key, tokens: int, now: float) -> Admitted | Refused:
        """Reserve the tokens that a request may cost, and count it as running."""
        admitted = Admitted(key, self)
        if self._settings.tokens_per_minute:
            found = reserve(self._tokens.of(key, now), [tokens], now)
            if isinstance(found, Refusal):
                return _limited(found, "key", "tokens of this key")
            admitted._reserved.append(found)
        self.running[key] += 1
        return admitted

    def headers(self, key: Key, now: float) -> dict[str, str]:
        """Return OpenAI's headers: how the limits of a key stand."""
        found = {}
        for name, buckets, limit in (
            ("requests", self._requests, self._settings.requests_per_minute),
            ("tokens", self._tokens, self._settings.tokens_per_minute),
        ):
            if not limit:
                continue
            told = allowance(buckets.of(key, now)[0], now)
            found[f"x-ratelimit-limit-{name}"] = f"{told.limit:.0f}"
            found[f"x-ratelimit-remaining-{name}"] = f"{math.floor(told.remaining)}"
            found[f"x-ratelimit-reset-{name}"] = f"{told.reset:.3f}s"
        return found


def _limited(found: Refusal, cause: str, what: str) -> Refused:
    if math.isinf(found.wait):
        message = f"it asks for more {what} than are allowed in a minute"
        return Refused(429, "rate_limit_error", message, {}, cause)
    seconds = max(1, math.ceil(found.wait))
    message = f"too many {what} in this minute; try again in {seconds} s"
    return Refused(429, "rate_limit_error", message, {"Retry-After": str(seconds)}, cause)


def client_address(peer: str, forwarded: str, trusted: tuple[Network, ...]) -> str:
    """Return the address of a client: the last that no trusted proxy has.

    Args:
        peer: who holds the connection.
        forwarded: what `X-Forwarded-For` says, nearest last.
        trusted: proxies that are believed.
    """
    address = peer
    for told in reversed([part.strip() for part in forwarded.split(",")]):
        if not _is_in(address, trusted) or not told:
            break
        address = told
    return address


def _is_in(address: str, networks: tuple[Network, ...]) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(found in network for network in networks)
