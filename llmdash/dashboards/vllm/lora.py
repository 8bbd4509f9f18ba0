"""LoRA adapters: which run and wait now, since when, and whether they thrash.

vLLM says it in one odd family: the value is a moment, the adapters are comma lists in labels, and
label sets of the past stay.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.dashboards.conditions import with_conditions
from llmdash.dashboards.panels import Column, LabelColumn, Panel, Query, Stat, Table, TimeSeries
from llmdash.dashboards.source_page import SourcePage
from llmdash.metrics import vllm_features
from llmdash.promql.expressions import aggregate, call, count, greatest
from llmdash.promql.nodes import Expr

ADAPTERS = vllm_features.LORA_REQUESTS_INFO

#: Of each server the label set that was written last; the others are history.
NEWEST = 1


def lora_panels(page: SourcePage) -> Iterator[Panel]:
    """Yield the adapters in use, and how they change."""
    if not page.speaks(ADAPTERS):
        return
    yield Table(
        key="lora-adapters",
        title="Adapters in use",
        width=24,
        description=with_conditions(
            page.source,
            "The adapters that run and wait on each server, as last written. Waiting adapters "
            "while as many run as fit at once (--max-loras) are held up by that limit. With "
            "several API servers vLLM tells this wrongly.",
            ADAPTERS,
        ),
        queries=(
            Query("changed", aggregate("topk", page.select(ADAPTERS), ("instance",), NEWEST)),
        ),
        by=(
            LabelColumn("instance"),
            LabelColumn("running_lora_adapters", "Running"),
            LabelColumn("waiting_lora_adapters", "Waiting"),
            LabelColumn("max_lora", "Fit at once"),
        ),
        columns=(Column("changed", "Last written"),),
    )
    yield Stat(
        key="lora-age",
        title="Since adapters changed",
        width=6,
        description=with_conditions(
            page.source,
            "Time since any server chosen last wrote its adapters. It grows while no request "
            "with an adapter arrives, and after the last one.",
            ADAPTERS,
        ),
        queries=(Query("age", _age(greatest(page.select(ADAPTERS)))),),
    )
    yield TimeSeries(
        key="lora-ages",
        title="Since adapters changed, by server",
        width=9,
        description=with_conditions(
            page.source,
            "Time since each server last wrote its adapters. A line that climbs while others "
            "stay low gets no requests with adapters: look at the routing.",
            ADAPTERS,
        ),
        queries=(
            Query("age", _age(greatest(page.select(ADAPTERS), ("instance",))), "{{instance}}"),
        ),
    )
    yield TimeSeries(
        key="lora-combinations",
        title="Combinations of adapters ever seen",
        width=9,
        description=with_conditions(
            page.source,
            "Label sets of each server: every combination of running and waiting adapters stays "
            "until a restart. A steep line is adapters that push each other out, and a cost to "
            "Prometheus: drop the family there if it grows without end.",
            ADAPTERS,
        ),
        queries=(Query("sets", count(page.select(ADAPTERS), ("instance",)), "{{instance}}"),),
    )


def _age(moment: Expr) -> Expr:
    return call("time") - moment
