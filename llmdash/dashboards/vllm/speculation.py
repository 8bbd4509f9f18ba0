"""Guessing ahead: what speculative decoding gains and wastes, and how diffusion models write."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.dashboards.conditions import with_conditions
from llmdash.dashboards.panels import Panel, Query, Stat, TimeSeries
from llmdash.dashboards.source_page import SourcePage
from llmdash.dashboards.style import BAD, GOOD, hue
from llmdash.metrics import vllm as metrics
from llmdash.metrics import vllm_features
from llmdash.promql.expressions import counted_as, joined
from llmdash.promql.nodes import Expr
from llmdash.promql.units import COUNT, base

DRAFTS = vllm_features.SPEC_DECODE_NUM_DRAFTS_TOTAL
DRAFTED = vllm_features.SPEC_DECODE_NUM_DRAFT_TOKENS_TOTAL
ACCEPTED = vllm_features.SPEC_DECODE_NUM_ACCEPTED_TOKENS_TOTAL
ACCEPTED_BY_POSITION = vllm_features.SPEC_DECODE_NUM_ACCEPTED_TOKENS_PER_POS_TOTAL

STEPS = vllm_features.DIFFUSION_NUM_DENOISING_STEPS_TOTAL
POSITIONS = vllm_features.DIFFUSION_NUM_CANVAS_POSITIONS_TOTAL
COMMITTED = vllm_features.DIFFUSION_NUM_COMMITTED_TOKENS_TOTAL


def speculation_panels(page: SourcePage) -> Iterator[Panel]:
    """Yield what a draft model (or n-gram lookup) is worth."""
    if page.has("draft_acceptance_ratio"):
        yield Stat(
            key="draft-acceptance-now",
            title="Drafts accepted",
            description=with_conditions(
                page.source,
                "Share of drafted tokens that the model accepts. Below about a half, drafting "
                "costs more than it saves on most hardware: draft fewer tokens, or another way.",
                *(DRAFTED, ACCEPTED),
            ),
            queries=(Query("ratio", page.ratio("draft_acceptance_ratio")),),
        )
    if page.speaks(DRAFTS):
        yield Stat(
            key="accepted-length-now",
            title="Accepted length",
            description=with_conditions(
                page.source,
                "Mean number of tokens that one draft yields, the model's own bonus token "
                "included: 1 means that every draft is thrown away.",
                *(DRAFTS, ACCEPTED),
            ),
            queries=(Query("length", _accepted_length(page)),),
            decimals=2,
        )
    if page.speaks(DRAFTED):
        yield from _token_panels(page)
    if page.speaks(DRAFTS):
        yield TimeSeries(
            key="accepted-length",
            title="Accepted length by model",
            description=with_conditions(
                page.source,
                "1 + accepted tokens / drafts: how many tokens one step of the large model gives. "
                "Falling while traffic stays the same means that prompts have moved away from "
                "what the drafts are good at.",
                *(DRAFTS, ACCEPTED),
            ),
            queries=(Query("length", _accepted_length(page, "model_name"), "{{model_name}}"),),
        )
    if page.speaks(ACCEPTED_BY_POSITION):
        yield TimeSeries(
            key="acceptance-by-position",
            title="Acceptance by position",
            maximum=1,
            description=with_conditions(
                page.source,
                "Share of drafts of which the token at this position is accepted; 0 is the first. "
                "Each line lies below the one before; where the lines come near zero, further "
                "positions are work for nothing: lower num_speculative_tokens.",
                ACCEPTED_BY_POSITION,
            ),
            queries=(Query("share", _by_position(page), "{{model_name}} position {{position}}"),),
        )


def _token_panels(page: SourcePage) -> Iterator[Panel]:
    drafted, accepted = page.rate(DRAFTED), page.rate(ACCEPTED)
    yield Stat(
        key="drafts-wasted",
        title="Drafts wasted in range",
        description=with_conditions(
            page.source,
            "Drafted tokens within the time range on screen that were computed and rejected.",
            *(DRAFTED, ACCEPTED),
        ),
        queries=(Query("wasted", page.increase(DRAFTED) - page.increase(ACCEPTED)),),
        decimals=0,
    )
    yield TimeSeries(
        key="draft-acceptance",
        title="Draft acceptance by model",
        description=with_conditions(
            page.source,
            "Accepted over drafted tokens. It depends on what users ask: a slow fall is other "
            "traffic, a step after a deployment is a draft model that no longer fits. Very close "
            "to 1 for long can be a model that repeats itself.",
            *(DRAFTED, ACCEPTED),
        ),
        queries=(
            Query("ratio", page.ratio("draft_acceptance_ratio", ("model_name",)), "{{model_name}}"),
        ),
    )
    yield TimeSeries(
        key="drafted-tokens",
        title="Drafted tokens, accepted and rejected",
        description=with_conditions(
            page.source,
            "Tokens drafted each second, split into those kept and those thrown away. Rejected "
            "ones take compute from other requests, which hurts when the batch is full.",
            *(DRAFTED, ACCEPTED),
        ),
        queries=(
            Query("accepted", accepted, "accepted", color=GOOD),
            Query("rejected", drafted - accepted, "rejected", color=BAD),
        ),
        stack=True,
    )
    yield TimeSeries(
        key="drafted-share",
        title="Output that was drafted",
        description=with_conditions(
            page.source,
            "Accepted draft tokens as a share of all generated tokens: how much of the output "
            "came without a step of the large model of its own.",
            *(DRAFTED, ACCEPTED),
        ),
        queries=(
            Query(
                "share",
                accepted / page.rate(metrics.GENERATION_TOKENS_TOTAL),
                "drafted",
                color=hue("draft_acceptance_ratio"),
            ),
        ),
    )


def _accepted_length(page: SourcePage, *by: str) -> Expr:
    # The model adds one token of its own to whatever it accepts.
    return page.rate(ACCEPTED, by) / page.rate(DRAFTS, by) + 1


def _by_position(page: SourcePage) -> Expr:
    # A token accepted at a position is one draft that came so far.
    accepted = page.rate(ACCEPTED_BY_POSITION, ("model_name", "position"))
    reached = counted_as(accepted, base("drafts").per_second)
    drafts = page.rate(DRAFTS, ("model_name",))
    return joined(reached, "/", drafts, on=("model_name",), group_left=())


def diffusion_panels(page: SourcePage) -> Iterator[Panel]:
    """Yield what diffusion language models show in place of drafts."""
    if not page.speaks(STEPS):
        return
    steps, committed = page.rate(STEPS, ("model_name",)), page.rate(COMMITTED, ("model_name",))
    yield TimeSeries(
        key="diffusion-yield",
        title="Tokens committed by a denoising step",
        description=with_conditions(
            page.source,
            "Mean number of tokens that become final in one denoising step. Falling means more "
            "steps, and so more time, for the same answer.",
            *(STEPS, COMMITTED),
        ),
        queries=(Query("yield", committed / steps, "{{model_name}}"),),
    )
    yield TimeSeries(
        key="diffusion-canvas",
        title="Canvas positions and committed tokens",
        description=with_conditions(
            page.source,
            "Positions that were worked on and tokens that became final, each second. The wider "
            "the gap, the more often one position is computed again.",
            *(POSITIONS, COMMITTED),
        ),
        queries=(
            Query("positions", page.rate(POSITIONS), "positions"),
            Query("committed", page.rate(COMMITTED), "committed"),
        ),
        unit=COUNT.per_second,
    )
