"""`coverage.md`: counts that add up, and each family that nobody reads with the reason for it."""

from __future__ import annotations

import pytest

from llmdash import unused
from llmdash.coverage import Coverage
from llmdash.documents.coverage import LEFT_OUT, coverage_report
from llmdash.metrics.metric import Needs
from llmdash.unused import Reason
from tests.sources.examples import DOORS, FULL, GUESTS, METRICS, STORY, WAIT, WORDS, inn

COVERED = Coverage(inn(), frozenset({DOORS.name, GUESTS.name, WORDS.name}))


def test_counts() -> None:
    """By default and of all: how many families there are, how many are used, and the share."""
    assert (
        "| source | by default | used | share | all families | used | share |\n"
        "| --- | --- | --- | --- | --- | --- | --- |\n"
        "| The inn | 7 | 2 | 29% | 9 | 3 | 33% |\n"
    ) in coverage_report((COVERED,))


def test_what_is_unused_stands_under_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """Families are listed by reason, those that have none under a sentence that says so."""
    reasons = (
        Reason("Nobody asks.", ("inn",), names=("inn_story_*", FULL.name)),
        Reason("Lodgers only.", ("inn",), needs=frozenset({Needs.GPU})),
        Reason("Elsewhere.", ("barn",), names=("*",)),
    )
    monkeypatch.setattr(unused, "REASONS", reasons)
    page = coverage_report((COVERED,))

    assert f"| Nobody asks. | 2 | `{FULL.name}` `{STORY.name}` |\n" in page
    assert f"| Lodgers only. | 1 | `{WAIT.name}` |\n" in page
    assert f"| {LEFT_OUT} | 3 | `inn_busy_us` " in page
    assert "Elsewhere." not in page


def test_nothing_to_explain_is_no_section() -> None:
    """A source of which all is read has counts and no list."""
    page = coverage_report((Coverage(inn(), frozenset(metric.name for metric in METRICS)),))

    assert "| The inn | 7 | 7 | 100% | 9 | 9 | 100% |" in page
    assert "not used" not in page
