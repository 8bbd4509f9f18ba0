"""Labels are kept, dropped, pinned and joined; an unknown one is refused with the nearest."""

from __future__ import annotations

import pytest

from llmdash.errors import PromqlError
from llmdash.promql.labels import TARGET_LABELS, Labels, LabelSet, is_label_name, nearest

OWN = Labels(frozenset({"model", "reason"}))
SERIES = Labels(OWN.names | TARGET_LABELS).pin("reason", "stop")


def test_keep_leaves_only_these() -> None:
    """`by` keeps names, and what is known of their values."""

    assert Labels(frozenset({"reason"})).pin("reason", "stop") == SERIES.keep(("reason",))
    assert Labels() == SERIES.keep(())


def test_drop_leaves_the_others() -> None:
    """`without` takes names away, and what is known of their values."""

    assert Labels(frozenset({"model"}) | TARGET_LABELS) == SERIES.drop(("reason",))


def test_keep_closes_and_drop_does_not() -> None:
    """Labels that nobody listed stay only where nothing is kept by name."""
    opened = Labels(frozenset({"job"}), is_open=True)

    assert not opened.keep(("job", "block_size")).is_open
    assert opened.drop(("job",)).is_open
    assert opened.has("block_size")
    assert not opened.has("__name__")


def test_an_added_label_has_no_known_value() -> None:
    """Writing over a pinned label unpins it."""

    assert frozenset() == SERIES.add(("reason",)).pinned


def test_union_is_pinned_where_both_hold_one_value() -> None:
    """A label that is one value on each side is still two values in both."""
    other = Labels(OWN.names).pin("reason", "abort")

    assert frozenset() == SERIES.union(other).pinned
    assert frozenset({"reason"}) == SERIES.union(SERIES).pinned


def test_varying_labels_tell_series_of_one_target_apart() -> None:
    """Pinned labels and target labels do not."""

    assert frozenset({"model"}) == SERIES.varying


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (Labels(), "no label"),
        (OWN, "model, reason"),
        (SERIES, "model, reason, a target label"),
        (Labels(frozenset({"model", "job"})), "model, job"),
    ],
)
def test_labels_are_listed(labels: Labels, said: str) -> None:
    """Messages sum up the target labels."""

    assert said == str(labels)


def test_an_unknown_label_is_refused_with_the_nearest() -> None:
    """The message names what there is, and what was probably meant."""
    with pytest.raises(PromqlError) as caught:
        OWN.require(("model", "raeson"), "sum")

    assert "expected one of model, reason in sum, got raeson; did you mean reason?" == str(
        caught.value
    )


def test_nearest_says_nothing_when_nothing_is_near() -> None:
    """A far-fetched hint is worse than none."""

    assert "" == nearest("wavelength", ("model", "reason"))


@pytest.mark.parametrize(
    ("name", "is_one"),
    [("le", True), ("_a1", True), ("1a", False), ("a-b", False), ("", False), ("__name__", False)],
)
def test_label_names(name: str, is_one: bool) -> None:
    """A name that PromQL cannot spell is none; the metric's own name is not for matchers."""

    assert is_one == is_label_name(name)


def test_a_closed_label_lists_its_values() -> None:
    """A label without a list can hold anything."""
    labels = LabelSet(("model", "reason"), (("reason", ("stop", "abort")),))

    assert ("stop", "abort") == labels.allowed("reason")
    assert labels.allowed("model") is None
