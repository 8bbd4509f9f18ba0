"""Every expression of a build is PromQL to a parser that is not ours."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.build import Build
from llmdash.checks.parsed import parsed
from llmdash.problems import Problem


def expression_parses(build: Build) -> Iterator[Problem]:
    """Yield a problem for each expression that promql-parser refuses."""
    for expression in build.expressions():
        try:
            parsed(expression.parseable)
        except ValueError as error:
            message = f"{error}: {expression.text}"
            yield Problem(expression.place, message, "expression_parses")
