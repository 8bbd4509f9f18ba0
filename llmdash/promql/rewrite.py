"""Rebuilding an expression with other selectors: a page narrows what a source has answered."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from llmdash.promql.matchers import Matcher
from llmdash.promql.nodes import Aggregate, Binary, Call, Expr, Range, Selector, Taken


def map_selectors(expression: Expr, change: Callable[[Selector], Selector]) -> Expr:
    """Return the expression with every selector replaced by `change` of it; all is checked anew."""

    def rebuilt(node: Expr) -> Expr:
        match node:
            case Selector():
                return change(node)
            case Range():
                return Range(rebuilt(node.of), node.length)
            case Call():
                return Call(node.function, tuple(rebuilt(a) for a in node.arguments))
            case Aggregate():
                return Aggregate(
                    node.operator, rebuilt(node.of), node.by, node.without, node.parameter
                )
            case Binary():
                left, right = rebuilt(node.left), rebuilt(node.right)
                return Binary(node.operator, left, right, node.matching, node.as_state)
            case Taken():
                return Taken(
                    rebuilt(node.of), node.because, node.measured_in, node.usage, node.edges
                )
        return node

    return rebuilt(expression)


def narrowed_selector(selector: Selector, *matchers: Matcher) -> Selector:
    """Return the selector with those matchers added whose label it is known to have.

    A family with open labels may have it too, or may not: a matcher would then hide all of it.
    """
    names = selector.facts.labels.names
    return selector.where(*(matcher for matcher in matchers if matcher.label in names))


def narrowed(expression: Expr, *matchers: Matcher) -> Expr:
    """Return the expression with every selector in it narrowed."""
    return map_selectors(expression, lambda selector: narrowed_selector(selector, *matchers))


def selectors(expression: Expr) -> Iterator[Selector]:
    """Yield every selector of an expression, from left to right."""
    return (node for node in expression.walk() if isinstance(node, Selector))
