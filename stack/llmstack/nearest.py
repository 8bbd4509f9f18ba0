"""What somebody may have meant who wrote a name that there is not."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches


def nearest(name: str, known: Collection[str]) -> str | None:
    """Return the name that comes nearest; None where none does."""
    return next(iter(get_close_matches(name, known, 1)), None)


def hint(name: str, known: Collection[str]) -> str:
    """Say which name comes nearest, or which there are, as the end of a message."""
    near = nearest(name, known)
    return f"there are {', '.join(known)}" if near is None else f"the nearest is {near}"
