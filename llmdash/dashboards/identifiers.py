"""Numbers for panels and rows, made from their keys: adding a panel moves no other panel's number.

Links to a panel (`viewPanel`, an alert's `__panelId__`) hold these numbers, so order must not
make them.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Literal

Kind = Literal["panel", "row"]


def identifier(key: str, kind: Kind = "panel") -> int:
    """Return the number of a panel or row: positive, below 2^31, the same in every dashboard."""
    digest = sha256(f"{kind}:{key}".encode()).digest()
    # JavaScript and Grafana's database both hold 31 bits; 0 means "no id".
    return int.from_bytes(digest[:4]) % (2**31 - 1) + 1


def collisions(keys: Iterable[tuple[Kind, str]]) -> tuple[tuple[str, str], ...]:
    """Return the pairs of unlike keys that share a number."""
    owners: dict[int, tuple[Kind, str]] = {}
    found = []
    for kind, key in keys:
        owner = owners.setdefault(identifier(key, kind), (kind, key))
        if owner != (kind, key):
            found.append((owner[1], key))
    return tuple(found)
