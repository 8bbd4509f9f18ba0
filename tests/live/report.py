"""What a run has to say besides passed and failed; shown at its end, whatever the outcome."""

from __future__ import annotations

import pytest

REPORT = pytest.StashKey[list[str]]()
