"""What is changed in a rule, one thing at a time, and what is left alone."""

from __future__ import annotations

import pytest

from tests.mutate.mutators import mutants_of


def changed(expression: str, **more: str) -> set[str]:
    """The changed rules: their expressions, or else what is not the same."""
    rule = {"alert": "A", "expr": expression, **more}
    found = [mutant.rule for mutant in mutants_of("a.yaml", [rule], 15)]
    return {
        one["expr"]
        if one["expr"] != expression
        else next(f"{key} {one[key]}" for key in more if one[key] != more[key])
        for one in found
    }


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("a > 10", {"a > 11", "a > 9", "a >= 10"}),
        ("a == 0.5", {"a == 0.55", "a == 0.45"}),
        ("rate(a[5m]) < b", {"rate(a[600s]) < b", "rate(a[150s]) < b", "rate(a[5m]) <= b"}),
        ("a offset 1d", {"a offset 172800s", "a offset 43200s"}),
        ("sum by (b, c) (a)", {"sum by (c) (a)", "sum by (b) (a)"}),
        ("a and on (b) c", {"a unless on (b) c"}),
        ("sum(a unless c)", {"sum(a and c)"}),
        ('sum(a{b="1", c!="2"})', {'sum(a{c!="2"})', 'sum(a{b="1"})'}),
        # Of selectors that are joined on all labels one chooses for the others.
        ('a{b="1"} - c{b="1"}', {"a - c"}),
    ],
)
def test_one_thing_is_changed(expression: str, expected: set[str]) -> None:
    """Numbers, windows, comparisons, labels that are kept, set operations and matchers."""
    assert expected == changed(expression)


@pytest.mark.parametrize(
    "expression",
    ["a / 1000", "1 - a", "a * 0", "p95:a:rate5m", 'label_replace(vector(1), "a", "7", "", "")'],
)
def test_units_names_and_words_are_left_alone(expression: str) -> None:
    """None of their numbers is a threshold."""
    assert set() == changed(expression)


def test_waits_are_one_evaluation_longer_and_shorter() -> None:
    """So is how long an alert fires on."""
    assert {"for 315s", "for 285s", "keep_firing_for 75s", "keep_firing_for 45s"} == changed(
        "a", **{"for": "5m", "keep_firing_for": "1m"}
    )


def test_no_wait_is_below_none() -> None:
    """Rules with such a wait could not be read, and nothing would be asked of them."""
    assert {"for 45s", "for 15s"} == changed("a", **{"for": "30s"})
    assert {"for 20s", "for 0s"} == changed("a", **{"for": "5s"})
