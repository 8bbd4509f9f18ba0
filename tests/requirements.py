"""What a test needs that a machine may lack: it skips there, or fails where it was required.

`LLMDASH_REQUIRE` is a comma list of kinds; CI sets it, so that no skip hides there.
"""

from __future__ import annotations

import os
from typing import NoReturn

import pytest

KINDS = ("live", "prom2", "prom3", "docker", "schemas", "traces")


def required_kinds() -> frozenset[str]:
    """Return the kinds that may not be missing; raise ValueError for one that is unknown."""
    names = os.environ.get("LLMDASH_REQUIRE", "").split(",")
    kinds = frozenset(name.strip() for name in names if name.strip())
    # A misspelled kind would require nothing and hide every skip of the one that was meant.
    if unknown := sorted(kinds - set(KINDS)):
        raise ValueError(
            f"LLMDASH_REQUIRE: expected kinds out of {', '.join(KINDS)}, got {', '.join(unknown)}"
        )
    return kinds


def require(kind: str, reason: str) -> NoReturn:
    """End the test that lacks what it needs: failed where the kind is required, else skipped."""
    if kind not in KINDS:
        raise ValueError(f"expected a kind out of {', '.join(KINDS)}, got {kind}")
    if kind in required_kinds():
        pytest.fail(f"{kind} is required by LLMDASH_REQUIRE: {reason}", pytrace=False)
    pytest.skip(reason, allow_module_level=True)
