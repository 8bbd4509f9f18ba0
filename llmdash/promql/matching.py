"""How the two sides of an operation find each other, and which labels the result has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from llmdash.errors import PromqlError
from llmdash.promql.facts import Facts
from llmdash.promql.labels import TARGET_LABELS, Labels


@dataclass(frozen=True)
class Matching:
    """How the two sides of an operation find each other."""

    on: tuple[str, ...] | None = None
    ignoring: tuple[str, ...] = ()
    #: The side of which several series meet one of the other, if any.
    many: Literal["left", "right"] | None = None
    #: Labels copied from the one side to the many.
    include: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what PromQL cannot say."""
        if self.on is not None and self.ignoring:
            raise PromqlError("on or ignoring", "a matching", "both")
        if self.include and self.many is None:
            raise PromqlError("group_left or group_right", "a matching", "labels to copy alone")
        if self.many is not None and self.on is None and not self.ignoring:
            raise PromqlError("on or ignoring", f"group_{self.many}", "neither")
        twice = sorted(set(self.on or ()) & set(self.include))
        if twice:
            raise PromqlError("other labels than in on()", f"group_{self.many}", twice[0])


def matched_labels(left: Facts, right: Facts, operator: str, matching: Matching) -> frozenset[str]:
    """Return the labels by which series of two vectors find each other.

    Raises:
        PromqlError: a side lacks one of them.
    """
    if matching.on is not None:
        for side in (left, right):
            side.labels.require(matching.on, f"on() of {operator}")
        return frozenset(matching.on)
    either = left.labels.union(right.labels)
    either.require(matching.ignoring, f"ignoring() of {operator}")
    left_names = left.labels.names - frozenset(matching.ignoring)
    right_names = right.labels.names - frozenset(matching.ignoring)
    if left_names != right_names:
        odd = ", ".join(sorted(left_names ^ right_names))
        hint = f"say on (…) or ignoring ({odd})"
        raise PromqlError("equal labels on both sides", operator, f"{odd} on one side only", hint)
    return left_names


def check_can_meet(left: Facts, right: Facts, operator: str, matched: frozenset[str]) -> None:
    """Raise a PromqlError when no series of one side has the values of the other."""
    for name in sorted(matched):
        values = left.labels.value(name), right.labels.value(name)
        # A variable stands for any value.
        known = [value for value in values if value is not None and not value.startswith("$")]
        if len(set(known)) > 1:
            hint = f"say ignoring ({name}), or aggregate it away"
            got = " and ".join(known)
            raise PromqlError(f"one value of {name} on both sides", operator, got, hint)


def joined_labels(
    left: Facts,
    right: Facts,
    operator: str,
    matching: Matching,
    alone: tuple[frozenset[str] | None, frozenset[str] | None] = (None, None),
) -> Labels:
    """Return the labels of an operation on two vectors; refuse what can meet many to many.

    `alone` are labels by which no two series of a side are alike, where that is known.
    """
    matched = matched_labels(left, right, operator, matching)
    check_can_meet(left, right, operator, matched)
    many, one = (right, left) if matching.many == "right" else (left, right)
    for name, side, single in (("left", left, alone[0]), ("right", right, alone[1])):
        if name == matching.many or (single is not None and single <= matched):
            continue
        extra = side.labels.names - side.labels.pinned - matched
        if "instance" in matched:
            # The other target labels follow from the instance.
            extra -= TARGET_LABELS
        if extra:
            hint = "aggregate that side first, or say group_left or group_right"
            differ = ", ".join(sorted(extra))
            got = f"several series of {side.name} (they differ by {differ})"
            raise PromqlError("one series of a side for each match", operator, got, hint)
    if matching.many:
        one.labels.require(matching.include, f"group_{matching.many} of {operator}")
        return many.labels.add(matching.include)
    labels = left.labels.drop(matching.ignoring)
    if matching.on is not None:
        labels = left.labels.keep(matching.on)
    for name, value in sorted(right.labels.values):
        # What one side holds in one value, its match holds too.
        if name in matched and name not in labels.pinned:
            labels = labels.pin(name, value)
    return labels
