"""What needs a counters file is said once, and nothing that shows something without one."""

from __future__ import annotations

import pytest

from llmdash.dashboards.dcgm.counters_file import is_empty_without
from llmdash.dashboards.panels import Text
from llmdash.metrics.dcgm import DCGM_FI_DEV_GPU_UTIL as LOAD
from llmdash.metrics.dcgm import DCGM_FI_DEV_MEM_COPY_UTIL as COPIES
from llmdash.promql.expressions import first_of, greatest
from llmdash.promql.nodes import Binary, Expr
from llmdash.sources.source import Source
from tests.dashboards.dcgm.gpu_pages import NEW, OLD, page

HERE, LEFT_OUT = greatest(COPIES.select(), ("gpu",)), greatest(LOAD.select(), ("gpu",))


@pytest.mark.parametrize("source", [None, OLD, NEW], ids=["all", "old", "new"])
def test_the_text_names_open_panels_that_stay_empty(source: Source | None) -> None:
    """Tiles and graphs of the mask, the limit and ECC; not what has a part that is there."""
    found = page(source)
    panel = found.panel("counters-file")
    assert isinstance(panel, Text)

    assert (
        "ask for: Held back now, Uncorrected ECC errors, Share of power limit, Held back by harm, "
        "GPUs held back by reason, Share of time held back. Start it with a counters file (CSV)"
    ) in panel.markdown


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (HERE, False),
        (LEFT_OUT, True),
        (Binary("and", HERE, LEFT_OUT), True),
        (Binary("unless", HERE, LEFT_OUT), False),
        (Binary("unless", LEFT_OUT, HERE), True),
        (first_of(LEFT_OUT, LEFT_OUT * 2), True),
        (first_of(LEFT_OUT, HERE), False),
    ],
)
def test_what_is_left_of_an_expression(expression: Expr, expected: bool) -> None:
    """One alternative is enough, of what is joined all are needed; what is taken away may lack."""
    assert expected == is_empty_without(expression, {LOAD.name})
