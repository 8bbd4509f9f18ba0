"""Panels of distributions, whoever asks: quantiles, heatmaps, and models side by side.

Where bucket edges differ between models (they end at a model's own length), nothing is added up
over models: each has lines, or a heatmap, of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.dashboards.panels import Heatmap, Panel, Query, TimeSeries
from llmdash.dashboards.source_page import SourcePage, percent
from llmdash.promql.windows import RATE_INTERVAL
from llmdash.sources.answer import DistributionAnswer

#: The quantiles of a panel that has lines for each model: more would hide the models.
MODEL_QUANTILES = (0.5, 0.95)


def differs_by_model(answer: DistributionAnswer) -> bool:
    """Tell whether the bucket edges of one model are not those of another."""
    return answer.edges is not None and bool(answer.edges.varies_by)


def quantile_lines(page: SourcePage, answer: DistributionAnswer, hue_of: str) -> tuple[Query, ...]:
    """Return the usual quantiles and the mean of all models, or fewer of each where they must."""
    by_model = differs_by_model(answer)
    return _lines_by_model(page, answer) if by_model else page.lines(answer, hue_of)


def _lines_by_model(page: SourcePage, answer: DistributionAnswer) -> tuple[Query, ...]:
    """Return two quantiles and the mean of each model, in colours that tell models apart."""
    by, chosen, name = (page.model,), page.matchers(), f"{{{{{page.model}}}}}"
    mean = Query("mean", answer.mean(RATE_INTERVAL, by, chosen), f"{name} mean")
    lines = (
        Query(
            percent(share).replace(".", "-"),
            answer.quantile(share, RATE_INTERVAL, by, chosen),
            f"{name} {percent(share)}",
        )
        for share in MODEL_QUANTILES
    )
    return (*lines, mean)


def quantile_panel(
    page: SourcePage, name: str, key: str, title: str, description: str, *, width: int = 12
) -> Iterator[Panel]:
    """Yield the quantiles of a signal over time, and what the source says of its answer."""
    if page.has(name):
        answer = page.distribution(name)
        yield TimeSeries(
            key=key,
            title=title,
            description=" ".join(filter(None, (description, answer.note, top_edge(answer)))),
            queries=quantile_lines(page, answer, name),
            width=width,
        )


def top_edge(answer: DistributionAnswer) -> str:
    """Say where the buckets end, if they end alike for all: nothing is known beyond."""
    edges = answer.canonical_edges
    if edges is None or edges.varies_by:
        return ""
    shown = f"{edges.values[-1]:,.10g}"
    return f"Buckets end at {shown} {edges.unit}: a line there may be worse than it looks."


def heatmap(page: SourcePage, name: str, key: str, title: str, description: str) -> Iterator[Panel]:
    """Yield how many observations of a signal fell where; one for each model if edges differ."""
    if not page.has_buckets(name):
        return
    answer = page.distribution(name)
    own = differs_by_model(answer)
    buckets = answer.bucket_rates(RATE_INTERVAL, (), page.matchers(one_model=own))
    yield Heatmap(
        key=key,
        title=f"{title} of $model" if own else title,
        description=description,
        queries=(Query("buckets", buckets),),
        repeat="model" if own else None,
        width=8,
    )
