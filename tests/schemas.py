"""Where Grafana's own JSON schemas lie; they are too large, and not ours, to be kept here."""

from __future__ import annotations

import os
from pathlib import Path

from tests.requirements import require

DEFAULT_FOLDER = Path(__file__).resolve().parents[2] / "shared" / "reference" / "grafana-jsonschema"


def schemas_folder() -> Path:
    """Return the folder of `<kind>.jsonschema.json` files, or end the test."""
    named = os.environ.get("LLMDASH_SCHEMAS")
    folder = Path(named) if named else DEFAULT_FOLDER
    if not any(folder.glob("*.jsonschema.json")):
        require(
            "schemas", f"no Grafana JSON schemas in {folder}; name their folder LLMDASH_SCHEMAS"
        )
    return folder
