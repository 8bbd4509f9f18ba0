"""Where Azure's traces of 2023 lie; they are not ours to be kept here."""

from __future__ import annotations

import os
from pathlib import Path

from tests.requirements import require

DEFAULT_FOLDER = Path(__file__).resolve().parents[5] / "shared" / "data"


def published_in() -> Path:
    """Return the folder, which need not be there."""
    return Path(os.environ.get("LLMDASH_TRACES") or DEFAULT_FOLDER)


def published(name: str) -> Path:
    """Return a trace as published, or end the test."""
    path = published_in() / name
    if not path.is_file():
        require("traces", f"no {name} in {path.parent}; name its folder LLMDASH_TRACES")
    return path
