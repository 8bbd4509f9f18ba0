"""Who may ask: keys, of which only hashes are kept, found in a time that tells nothing."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256

from llmstack.errors import SettingsError

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
#: Shorter ones are guessed.
SHORTEST = 16


@dataclass(frozen=True)
class Key:
    """A key as everybody may see it."""

    #: A part of its hash: tells keys apart in logs, and opens nothing.
    name: str


class Keys:
    """The keys that are let in; without any, everybody is."""

    def __init__(self, given: Iterable[str]) -> None:
        """Keep the hashes of keys.

        Args:
            given: keys, or `sha256:<hex>` of keys that even the environment shall not hold.

        Raises:
            SettingsError: one is too short to be safe; it is not repeated.
        """
        self._digests: dict[bytes, Key] = {}
        for place, text in enumerate(given, 1):
            if _DIGEST.fullmatch(text):
                digest = bytes.fromhex(text.removeprefix("sha256:"))
            elif len(text) >= SHORTEST:
                digest = _digest(text)
            else:
                raise SettingsError(
                    f"GATEWAY_API_KEYS: key {place} has {len(text)} characters; "
                    f"give it {SHORTEST} or more"
                )
            self._digests[digest] = Key(digest.hex()[:8])

    def __bool__(self) -> bool:
        """Tell whether a key is needed at all."""
        return bool(self._digests)

    def find(self, given: str) -> Key | None:
        """Return the key that was given, or None; all that are wrong take as long."""
        digest = _digest(given)
        found = None
        # The hash decides already; each is compared all the same, in a time that does not depend
        # on how much of it is right.
        for known, key in self._digests.items():
            if hmac.compare_digest(known, digest):
                found = key
        return found


def key_in(headers: Mapping[str, str]) -> str | None:
    """Return the key that a request carries, as OpenAI's clients or as Anthropic's send it."""
    authorization = headers.get("Authorization", "")
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    return headers.get("X-API-Key", "").strip() or None


def _digest(text: str) -> bytes:
    return sha256(text.encode("utf-8", "surrogateescape")).digest()
