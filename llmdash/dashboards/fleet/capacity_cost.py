"""The money of the capacity page: what tokens cost, idle time paid for, at the pack's prices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from llmdash.dashboards.fleet.energy import ALL_TOKENS, NO_MODEL, WRITTEN, Energy, nobodys, placed
from llmdash.dashboards.panels import Panel, Query, Stat, TimeSeries
from llmdash.dashboards.policy import HOUR
from llmdash.dashboards.style import PLAIN
from llmdash.prices import Prices
from llmdash.promql.expressions import convert, over_time, total
from llmdash.promql.nodes import Expr, Number
from llmdash.promql.units import (
    COUNT,
    KILOWATT_HOURS,
    MONEY,
    MONEY_PER_HOUR,
    MONEY_PER_MILLION_TOKENS,
)


@dataclass(frozen=True)
class Cost:
    """Turns power and GPUs into money."""

    energy: Energy
    prices: Prices

    def per_hour(self, power: Expr, gpus: Expr) -> Expr:
        """Return what power and GPUs cost for an hour."""
        parts: list[Expr] = []
        if self.prices.per_kwh is not None:
            price = Number(self.prices.per_kwh, MONEY / KILOWATT_HOURS)
            parts.append(convert(power * price, MONEY_PER_HOUR))
        if self.prices.per_gpu_hour is not None:
            parts.append(gpus * Number(self.prices.per_gpu_hour, MONEY_PER_HOUR / COUNT))
        found, *more = parts
        for part in more:
            found = found + part
        return found

    def now(self) -> Expr:
        """Return what GPUs cost for an hour as they are now."""
        return self.per_hour(total(self.energy.power()), total(self.energy.gpus()))

    def now_by_model(self) -> Expr:
        """Return the same of the GPUs of each model."""
        energy = self.energy
        power, gpus = (total(placed(of), energy.by) for of in (energy.power(), energy.gpus()))
        return self.per_hour(power, gpus)

    def now_of_nobody(self) -> Expr:
        """Return the same of GPUs without a model."""
        power, gpus = (total(nobodys(of)) for of in (self.energy.power(), self.energy.gpus()))
        return self.per_hour(power, gpus)

    def of_idling(self) -> Expr:
        """Return what GPUs that make nothing cost for an hour, whichever model is chosen."""
        energy = Energy(self.energy.layer)
        power, gpus = (
            energy.silent(of) + energy.unplaced(of) for of in (energy.power(), energy.gpus())
        )
        return self.per_hour(power, gpus)

    def per_token(self, names: Sequence[str], by: Sequence[str] = ()) -> Expr:
        """Return the cost of the last hour over its tokens.

        Both are added up sample by sample, so a GPU that changed its model in the hour, or was
        there for half of it, counts for what it was.
        """
        energy = self.energy
        power, gpus = (
            total(over_time("sum", of, HOUR), by) for of in (energy.power(), energy.gpus())
        )
        tokens: Expr | None = None
        for name in names:
            more = total(over_time("sum", energy.rates(name), HOUR), by)
            tokens = more if tokens is None else tokens + more
        assert tokens is not None  # some kind of token is named
        return convert(self.per_hour(power, gpus) / tokens, MONEY_PER_MILLION_TOKENS)


def cost_panels(energy: Energy, prices: Prices | None) -> Iterator[Panel]:
    """Yield what the GPUs cost and what their tokens do; nothing without prices."""
    if prices is None:
        return
    cost = Cost(energy, prices)
    yield from _tiles(cost)
    if energy.makes_tokens:
        for key, title, names, text in (
            (
                "cost-per-million-generated",
                "Cost per million generated tokens",
                WRITTEN,
                "The last hour's cost over the tokens written in it: reading prompts and idling "
                "are paid by answers. A peak at night is GPUs that nobody uses; a gap, an hour "
                "without any token.",
            ),
            (
                "cost-per-million",
                "Cost per million tokens",
                ALL_TOKENS,
                "The last hour's cost over tokens read and written, idle time included. Below "
                "what others sell a token for, your own GPUs pay at this load.",
            ),
        ):
            # Models first: Grafana hands out colours in order, so they have those of other panels.
            lines = [Query("all", cost.per_token(names), "all, idle GPUs included", color=PLAIN)]
            if energy.by:
                lines.insert(0, Query("model", cost.per_token(names, energy.by), "{{model}}"))
            yield TimeSeries(
                key=key,
                title=f"{title}, {prices.currency}",
                description=text,
                queries=tuple(lines),
                decimals=2,
            )
    yield TimeSeries(
        key="cost-per-hour",
        title=f"Cost per hour, {prices.currency}",
        description="What the GPUs cost for an hour at each moment. A step is GPUs that came or "
        "went; the waves on it are power.",
        queries=tuple(_costs(cost)),
        stack=True,
        decimals=2,
    )


def _tiles(cost: Cost) -> Iterator[Panel]:
    energy, currency = cost.energy, cost.prices.currency
    yield Stat(
        key="cost-per-hour-now",
        title=f"Cost per hour, {currency}",
        description=f"What the GPUs cost for an hour as they are now, {_prices(cost.prices)}; "
        "hosts, cooling and people are not in it.",
        queries=(Query("cost", cost.now()),),
        decimals=2,
    )
    if not energy.makes_tokens:
        return
    for key, title, names, text in (
        (
            "generated-cost-now",
            "Per million generated",
            WRITTEN,
            "Cost of the last hour, idle time included, for a million tokens written in it. "
            "Infinite: the GPUs were paid for and nothing was written.",
        ),
        (
            "token-cost-now",
            "Per million tokens",
            ALL_TOKENS,
            "The same bill for a million tokens read and written. Prompts that a cache knows make "
            "it fall, since they count and cost little.",
        ),
    ):
        yield Stat(
            key=key,
            title=f"{title}, {currency}",
            description=text,
            queries=(Query("cost", cost.per_token(names)),),
            decimals=2,
        )
    if energy.by:
        yield Stat(
            key="idle-cost-now",
            title=f"Idling per hour, {currency}",
            description="What an hour of the GPUs costs whose model makes no token, and of those "
            "that work for no model, or for several at once. As far as these are really idle, "
            "stopping them saves it.",
            queries=(Query("cost", cost.of_idling()),),
            decimals=2,
        )


def _costs(cost: Cost) -> Iterator[Query]:
    if not cost.energy.by:
        yield Query("cost", cost.now())
        return
    yield Query("model", cost.now_by_model(), "{{model}}")
    yield Query("nobody", cost.now_of_nobody(), NO_MODEL, color=PLAIN)


def _prices(prices: Prices) -> str:
    """Say the prices that the numbers were made with."""
    said = []
    if prices.per_kwh is not None:
        said.append(f"{prices.per_kwh:g} a kilowatt-hour of the GPUs' own power")
    if prices.per_gpu_hour is not None:
        said.append(f"{prices.per_gpu_hour:g} a GPU-hour")
    return f"at {' and '.join(said)} ({prices.currency})"
