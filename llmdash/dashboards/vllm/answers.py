"""What vLLM tells of the answers themselves: broken numbers, tool calls, watermarks."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.dashboards.conditions import with_conditions
from llmdash.dashboards.panels import Panel, Query, TimeSeries
from llmdash.dashboards.source_page import SourcePage
from llmdash.dashboards.style import BAD, GOOD, WARNING
from llmdash.metrics import vllm as metrics
from llmdash.metrics import vllm_features
from llmdash.promql.expressions import or_zero

CORRUPTED = vllm_features.CORRUPTED_REQUESTS_TOTAL
WATERMARKED = vllm_features.WATERMARK_REQUESTS_TOTAL
TOOL_CALLS = vllm_features.TOOL_CALL_PARSER_INVOCATIONS_TOTAL


def answer_panels(page: SourcePage) -> Iterator[Panel]:
    """Yield what the server found in its answers."""
    if page.speaks(CORRUPTED):
        yield TimeSeries(
            key="corrupted-share",
            title="Corrupted requests",
            zoomed=True,
            description=with_conditions(
                page.source,
                "Requests whose logits held something that is no number, as a share of those that "
                "ended. Above zero on one engine alone suspect its GPU; on all, the kernel or "
                "the quantisation.",
                CORRUPTED,
            ),
            queries=(
                Query(
                    "share",
                    page.rate(CORRUPTED, ("model_name", "instance"))
                    / page.rate(metrics.REQUEST_SUCCESS_TOTAL, ("model_name", "instance")),
                    "{{model_name}} {{instance}}",
                ),
            ),
        )
    if page.speaks(WATERMARKED):
        yield TimeSeries(
            key="watermarks",
            title="Requests by watermark",
            description=with_conditions(
                page.source,
                "Requests each second, by whether their answer carries the watermark. A growing "
                "share of skipped is answers too short or too certain to be marked.",
                WATERMARKED,
            ),
            queries=(Query("rate", page.rate(WATERMARKED, ("status",)), "{{status}}"),),
            colors={"watermarked": GOOD, "skipped": WARNING, "not_watermarked": BAD},
            stack=True,
        )
    if page.speaks(TOOL_CALLS):
        yield from _tool_calls(page)


def _tool_calls(page: SourcePage) -> Iterator[Panel]:
    by, mode = ("model_name",), "non_streaming"
    parsed = page.rate(TOOL_CALLS, by, mode=mode)
    # The series of tool calls is born with the first of them; until then none is zero.
    found = or_zero(page.rate(TOOL_CALLS, by, mode=mode, outcome="tool_call"), parsed)
    yield TimeSeries(
        key="tool-call-share",
        title="Answers with a tool call",
        maximum=1,
        description=with_conditions(
            page.source,
            "Share of whole (not streamed) answers in which the parser found a tool call. A fall "
            "to zero after a new model or template is a parser that no longer fits.",
            TOOL_CALLS,
        ),
        queries=(Query("share", found / parsed, "{{model_name}}"),),
    )
    yield TimeSeries(
        key="tool-call-parser",
        title="Tool call parser",
        description=with_conditions(
            page.source,
            "Runs of the parser each second, by kind of request. A streamed answer counts once "
            "for each piece that is sent, so the two modes do not compare.",
            TOOL_CALLS,
        ),
        queries=(
            Query(
                "rate",
                page.rate(TOOL_CALLS, ("request_type", "mode")),
                "{{request_type}} {{mode}}",
            ),
        ),
    )
