"""Questions to a Prometheus, as the demonstration and the terminal's view ask them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import aiohttp

from llmstack import unreachable


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
        return bool(await self.samples(query))

    async def value(self, query: str) -> float | None:
        """Return the one value of an expression; None where there is none."""
        samples = await self.samples(query)
        return samples[0][1] if samples else None

    async def values(self, query: str, label: str) -> dict[str, float]:
        """Return the values of an expression by one label."""
        return {labels.get(label, ""): value for labels, value in await self.samples(query)}

    async def samples(self, query: str) -> list[tuple[dict[str, str], float]]:
        """Return the labels and the value of each sample of an expression.

        Raises:
            NotAnsweredError: Prometheus refuses it, does not answer, or answers something else.
        """
        # Posted, as a long one does not fit into an address everywhere.
        found = await self._ask("POST", "/api/v1/query", query=query)
        try:
            return [(dict(each["metric"]), float(each["value"][1])) for each in found["result"]]
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise NotAnsweredError(f"/api/v1/query: expected samples, got {found}") from error

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

    async def _get(self, path: str) -> dict[str, Any]:
        return await self._ask("GET", path)

    async def _ask(self, method: str, path: str, **given: str) -> dict[str, Any]:
        url = f"{self.url}{path}"
        try:
            async with self.session.request(method, url, data=given or None) as answer:
                status, body = answer.status, await answer.read()
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise NotAnsweredError(f"{path}: {unreachable.told(error)}") from error
        try:
            found = json.loads(body)
        except ValueError as error:
            raise NotAnsweredError(f"{path}: status {status}, and no JSON") from error
        if not isinstance(found, dict) or found.get("status") != "success":
            # Prometheus says why; whoever stands before it says something else.
            said = found.get("error") if isinstance(found, dict) else None
            raise NotAnsweredError(f"{path}: status {status}: {said or found}")
        data = found.get("data")
        if not isinstance(data, dict):
            raise NotAnsweredError(f"{path}: expected data, got {found}")
        return data
