"""How long prompts and answers are: what explains latency before the server does."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.dashboards.distribution_panels import heatmap, quantile_panel
from llmdash.dashboards.panels import Panel
from llmdash.dashboards.source_page import SourcePage


def lengths(page: SourcePage) -> Iterator[Panel]:
    """Yield quantiles and means of what is read and written."""
    yield from quantile_panel(
        page,
        "prompt_length",
        "prompt-length",
        "Prompt length",
        "Tokens of the prompts of finished requests. A rise explains a slower first token before "
        "anything else does; p95 far above the middle, few prompts hold everybody up.",
    )
    yield from quantile_panel(
        page,
        "generation_length",
        "generation-length",
        "Generation length",
        "Tokens of the answers of finished requests. A rise explains slower requests and a fuller "
        "KV cache; a fall to a few tokens, answers that fail or are refused.",
    )
    yield from quantile_panel(
        page,
        "max_generation_tokens",
        "max-generation-tokens",
        "Longest answer of a request",
        "Where a request asks for several answers, the longest of them: it decides for how long "
        "the request holds its place in the batch.",
    )
    yield from quantile_panel(
        page,
        "computed_length",
        "computed-length",
        "Computed prompt length",
        "Prompt tokens that prefill really had to compute. Close to the prompt length, the prefix "
        "cache does not help; far below, it carries the load.",
    )


def length_heatmaps(page: SourcePage) -> Iterator[Panel]:
    """Yield how lengths lie: two kinds of client are two bands."""
    for name, title, text in (
        (
            "prompt_length",
            "Prompt length",
            "How many finished requests had prompts of which length. A new band is a new kind of "
            "client; one that moves up explains a slower first token.",
        ),
        (
            "generation_length",
            "Generation length",
            "How many finished requests had answers of which length. A band at a limit means that "
            "answers are cut; one at a few tokens, that requests fail early.",
        ),
        (
            "computed_length",
            "Computed prompt length",
            "How many prompts needed how many tokens computed. A lower band beside that of the "
            "prompt length is the work that the cache saves.",
        ),
    ):
        yield from heatmap(page, name, f"{name.replace('_', '-')}-heatmap", title, text)
