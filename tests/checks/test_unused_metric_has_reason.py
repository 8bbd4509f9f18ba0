"""unused_metric_has_reason: what the default pack does not show is left out knowingly."""

from __future__ import annotations

from dataclasses import replace

import pytest

from llmdash import unused
from llmdash.build import Build
from llmdash.checks.unused_metric_has_reason import unused_metric_has_reason
from llmdash.coverage import Coverage
from llmdash.pack import DEFAULT, Pack
from llmdash.unused import Reason
from tests.checks.examples import build
from tests.sources.examples import DOORS, FULL, METRICS, inn

USED = frozenset(metric.name for metric in METRICS) - {DOORS.name, FULL.name}


def of(pack: Pack) -> Build:
    return replace(build(of=pack), coverage=(Coverage(inn(), USED),))


def test_what_nobody_reads_is_said() -> None:
    """Each family of the default pack without panel, rule and reason is a problem."""
    assert [
        f"coverage of inn: nothing reads {name}: show it, or say why not in unused.py "
        "(unused_metric_has_reason)"
        for name in (FULL.name, DOORS.name)
    ] == [str(problem) for problem in unused_metric_has_reason(of(DEFAULT))]


def test_a_reason_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """A family that is left out for a reason is no problem."""
    monkeypatch.setattr(unused, "REASONS", (Reason("Nobody asks.", ("inn",), names=("inn_*",)),))

    assert [] == list(unused_metric_has_reason(of(DEFAULT)))


def test_a_pack_of_ones_own_may_leave_out_what_it_likes() -> None:
    """Whoever builds fewer pages owes no reasons."""
    own = replace(DEFAULT, source_pages={})

    assert [] == list(unused_metric_has_reason(of(own)))
