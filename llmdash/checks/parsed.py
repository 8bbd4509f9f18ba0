"""Reading PromQL back with promql-parser, which shares no line with our printer."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import promql_parser

from llmdash.build import Build, Expression

#: promql-parser overflows the stack on texts of thousands of terms and takes the process along.
LONGEST_TEXT = 50_000


@lru_cache(maxsize=4096)
def parsed(text: str) -> Any:
    """Return promql-parser's tree of a text.

    Raises:
        ValueError: the text is no PromQL, or too long to be read safely.
    """
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"expression of {len(text)} characters, more than {LONGEST_TEXT}")
    return promql_parser.parse(text)


def readable(build: Build) -> Iterator[tuple[Expression, Any]]:
    """Yield every expression that parses, with its tree; expression_parses says the others."""
    for expression in build.expressions():
        try:
            tree = parsed(expression.parseable)
        except ValueError:
            continue
        yield expression, tree


def children(tree: Any) -> Iterator[Any]:
    """Yield the nodes right below a node."""
    for name in ("expr", "lhs", "rhs", "param", "vector_selector"):
        child = getattr(tree, name, None)
        if isinstance(child, promql_parser.Expr):
            yield child
    yield from getattr(tree, "args", None) or ()


def nodes(tree: Any) -> Iterator[Any]:
    """Yield a tree's nodes, from the top down."""
    yield tree
    for child in children(tree):
        yield from nodes(child)


def metric_names(tree: Any) -> Iterator[str]:
    """Yield the name of every selector; where a pattern names several, each of them."""
    for node in nodes(tree):
        if isinstance(node, promql_parser.VectorSelector):
            patterns = [m.value for m in node.matchers.matchers if m.name == "__name__"]
            yield from [node.name] if node.name else "|".join(patterns).split("|")


def ranges(tree: Any) -> Iterator[datetime.timedelta]:
    """Yield the length of every range."""
    for node in nodes(tree):
        if isinstance(node, promql_parser.MatrixSelector):
            yield node.range
