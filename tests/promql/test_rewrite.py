"""An expression is rebuilt with other selectors, and checked anew."""

from __future__ import annotations

import pytest

from llmdash.errors import PromqlError
from llmdash.promql.expressions import aggregate, as_value, rate, total
from llmdash.promql.nodes import Binary, Expr, Matcher, Number, Selector
from llmdash.promql.printer import RULES, to_text
from llmdash.promql.rewrite import map_selectors, narrowed, selectors
from tests.promql import pretend

UP, WAITING, READ = pretend.UP.select(), pretend.WAITING.select(), pretend.TOKENS_READ.select()
JOB, MODEL = Matcher("job", "=", "a"), Matcher("model_name", "=", "m")

NARROWED: tuple[tuple[Expr, str], ...] = (
    (UP, 'up{job="a"}'),
    (WAITING, 'pretend:waiting{job="a", model_name="m"}'),
    (rate(READ, "5m"), 'rate(pretend:tokens_read_total{job="a", model_name="m"}[5m])'),
    (aggregate("topk", UP, parameter=3), 'topk(3, up{job="a"})'),
    (
        total(UP) / total(WAITING),
        'sum(up{job="a"}) / sum(pretend:waiting{job="a", model_name="m"})',
    ),
    (Binary("==", UP, Number(1), as_state=True), 'up{job="a"} == bool 1'),
    (as_value(READ, "told once"), 'pretend:tokens_read_total{job="a", model_name="m"}'),
)


@pytest.mark.parametrize(("expression", "text"), NARROWED)
def test_matchers_go_where_their_label_is(expression: Expr, text: str) -> None:
    """A selector without the label stays as it is."""

    assert text == to_text(narrowed(expression, JOB, MODEL), RULES)


def test_what_is_rebuilt_is_checked() -> None:
    """A change that makes nonsense is refused where it is made."""

    def as_gauge(selector: Selector) -> Selector:
        del selector
        return WAITING

    with pytest.raises(
        PromqlError, match="expected a counter in rate, got pretend:waiting, a gauge"
    ):
        map_selectors(rate(READ, "5m"), as_gauge)


def test_selectors_come_from_left_to_right() -> None:
    """Every one, also the same twice."""

    assert [UP, WAITING, UP] == list(selectors(total(UP) / total(WAITING) / total(UP)))
