"""What power and GPUs cost, as the pack says it; nothing here is guessed."""

from __future__ import annotations

from dataclasses import dataclass

from llmdash.errors import PackError


@dataclass(frozen=True, kw_only=True)
class Prices:
    """Prices in one currency; what is left out is not shown."""

    #: Of a kilowatt-hour.
    per_kwh: float | None = None
    #: Of one GPU for an hour, power left out: rent, or what it loses in value.
    per_gpu_hour: float | None = None
    currency: str = "USD"

    def __post_init__(self) -> None:
        """Refuse prices below zero, and none at all.

        Raises:
            PackError: it names the price.
        """
        given = {"per_kwh": self.per_kwh, "per_gpu_hour": self.per_gpu_hour}
        if all(price is None for price in given.values()):
            raise PackError("prices: expected per_kwh, per_gpu_hour or both, got neither")
        for name, price in given.items():
            if price is not None and price < 0:
                raise PackError(f"prices: expected {name} of zero or more, got {price:g}")
