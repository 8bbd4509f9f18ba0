"""What caching saves any engine: prompt tokens without prefill, and the time that they spare."""

from __future__ import annotations

from collections.abc import Sequence

from llmdash.dashboards.source_page import SourcePage
from llmdash.promql.expressions import joined, total
from llmdash.promql.nodes import Expr
from llmdash.promql.windows import RATE_INTERVAL
from llmdash.sources.answer import families_of


def tells_spared(page: SourcePage) -> bool:
    """Tell whether the share of prompts spared is known, and is not the prefix cache's ratio."""
    parts = ("cached_prompt_tokens", "prompt_tokens")
    if not all(page.has(name) for name in parts):
        return False
    answers = page.source.answers
    read = {family for name in parts for family in families_of(answers[name])}
    own = answers.get("prefix_cache_hit_ratio")
    return own is None or read != set(families_of(own))


def spared_share(page: SourcePage, by: Sequence[str] = ()) -> Expr:
    """Return the share of prompt tokens that need no prefill because some cache has them."""
    cached, prompts = (
        page.counter(name, _instances(page)) for name in ("cached_prompt_tokens", "prompt_tokens")
    )
    return total(cached, by) / total(_beside(prompts, cached), by)


def tells_savings(page: SourcePage) -> bool:
    """Tell whether the source answers what time saved is computed from."""
    return all(page.has(n) for n in ("cached_prompt_tokens", "prompt_tokens", "prefill_time"))


def prefill_time_saved(page: SourcePage, by: Sequence[str] = ()) -> Expr:
    """Return the cached tokens each second, at the measured prefill time of a computed token."""
    each = _instances(page)
    cached = page.counter("cached_prompt_tokens", each)
    reading = page.distribution("prefill_time").sum_rate(RATE_INTERVAL, each, page.matchers())
    if page.has("computed_length"):
        # Written when a request finishes, as the prefill time is: both are of the same requests.
        lengths = page.distribution("computed_length")
        computed = lengths.sum_rate(RATE_INTERVAL, each, page.matchers())
    else:
        computed = page.counter("prompt_tokens", each) - cached
    per_token = total(_beside(reading, computed), by) / total(computed, by)
    return total(cached, by) * per_token


def _instances(page: SourcePage) -> tuple[str, str]:
    return (page.model, "instance")


def _beside(of: Expr, told: Expr) -> Expr:
    """Return a series only of instances that tell the other too: older releases may not."""
    return joined(of, "and", told)
