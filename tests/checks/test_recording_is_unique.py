"""recording_is_unique: no two rules record one series."""

from __future__ import annotations

import pytest

from llmdash.build import Build
from llmdash.checks.recording_is_unique import recording_is_unique
from tests.checks.examples import build, rule


@pytest.mark.parametrize(
    "sound",
    [
        build(rule("a", outcome="ok"), rule("b", outcome="error")),
        build(rule("a", "llm:guests:sum"), rule("b", "llm:guests:max")),
        build(rule("a", le="0.7"), rule("a", le="1.1"), rule("a")),
        build({"alert": "InnOnFire", "expr": "a"}, {"alert": "InnOnFire", "expr": "b"}),
        build(),
    ],
)
def test_rules_may_share_a_name(sound: Build) -> None:
    """One name is recorded by many rules whose static labels differ; alerts record nothing."""
    assert [] == list(recording_is_unique(sound))


@pytest.mark.parametrize(
    ("broken", "problems"),
    [
        (
            build(rule("a", source="inn", role="engine"), rule("b", role="engine", source="inn")),
            ["llm:guests:sum: 2 rules record it with role=engine, source=inn (recording_is_unique)"],
        ),
        (
            build(rule("a"), rule("b"), rule("c"), rule("d", source="inn")),
            ["llm:guests:sum: 3 rules record it with no label (recording_is_unique)"],
        ),
        (
            build(*(rule("a", name) for name in ("llm:b:sum", "llm:a:sum") * 2)),
            [
                "llm:a:sum: 2 rules record it with no label (recording_is_unique)",
                "llm:b:sum: 2 rules record it with no label (recording_is_unique)",
            ],
        ),
    ],
)  # fmt: skip
def test_two_rules_of_one_series_are_found(broken: Build, problems: list[str]) -> None:
    """Equal name and equal static labels are one series, in whatever order the labels stand."""
    assert problems == [str(problem) for problem in recording_is_unique(broken)]
