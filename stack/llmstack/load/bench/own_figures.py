"""Rows of what servers counted themselves, over all rounds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from llmstack.load.bench.columns import Column
from llmstack.load.results import Document
from llmstack.load.server_side.histograms import together
from llmstack.load.server_side.server_side import buckets_of
from llmstack.load.summary import LATENCIES, milliseconds
from llmstack.scraping.histograms import Within

_QUANTILES = (50, 95)


def own_rows(columns: Sequence[Column]) -> list[tuple[str, Sequence[str]]]:
    """Return the rows of which some server has something."""
    told = [_told(column) for column in columns]
    rows = [(name, [of(each) for each in told]) for name, of in _ROWS]
    return [(name, cells) for name, cells in rows if any(cell != "-" for cell in cells)]


def _told(column: Column) -> list[Document]:
    return [run["server_side"] for run in column.runs.values() if "server_side" in run]


def _count(found: Sequence[Document]) -> str:
    counts = [each["latency"].get("e2e", each["latency"].get("ttft")) for each in found]
    told = [each["count"] for each in counts if each]
    return f"{sum(told):,.0f}" if told else "-"


def _quantile(metric: str, percent: int) -> Callable[[Sequence[Document]], str]:
    def told(found: Sequence[Document]) -> str:
        seen = [buckets_of(each["buckets"][metric]) for each in found if metric in each["buckets"]]
        whole = together(seen)
        quantile = None if whole is None else whole.quantile(percent / 100)
        return "-" if quantile is None else _within(quantile)

    return told


def _within(found: Within) -> str:
    above = milliseconds(found.above)
    if found.up_to == float("inf"):
        return f"above {above}"
    return f"{milliseconds(found.value)} ({above} to {milliseconds(found.up_to)})"


def _peak(name: str, shown: Callable[[float], str]) -> Callable[[Sequence[Document]], str]:
    def told(found: Sequence[Document]) -> str:
        seen = [each["peaks"][name] for each in found if each["peaks"][name] is not None]
        return shown(max(seen)) if seen else "-"

    return told


def _hit_ratio(found: Sequence[Document]) -> str:
    seen = [value for each in found if (value := each["prefix_cache_hit_ratio"]) is not None]
    return " / ".join(dict.fromkeys(f"{value:.1%}" for value in seen)) or "-"


def _left(percent: int) -> Callable[[Sequence[Document]], str]:
    """Say between which bounds the client's percentile less the server's lies, in all rounds."""

    def told(found: Sequence[Document]) -> str:
        seen: list[dict[str, Any]] = [
            each["client_less_server"][f"p{percent}"]
            for each in found
            if f"p{percent}" in each["client_less_server"]
        ]
        if not seen:
            return "-"
        most = max(each["most"] for each in seen)
        if any(each["least"] is None for each in seen):
            return f"up to {_signed(most)}"
        return f"{_signed(min(each['least'] for each in seen))} to {_signed(most)}"

    return told


def _signed(seconds: float) -> str:
    return f"{'-' if seconds < 0 else ''}{milliseconds(abs(seconds))}"


def _engine(found: Sequence[Document]) -> str:
    return " / ".join(dict.fromkeys(each["engine"] for each in found)) or "-"


def _rows() -> Iterator[tuple[str, Callable[[Sequence[Document]], str]]]:
    yield "engine", _engine
    yield "requests", _count
    for metric in ("ttft", "itl", "tpot", "e2e"):
        for percent in _QUANTILES:
            yield f"{LATENCIES[metric]} p{percent}", _quantile(metric, percent)
    for percent in _QUANTILES:
        yield f"client less server TTFT p{percent}", _left(percent)
    yield "most running", _peak("running", lambda value: f"{value:,.0f}")
    yield "most waiting", _peak("waiting", lambda value: f"{value:,.0f}")
    yield "fullest KV cache", _peak("kv_cache", lambda value: f"{value:.1%}")
    yield "found in the prefix cache", _hit_ratio


_ROWS = tuple(_rows())
