"""Questions to the Prometheus of the demonstration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import aiohttp


class NotAnsweredError(Exception):
    """Prometheus has not answered, or has refused the question."""


@dataclass(frozen=True)
class Alert:
    """One alert that is pending or fires."""

    name: str
    severity: str
    is_firing: bool
    #: When it became pending, as Prometheus writes times.
    since: str
    summary: str


@dataclass(frozen=True)
class Prometheus:
    """One server."""

    url: str
    session: aiohttp.ClientSession

    async def has_data(self, query: str) -> bool:
        """Tell whether an expression has a sample now."""
        return bool(await self._samples(query))

    async def value(self, query: str) -> float | None:
        """Return the one value of an expression; None where there is none."""
        samples = await self._samples(query)
        return float(samples[0]["value"][1]) if samples else None

    async def values(self, query: str, label: str) -> dict[str, float]:
        """Return the values of an expression by one label."""
        return {
            sample["metric"].get(label, ""): float(sample["value"][1])
            for sample in await self._samples(query)
        }

    async def targets(self) -> tuple[int, int]:
        """Return how many targets are up, and how many there are."""
        found = (await self._get("/api/v1/targets?state=active"))["activeTargets"]
        return sum(target["health"] == "up" for target in found), len(found)

    async def alerts(self) -> tuple[Alert, ...]:
        """Return what is pending or fires, what fires first."""
        found = [
            Alert(
                each["labels"]["alertname"],
                each["labels"].get("severity", ""),
                each["state"] == "firing",
                each.get("activeAt", ""),
                each.get("annotations", {}).get("summary", ""),
            )
            for each in (await self._get("/api/v1/alerts"))["alerts"]
        ]
        return tuple(sorted(found, key=lambda one: (not one.is_firing, one.name, one.summary)))

    async def _samples(self, query: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self._get("/api/v1/query", query=query))["result"]
        return found

    async def _get(self, path: str, **given: str) -> dict[str, Any]:
        try:
            async with self.session.get(f"{self.url}{path}", params=given or None) as answer:
                found = await answer.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise NotAnsweredError(f"{path}: {error}") from error
        if not isinstance(found, dict) or found.get("status") != "success":
            raise NotAnsweredError(f"{path}: {found}")
        data: dict[str, Any] = found["data"]
        return data
