"""XID errors: what the driver reported last about a GPU, what it means, and whether it is new.

The last code stays when all is well again, so that there is one says little; a change says more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from llmdash.dashboards.dcgm.page import BY_GPU, LEGEND, GpuPage, ago
from llmdash.dashboards.panels import (
    Column,
    LabelColumn,
    Mapping,
    Panel,
    Query,
    StateTimeline,
    Table,
)
from llmdash.dashboards.parts import Annotation
from llmdash.dashboards.style import BAD, GOOD, XID_CLASSES
from llmdash.metrics.xid import XIDS, Xid
from llmdash.promql.expressions import count, greatest, joined, or_zero
from llmdash.promql.nodes import Binary, Expr, Number
from llmdash.promql.units import COUNT

NAME = "gpu_xid"
#: The code once more as a label, since 3.3.6: a new code is then a new series.
_CODE = "err_code"
#: Within this time a code is new.
RECENTLY = "1h"
#: How far apart annotations look: a change is then drawn once.
_STEP = "60s"

_NONE = Mapping(0, "none", GOOD)


def named_codes() -> tuple[Mapping, ...]:
    """Return each code with its name, in the colour of what it asks for."""
    return (_NONE, *(_mapped(xid, f"{xid.code} {xid.name}") for xid in XIDS))


def asked_for() -> tuple[Mapping, ...]:
    """Return each code as what it means and asks for."""
    return (_NONE, *(_mapped(xid, f"{xid.asks_for.value}: {xid.meaning}") for xid in XIDS))


def _mapped(xid: Xid, text: str) -> Mapping:
    return Mapping(xid.code, text, XID_CLASSES[xid.asks_for])


def new_codes(page: GpuPage, since: str, by: Sequence[str] = BY_GPU) -> Expr:
    """Return the codes of GPUs that reported another one, or none, some time ago.

    Of a GPU that nobody watched then, nothing is known.
    """
    code = page.now(NAME, by)
    as_before = Binary("==", code, ago(code, since))
    watched = ago(page.now("gpu_power"), since)
    return joined(Binary("unless", code > 0, as_before), "and", watched, on=BY_GPU)


def xid_event(page: GpuPage) -> Iterator[Annotation]:
    """Yield the moments at which a GPU reported another code."""
    if page.has(NAME):
        yield Annotation(
            key="new-xid",
            name="XID errors",
            expr=new_codes(page, _STEP, (*BY_GPU, _CODE)),
            title="XID {{err_code}} on {{instance}} GPU {{gpu}}",
            text="The timeline of XID errors says what it means.",
            color="red",
            step=_STEP,
        )


def xid_panels(page: GpuPage) -> Iterator[Panel]:
    """Yield which codes GPUs reported, since when, and what each asks for."""
    if not page.has(NAME):
        return
    yield StateTimeline(
        key="xid-timeline",
        title="Last XID by GPU",
        description="Which error the driver reported last for each GPU, over time: it happened "
        "where a colour begins, and is told from then on although all may be well again: a line "
        "over the whole width is an old story. GPUs without one have no line, and all together "
        "have one where none has. "
        "Yellow asks to fix the program, orange to reset the GPU or the node, red to replace "
        "the GPU, blue for nothing at once. The same code twice looks like one.",
        queries=(
            # Not an empty panel: that is what no data looks like.
            Query("none", Binary("==", greatest(page.now(NAME)), Number(0)), "all GPUs"),
            Query("code", page.now(NAME) > 0, LEGEND),
        ),
        mappings=named_codes(),
        unit=COUNT,
        width=8,
    )
    yield _table(page)


def _table(page: GpuPage) -> Panel:
    reported = page.now(NAME) > 0
    changes = page.codes_seen(NAME, BY_GPU, label=_CODE)
    new = count(new_codes(page, RECENTLY), BY_GPU)
    return Table(
        key="xids",
        title="XID errors",
        description="GPUs for which the driver reported an error since it was loaded. The log of "
        "the node (dmesg, NVRM: Xid) has the details. New codes are other ones than an hour ago; "
        "changes count those that took another's place in the time on screen: with neither it is "
        "an old story.",
        by=(LabelColumn("instance"), LabelColumn("gpu", "GPU")),
        queries=(
            Query("code", reported),
            Query("asks", reported),
            Query("new", or_zero(new, count(reported, BY_GPU))),
            Query("changes", Binary("and", changes, reported)),
        ),
        columns=(
            Column("new", "New, 1 h", mappings=(Mapping(0, "no", GOOD), Mapping(1, "yes", BAD))),
            Column("code", "Last XID", unit=COUNT, mappings=named_codes()),
            Column("asks", "What it asks for", unit=COUNT, mappings=asked_for()),
            Column("changes", "Changes on screen", decimals=0),
        ),
        sort_by="New, 1 h",
        no_value="no GPU has an XID",
        width=16,
    )
