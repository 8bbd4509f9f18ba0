"""expression_parses: rules, panels and annotations are PromQL to a parser that is not ours."""

from __future__ import annotations

import pytest

from llmdash.build import Build
from llmdash.checks.expression_parses import expression_parses
from llmdash.checks.parsed import LONGEST_TEXT
from tests.checks.examples import build, panel, rule

PLACE = "rules/inn.yaml: llmdash-inn: llm:guests:sum"


@pytest.mark.parametrize(
    "sound",
    [
        build(rule("sum by (room) (rate(inn_guests_total[11m]))")),
        build(panels=(panel('rate(inn_guests_total{room=~"$room"}[$__rate_interval])'),)),
        build(panels=(panel("increase(inn_guests_total[$__range])"),)),
        build(annotations={"Restart": "changes(inn_started[11m]) > 0"}),
        build(panels=({"type": "text", "title": "No target"},)),
        build(),
    ],
)
def test_what_parses_is_no_problem(sound: Build) -> None:
    """A rule, a panel with Grafana's intervals and variables, and an annotation all parse."""
    assert [] == list(expression_parses(sound))


@pytest.mark.parametrize(
    ("broken", "place", "text"),
    [
        (build(rule("sum(inn_guests_total")), PLACE, "sum(inn_guests_total"),
        (build(rule("rate(inn_guests_total)")), PLACE, "rate(inn_guests_total)"),
        (
            build(rule("rate(inn_guests_total[$__rate_interval])")),
            PLACE,
            "rate(inn_guests_total[$__rate_interval])",
        ),
        (
            build(panels=(panel("inn_guests", "inn_guests }"),)),
            "dashboards/Inn/inn.json: Guests: B",
            "inn_guests }",
        ),
        (
            build(panels=({"type": "row", "panels": [panel("]", title="Folded")]},)),
            "dashboards/Inn/inn.json: Folded: A",
            "]",
        ),
        (
            build(annotations={"Restart": "changes(inn_started[11m)"}),
            "dashboards/Inn/inn.json: annotation Restart",
            "changes(inn_started[11m)",
        ),
    ],
)
def test_what_does_not_parse_is_found(broken: Build, place: str, text: str) -> None:
    """A text that is no PromQL is said with its place, also below a collapsed row."""
    (problem,) = expression_parses(broken)

    assert (place, "expression_parses") == (problem.place, problem.check)
    assert problem.message.endswith(f": {text}")


def test_a_problem_is_printed_whole() -> None:
    """The parser's own words come first, then the text that it refused."""
    (problem,) = expression_parses(build(rule("rate(inn_guests_total)")))

    assert str(problem) == (
        f"{PLACE}: expected type matrix in call to function 'rate', got vector: "
        "rate(inn_guests_total) (expression_parses)"
    )


@pytest.mark.parametrize(("terms", "found"), [(7, 0), (LONGEST_TEXT, 1)])
def test_a_text_too_long_is_not_read(terms: int, found: int) -> None:
    """promql-parser is kept from texts that would overflow its stack."""
    problems = list(expression_parses(build(rule("+".join(["inn_guests"] * terms)))))

    assert found == len(problems)
    assert [] == [p for p in problems if "more than 50000" not in p.message]
