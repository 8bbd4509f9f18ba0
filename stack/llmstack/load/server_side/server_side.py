"""What a server counted of one run, and what is left of the client's figures without it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isfinite
from typing import Any

from llmstack.load.server_side.engines import ALL_NAMES, engine_of, gauges_of, names_of
from llmstack.load.server_side.histograms import Buckets
from llmstack.load.server_side.readings import Queues, Reading
from llmstack.load.server_side.settling import Settled, settle
from llmstack.load.server_side.sources import Source, UnreadableError
from llmstack.scraping.engines import Engine
from llmstack.scraping.histograms import Within

Document = dict[str, Any]

QUANTILES = (50, 95, 99)
#: Requests that a server and a client may differ by before it is said that somebody else asked.
_MOST_STRANGERS = 0.01


@dataclass(frozen=True)
class Counted:
    """A server whose counts are read."""

    source: Source
    engine: Engine
    model: str

    def look(self) -> Reading:
        """Read all.

        Raises:
            UnreadableError: it cannot be read.
        """
        return self._looked()[0]

    def queues(self) -> Queues:
        """Read how much it has to do.

        Raises:
            UnreadableError: it cannot be read.
        """
        seen = self.source.look(gauges_of(self.engine))
        return Reading(self.engine, self.model, seen.samples).queues

    def settle(self, since: float, within: float, last: Reading | None = None) -> Settled:
        """Wait until it is idle, as of a time after `since` (seconds since 1970).

        Args:
            since: what was true before does not count.
            within: seconds after which it is left as it is.
            last: what was read when it was idle before; None for never, or where it worked since.

        Raises:
            UnreadableError: it cannot be read.
        """
        return settle(self._looked, since, within, last)

    def _looked(self) -> tuple[Reading, float]:
        seen = self.source.look(names_of(self.engine))
        return Reading(self.engine, self.model, seen.samples), seen.taken


def counted(sources: Sequence[Source], model: str) -> Counted | str:
    """Return the first source that shows an engine, or in words why none does."""
    why = []
    for source in sources:
        try:
            seen = source.look(ALL_NAMES)
        except UnreadableError as error:
            why.append(str(error))
            continue
        engine = engine_of(frozenset(sample.name for sample in seen.samples))
        if engine is not None:
            return Counted(source, engine, model)
        why.append(f"{source}: no series of an engine that is known")
    return "; ".join(why)


class Peaks:
    """The most that was seen of a server's queues while a run ran."""

    def __init__(self, server: Counted) -> None:
        """Begin with none."""
        self._server = server
        self._seen: list[Queues] = [Queues()]
        self.looks = 0

    def look(self) -> None:
        """Look once.

        Raises:
            UnreadableError: the server cannot be read.
        """
        found = self._server.queues()
        self.looks += 1
        most = self._seen[0]
        self._seen[0] = Queues(
            _most(most.running, found.running),
            _most(most.waiting, found.waiting),
            _most(most.kv_cache, found.kv_cache),
        )

    @property
    def most(self) -> Queues:
        """The most of each."""
        return self._seen[0]


def _most(one: float | None, other: float | None) -> float | None:
    told = [each for each in (one, other) if each is not None]
    return max(told, default=None)


def server_side(
    server: Counted, before: Reading, after: Reading, peaks: Peaks, run: Document
) -> Document:
    """Return what a server counted from one look to the other.

    Args:
        server: the server.
        before: when it was idle before the run.
        after: when it was idle after it.
        peaks: what was seen in between.
        run: the client's results.
    """
    histograms: dict[str, Buckets] = {}
    problems = []
    for metric in server.engine.latencies:
        then, now = before.histogram(metric), after.histogram(metric)
        if now is None:
            continue
        since = now.since(then) if then is not None else now
        if since is None:
            problems.append("it began to count anew during the run: its counts say nothing")
            histograms.clear()
            break
        if since.count:
            histograms[metric] = since
    strangers = _strangers(histograms, run)
    if strangers:
        problems.append(strangers)
    return {
        "engine": server.engine.name,
        "read_from": str(server.source),
        "latency": {metric: _figures(each) for metric, each in histograms.items()},
        "buckets": {metric: _as_lists(each) for metric, each in histograms.items()},
        "prefix_cache_hit_ratio": _hit_ratio(server.engine, before, after),
        "peaks": {
            "running": peaks.most.running,
            "waiting": peaks.most.waiting,
            "kv_cache": peaks.most.kv_cache,
            "looks": peaks.looks,
        },
        "client_less_server": _client_less_server(histograms.get("ttft"), run, bool(strangers)),
        "problems": problems,
    }


def _figures(seen: Buckets) -> Document:
    quantiles = {f"p{percent}": seen.quantile(percent / 100) for percent in QUANTILES}
    return {
        "count": seen.count,
        "mean": seen.mean,
        **{name: _as_json(each) for name, each in quantiles.items() if each is not None},
    }


def _as_json(found: Within) -> Document:
    up_to = found.up_to if isfinite(found.up_to) else None
    return {"value": round(found.value, 6), "above": found.above, "up_to": up_to}


def _as_lists(seen: Buckets) -> Document:
    edges = [edge if isfinite(edge) else None for edge in seen.edges]
    return {"edges": edges, "counts": list(seen.counts), "sum": seen.total}


def buckets_of(told: Document) -> Buckets:
    """Return a histogram as it was written."""
    edges = tuple(inf if edge is None else float(edge) for edge in told["edges"])
    return Buckets(edges, tuple(map(float, told["counts"])), float(told["sum"]))


def _hit_ratio(engine: Engine, before: Reading, after: Reading) -> float | None:
    def grown(which: str) -> float | None:
        families = getattr(engine, which)
        now = after.count(families)
        return None if now is None else now - (before.count(families) or 0.0)

    found, looked_up = grown("found"), grown("looked_up")
    if found is None or not looked_up or found < 0 or looked_up < 0:
        return None
    return round(found / looked_up, 6)


def _strangers(histograms: dict[str, Buckets], run: Document) -> str:
    """Say whether the server answered more than this client asked."""
    seen = histograms.get("e2e") or histograms.get("ttft")
    if seen is None:
        return ""
    sent = run["requests"]["sent"]
    if seen.count <= sent * (1 + _MOST_STRANGERS):
        return ""
    return (
        f"it counted {seen.count:,.0f} requests and {sent:,} were sent: somebody else asks it too"
    )


def _client_less_server(seen: Buckets | None, run: Document, has_strangers: bool) -> Document:
    """Return what of the first token's time passes outside the server.

    The client's time is from when it sent: what waited for its turn has not reached a server. Sums
    are exact, so the difference of means is; a quantile of the server is known to its bucket.
    """
    client = run["latency"].get("ttft_sent")
    if seen is None or client is None or has_strangers:
        return {}
    found: Document = {}
    # Means are of the same requests only where all were measured and answered.
    if round(seen.count) == client["count"]:
        found["mean"] = round(client["mean"] - (seen.mean or 0.0), 6)
    for percent in (50, 95):
        server = seen.quantile(percent / 100)
        if server is not None:
            name = f"p{percent}"
            least = client[name] - server.up_to
            found[name] = {
                "least": round(least, 6) if isfinite(least) else None,
                "most": round(client[name] - server.above, 6),
            }
    return found


def now() -> float:
    """Return the time, as looks have it: seconds since 1970."""
    return time.time()
