"""What GPUs draw and what they make of it: power, tokens for each GPU, energy for each token.

A GPU belongs to a model only where the pack's placement says so; without it there are totals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llmdash.layer import Layer, by_variables, of_role
from llmdash.promql.expressions import joined, not_equal, or_zero, over_time, total
from llmdash.promql.nodes import Binary, Expr, Matcher, Number, Selector
from llmdash.sources.source import Role

#: What is written, and everything that is read or written.
WRITTEN = ("generation_tokens",)
ALL_TOKENS = ("generation_tokens", "prompt_tokens")

#: What legends call GPUs without a model; one that several models share belongs to none of them.
NO_MODEL = "no model, or several"


def placed(of: Selector) -> Selector:
    """Return the series of GPUs that work for one model."""
    return of.where(not_equal("model", ""))


def nobodys(of: Selector) -> Selector:
    """Return the series of GPUs that work for no model, or for several."""
    return of.where(Matcher("model", "=", ""))


@dataclass(frozen=True)
class Energy:
    """Asks the recordings of GPUs, beside the tokens of all engines that work on them."""

    layer: Layer
    #: Variables of the page that GPUs follow; they know a model at most, and no engine's source.
    variables: tuple[str, ...] = ()

    @property
    def is_known(self) -> bool:
        """Tell whether some source of the pack watches GPUs."""
        return self.layer.has("gpu_power", role=Role.GPU)

    @property
    def makes_tokens(self) -> bool:
        """Tell whether GPUs are watched and some engine counts all its tokens."""
        counted = all(self.layer.has(name, role=Role.ENGINE) for name in ALL_TOKENS)
        return self.is_known and counted

    @property
    def by(self) -> tuple[str, ...]:
        """The labels by which GPUs and tokens meet: the model, where it is known of a GPU."""
        placement = self.layer.placement
        watching = self.layer.answering("gpu_power", role=Role.GPU)
        mapped = any(placement.models.get(source.name) for source in watching)
        return ("model",) if placement.places_gpus or mapped else ()

    def _chosen(self, selector: Selector) -> Selector:
        # GPUs that know no model cannot follow a choice of one, so nothing beside them does.
        names = [name for name in self.variables if name in self.by]
        return by_variables(selector, names)

    def power(self) -> Selector:
        """Return the power of GPUs."""
        return self._chosen(of_role(self.layer.gauge("gpu_power", "sum"), Role.GPU))

    def gpus(self) -> Selector:
        """Return the number of GPUs: each one that tells its power."""
        return self._chosen(of_role(self.layer.gauge("gpu_power", "count"), Role.GPU))

    def rates(self, name: str) -> Selector:
        """Return the recorded rate of an engine's tokens."""
        return self._chosen(of_role(self.layer.counter(name), Role.ENGINE))

    def tokens(self, names: Sequence[str], by: Sequence[str] = ()) -> Expr:
        """Return the rate of tokens of these kinds."""
        first, *others = (total(self.rates(name), by) for name in names)
        found: Expr = first
        for other in others:
            found = found + other
        return found

    def tokens_per_gpu(self, by: Sequence[str] = ()) -> Expr:
        """Return tokens written each second for each GPU."""
        return self.tokens(WRITTEN, by) / total(self.gpus(), by)

    def per_token(self, names: Sequence[str], by: Sequence[str] = ()) -> Expr:
        """Return energy for each token, power and tokens over the same window."""
        power = over_time("avg", self.power(), self.layer.intervals.rate_window)
        return total(power, by) / self.tokens(names, by)

    # --- idle ------------------------------------------------------------------------------------

    def silent(self, of: Selector) -> Expr:
        """Return what GPUs of models without tokens have of something; zero when there are none.

        A model whose engine counts no tokens is not called silent.
        """
        idle = Binary("==", self.tokens(ALL_TOKENS, self.by), Number(0), as_state=True)
        of_models = total(placed(of), self.by)
        return or_zero(total(joined(of_models, "*", idle, on=self.by)), total(of))

    def unplaced(self, of: Selector) -> Expr:
        """Return what GPUs without a model have of something; zero when there are none."""
        return or_zero(total(nobodys(of)), total(of))
