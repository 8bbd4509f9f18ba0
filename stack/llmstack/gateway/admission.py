"""Who is let in: the key, and the limits of the key and of the client's address."""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from llmstack.environment import Network
from llmstack.gateway.keys import Key, Keys, key_in
from llmstack.gateway.limits import Account, Allowance, Lease, Limits, Refusal, Reservation
from llmstack.gateway.settings import Settings

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
class Admission:
    """What a request holds of its key's limits until it ends."""

    key: Key
    _lease: Lease | None = None
    _tokens: Reservation | None = None
    _allowances: list[Allowance] = field(default_factory=list)

    @property
    def headers(self) -> dict[str, str]:
        """OpenAI's headers: how the limits stood when this request had taken its part."""
        return _headers(self._allowances)

    def end(self, tokens: int) -> None:
        """Say how many tokens were used; the request no longer counts as running. Once."""
        if self._lease is not None:
            self._lease.leave()
        if self._tokens is not None:
            self._tokens.settle(tokens)


class Gate:
    """Keys and limits."""

    def __init__(self, settings: Settings, limits: Limits) -> None:
        """Read the keys.

        Raises:
            SettingsError: a key is too short.
        """
        self._settings, self._limits = settings, limits
        self._keys = Keys(settings.api_keys)

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

    async def client_refusal(self, address: str) -> Refused | None:
        """Take one request of a client's address; return why not, if so."""
        limit = self._settings.client_requests_per_minute
        if not limit:
            return None
        found = await self._limits.take(Account("client", address, limit), 1)
        if isinstance(found, Refusal):
            return _limited(found, "client", "requests of this address")
        return None

    async def admit(self, key: Key) -> Admission | Refused:
        """Count a request of a key as running, and take one request of it."""
        most = self._settings.concurrent_requests
        admission = Admission(key)
        if most:
            admission._lease = await self._limits.enter(key.name, most)
            if admission._lease is None:
                message = f"{most} requests of this key are being answered"
                return Refused(429, "rate_limit_error", message, {"Retry-After": "1"}, "key")
        if not self._settings.requests_per_minute:
            return admission
        account = Account("requests", key.name, self._settings.requests_per_minute)
        try:
            found = await self._limits.take(account, 1)
        except BaseException:
            admission.end(0)
            raise
        if isinstance(found, Refusal):
            admission.end(0)
            return _limited(found, "key", "requests of this key")
        admission._allowances.append(found.allowance)
        return admission

    async def reserve(self, admission: Admission, tokens: int) -> Refused | None:
        """Reserve the tokens that a request may cost; return why not, if so."""
        if not self._settings.tokens_per_minute:
            return None
        account = Account("tokens", admission.key.name, self._settings.tokens_per_minute)
        found = await self._limits.take(account, tokens)
        if isinstance(found, Refusal):
            return _limited(found, "key", "tokens of this key")
        admission._tokens = found
        admission._allowances.append(found.allowance)
        return None


def _headers(allowances: list[Allowance]) -> dict[str, str]:
    found = {}
    for told in allowances:
        name = told.account.kind
        found[f"x-ratelimit-limit-{name}"] = f"{told.account.limit:.0f}"
        found[f"x-ratelimit-remaining-{name}"] = f"{math.floor(told.remaining)}"
        found[f"x-ratelimit-reset-{name}"] = f"{told.reset:.3f}s"
    return found


def _limited(found: Refusal, cause: str, what: str) -> Refused:
    # What an address may ask for is its own business, and not the key's.
    told = _headers([found.allowance]) if cause == "key" else {}
    if math.isinf(found.wait):
        message = f"it asks for more {what} than are allowed in a minute"
        return Refused(429, "rate_limit_error", message, told, cause)
    seconds = max(1, math.ceil(found.wait))
    message = f"too many {what} in this minute; try again in {seconds} s"
    return Refused(429, "rate_limit_error", message, {**told, "Retry-After": str(seconds)}, cause)


def client_address(peer: str, forwarded: str, trusted: tuple[Network, ...]) -> str:
    """Return the address of a client: the last that no trusted proxy has.

    Args:
        peer: who holds the connection.
        forwarded: what `X-Forwarded-For` says, nearest last.
        trusted: proxies that are believed.
    """
    address = peer
    if not forwarded or not trusted:
        return address
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
