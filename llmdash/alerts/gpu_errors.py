"""GPUs that err: XIDs by what they ask for, memory, links, and GPUs that are gone."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.alerts.alert import Alert
from llmdash.alerts.gpus import GPU, HOUR, EveryGpu, gpus_of
from llmdash.alerts.questions import TIMES, Questions, above
from llmdash.dashboards.dcgm.page import BY_GPU, ago
from llmdash.dashboards.dcgm.xid import NAME as XID
from llmdash.metrics.prometheus import UP
from llmdash.metrics.xid import XIDS, XidClass
from llmdash.promql.expressions import added, call, count_values, joined, one_of, total
from llmdash.promql.nodes import Binary, Expr
from llmdash.promql.windows import Duration
from llmdash.slos.tiers import Severity
from llmdash.sources.answer import CounterAnswer

_LINKS = "gpu_nvlink_errors"
#: An NVLink that was trained anew; other errors are mended by sending once more.
_RETRAINED = "recovery"
#: Slices of one GPU may have codes of their own.
_BY_SLICE = (*BY_GPU, "GPU_I_ID")
#: What a code asks for: PromQL chooses series by a label, and not by one of many values.
_CLASS = "asks_for"

_BY_CLASS = (
    (
        XidClass.APPLICATION,
        "GpuProgramFault",
        Severity.TICKET,
        "A program on the GPU used it wrongly or was stopped by it; the GPU itself is well. It "
        "ends an hour after the code was new, or with the next one.",
    ),
    (
        XidClass.RESTART,
        "GpuNeedsReset",
        Severity.PAGE,
        "The GPU, or a link of it, is in a state that only a reset mends, of the GPU or of the "
        "node. It ends an hour after the code was new, or with the next one, mended or not.",
    ),
    (
        XidClass.REPLACE,
        "GpuNeedsReplacement",
        Severity.PAGE,
        "The GPU's memory has no spare rows left for what fails in it. It ends an hour after the "
        "code was new, or with the next one, mended or not.",
    ),
)


def gpu_error_alerts(asked: Questions) -> Iterator[Alert]:
    """Yield what errors of GPUs are told by, for each source that watches GPUs."""
    for gpus in gpus_of(asked):
        if gpus.has(XID) and gpus.has("gpu_power"):
            yield from _xids(gpus)
        yield from _memory(asked, gpus)
        if gpus.has(_LINKS):
            yield from _links(asked, gpus)
        if gpus.has("gpu_power"):
            yield _lost(gpus)


def _xids(gpus: EveryGpu) -> Iterator[Alert]:
    # The last code stays when all is well again. One that came back, after a reset or after another
    # code, is new.
    known = gpus.unchanged(XID, HOUR, _BY_SLICE)
    new = Binary("unless", gpus.now(XID, _BY_SLICE), known)
    # Of a GPU that nobody watched before, nothing is known.
    watched = ago(gpus.now("gpu_power"), str(HOUR))
    for asks_for, name, severity, text in _BY_CLASS:
        codes = "|".join(str(xid.code) for xid in XIDS if xid.asks_for is asks_for)
        of_class = _labelled(count_values(new, "xid", BY_GPU), asks_for.name.lower(), "xid", codes)
        the_class = _labelled(call("vector", 1), asks_for.name.lower())
        yield gpus.alert(
            name,
            severity,
            "xids",
            expr=joined(
                joined(of_class, "and", the_class, on=(_CLASS,)), "and", watched, on=BY_GPU
            ),
            summary=f"{GPU} reported XID {{{{ $labels.xid }}}}: {asks_for.value}",
            description=text,
        )


def _labelled(of: Expr, asks_for: str, source: str = "", pattern: str = "") -> Expr:
    return call("label_replace", of, _CLASS, asks_for, source, pattern)


def _memory(asked: Questions, gpus: EveryGpu) -> Iterator[Alert]:
    if gpus.has("gpu_uncorrected_errors"):
        yield gpus.alert(
            "GpuUncorrectedErrors",
            Severity.PAGE,
            "uncorrected-errors",
            expr=above(gpus.increased("gpu_uncorrected_errors", BY_GPU, HOUR), 0),
            summary=f"{GPU} had {TIMES} uncorrected memory errors in {HOUR}",
            description="ECC could not mend them: some process lost data or its life. Drain the "
            "GPU and reset it; replace it if they come back.",
        )
    if gpus.has("gpu_corrected_errors"):
        yield gpus.alert(
            "GpuCorrectedErrorsMany",
            Severity.TICKET,
            "corrected-errors",
            expr=above(
                gpus.increased("gpu_corrected_errors", BY_GPU, HOUR), asked.limits.corrected_errors
            ),
            summary=f"{GPU} had {TIMES} corrected memory errors in {HOUR}",
            description="ECC mended them, so nothing is lost yet. So many come before those "
            "that it cannot mend.",
        )
    if gpus.has("gpu_remap_pending"):
        yield gpus.alert(
            "GpuRowRemapPending",
            Severity.TICKET,
            "memory-health",
            expr=above(gpus.now("gpu_remap_pending"), 0),
            wait=Duration.parse("5m"),
            summary=f"{GPU} has memory rows that wait to be replaced",
            description="A row of its memory failed, and a spare one takes its place at the next "
            "reset. Until then programs may meet it again.",
        )
    if gpus.has("gpu_remap_failed"):
        yield gpus.alert(
            "GpuRowRemapFailed",
            Severity.PAGE,
            "memory-health",
            expr=above(gpus.now("gpu_remap_failed"), 0),
            wait=Duration.parse("1m"),
            summary=f"{GPU} has no spare memory rows left",
            description="A row of its memory failed and cannot be replaced: the GPU is to be "
            "replaced itself.",
        )


def _links(asked: Questions, gpus: EveryGpu) -> Iterator[Alert]:
    answer = gpus.source.answers[_LINKS]
    assert isinstance(answer, CounterAnswer)  # signals and answers have one form
    kinds = [dict(term.fixed)["link_error"] for term in answer.terms]
    grown = {kind: gpus.increased(_LINKS, BY_GPU, HOUR, place) for place, kind in enumerate(kinds)}
    mended = [of for kind, of in grown.items() if kind != _RETRAINED]
    if mended:
        yield gpus.alert(
            "GpuNvlinkErrorsMany",
            Severity.TICKET,
            "nvlink-errors",
            expr=above(added(mended, BY_GPU), asked.limits.nvlink_errors),
            summary=f"NVLinks of {GPU} had {TIMES} errors in {HOUR}",
            description="What failed was sent once more: it costs speed, and so many come before a "
            "link that breaks (XID 74).",
        )
    if _RETRAINED in grown:
        yield gpus.alert(
            "GpuNvlinkRetrained",
            Severity.TICKET,
            "nvlink-errors",
            expr=above(grown[_RETRAINED], 0),
            summary=f"an NVLink of {GPU} was trained anew {TIMES} times in {HOUR}",
            description="It broke and came back: whatever sent over it stood still meanwhile. The "
            "next time it may stay away (XID 74).",
        )


def _lost(gpus: EveryGpu) -> Alert:
    seen = gpus.now("gpu_power")
    exporters = UP.select(one_of("job", (gpus.source.job,)))
    answers = above(total(exporters, ("instance",)), 0)
    return gpus.alert(
        "GpuLost",
        Severity.PAGE,
        "gpus-lost",
        expr=joined(Binary("unless", ago(seen, str(HOUR)), seen), "and", answers, on=("instance",)),
        wait=Duration.parse("2m"),
        summary=f"{GPU} is gone, and its exporter still answers",
        description="It was seen an hour ago: it has fallen off the bus (XID 79), or was taken "
        "away. Whatever ran on it has ended.",
    )
