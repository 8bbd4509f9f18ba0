"""Reasons for what is not shown: each is needed, none is stale, and no family has two."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache

import pytest

from llmdash.build import Build
from llmdash.compiler import compile_pack
from llmdash.coverage import Coverage
from llmdash.metrics.metric import Metric, Needs
from llmdash.pack import DEFAULT
from llmdash.unused import REASONS, Reason, reasons_for
from tests.sources.examples import DOORS, WAIT


@cache
def built() -> Build:
    return compile_pack(DEFAULT)


def families() -> Iterator[tuple[Coverage, Metric]]:
    """Yield every family of the default pack with what is read of its source."""
    for covered in built().coverage:
        for metric in covered.source.metrics:
            yield covered, metric


def found(covered: Coverage, metric: Metric) -> list[str]:
    name = covered.catalogue_name(metric)
    return [reason.text for reason in reasons_for(covered.source.exporter, name, metric)]


@pytest.mark.parametrize(
    ("reason", "holds"),
    [
        (Reason("Why.", ("inn",), names=("inn_doors",)), True),
        (Reason("Why.", ("inn",), names=("inn_d*s",)), True),
        (Reason("Why.", ("inn",), names=("inn_door",)), False),
        (Reason("Why.", ("barn",), names=("inn_doors",)), False),
        (Reason("Why.", ("inn",), needs=frozenset({Needs.GPU})), False),
    ],
)
def test_a_reason_is_for_names_of_an_exporter(reason: Reason, holds: bool) -> None:
    """A reason holds for the families that its patterns name, on the exporters that it names."""
    assert holds == reason.holds_for("inn", DOORS.name, DOORS)


def test_a_reason_is_for_whatever_needs_something() -> None:
    """A family has a reason by any of its needs."""
    reason = Reason("Why.", ("inn",), needs=frozenset({Needs.LORA}))

    assert reason.holds_for("inn", WAIT.name, WAIT)


def test_what_is_shown_needs_no_reason() -> None:
    """A reason for a family that is read by now is stale: take the family out of it."""
    assert [] == [
        f"{covered.source.name}: {metric.name}"
        for covered, metric in families()
        if metric.name in covered.used and found(covered, metric)
    ]


def test_no_family_has_two_reasons() -> None:
    """The report says one reason, so there is one."""
    assert [] == [
        f"{covered.source.name}: {metric.name}"
        for covered, metric in families()
        if len(found(covered, metric)) > 1
    ]


@pytest.mark.parametrize(
    ("exporter", "pattern"),
    [
        (exporter, pattern)
        for reason in REASONS
        for exporter in reason.exporters
        for pattern in reason.names
    ],
)
def test_each_pattern_names_a_family(exporter: str, pattern: str) -> None:
    """A name that no family of the exporter has is a slip of the pen."""
    names = [
        covered.catalogue_name(metric)
        for covered, metric in families()
        if covered.source.exporter == exporter
    ]

    assert [] != [name for name in names if fnmatchcase(name, pattern)]


def test_reasons_are_sentences() -> None:
    """Each reason is said to people, once."""
    texts = [reason.text for reason in REASONS]

    assert len(texts) == len(set(texts))
    assert [] == [text for text in texts if not (text[:1].isupper() or "_" in text.split()[0])]
    assert [] == [text for text in texts if not text.endswith(".")]
