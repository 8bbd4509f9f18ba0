"""The XID errors: a table that can be looked up by code and be shown to people."""

from __future__ import annotations

import pytest

from llmdash.metrics.xid import XIDS, Xid, XidClass

BY_CODE = {xid.code: xid for xid in XIDS}


def test_codes_are_unique_and_in_order() -> None:
    """A code stands once, and the table is sorted by code."""
    codes = [xid.code for xid in XIDS]

    assert codes == sorted(set(codes))


@pytest.mark.parametrize(
    ("asks_for", "codes"),
    [
        (XidClass.APPLICATION, {13, 31, 32, 43, 68, 69, 137}),
        (XidClass.RESTART, {48, 62, 74, 79, 94, 95, 109, 119, 120, 140, 143, 149}),
        (XidClass.REPLACE, {64, 157}),
        (XidClass.INFO, {38, 45, 63, 92, 121, 154}),
    ],
    ids=lambda value: value.name if isinstance(value, XidClass) else None,
)
def test_well_known_codes_ask_for_what_nvidia_says(asks_for: XidClass, codes: set[int]) -> None:
    """Each well known code is in the table, with the class of NVIDIA's catalogue."""

    assert {asks_for} == {BY_CODE[code].asks_for for code in codes}


def test_codes_that_newer_gpus_do_not_use_are_left_out() -> None:
    """NVIDIA's catalogue calls these unused since A100."""

    assert set() == {61, 122, 123, 138} & set(BY_CODE)


@pytest.mark.parametrize("xid", XIDS, ids=lambda xid: str(xid.code))
def test_a_code_is_said_in_few_words(xid: Xid) -> None:
    """A name fits into a table cell, and its meaning is one short sentence more than the name."""

    assert 0 < len(xid.name) <= 40
    assert 0 < len(xid.meaning) <= 60
    assert xid.meaning.endswith(".")
    assert xid.name.lower() != xid.meaning.rstrip(".").lower()


def test_classes_are_told_apart() -> None:
    """Every class is used, and its words are its own."""

    assert set(XidClass) == {xid.asks_for for xid in XIDS}
    assert len(XidClass) == len({each.value for each in XidClass})
