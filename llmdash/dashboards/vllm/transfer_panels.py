"""KV blocks that move between instances: one table of connectors, and the panels of each.

A connector that a server does not use shows nothing; its row is collapsed and asks nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from llmdash.dashboards.conditions import with_conditions
from llmdash.dashboards.panels import Panel, Query, Stat, Threshold, TimeSeries
from llmdash.dashboards.source_page import SourcePage
from llmdash.dashboards.style import BAD
from llmdash.metrics import vllm_transfer
from llmdash.metrics.metric import Counter, Histogram
from llmdash.promql.units import COUNT
from llmdash.promql.windows import RATE_INTERVAL

#: Any failure is one too many: the request behind it was computed again or lost.
FAILURES = (Threshold(1, BAD),)


@dataclass(frozen=True)
class Connector:
    """What one connector tells of its transfers."""

    key: str
    title: str
    #: Which side of a transfer writes the histograms.
    side: str
    time: Histogram
    size: Histogram
    descriptors: Histogram
    #: Counters of what went wrong: what a line is called, and what it means.
    failures: tuple[tuple[Counter, str, str], ...]
    post_time: Histogram | None = None


NIXL = Connector(
    key="nixl",
    title="KV transfer by NIXL",
    side="Written on the side that fetches (decode).",
    time=vllm_transfer.NIXL_XFER_TIME_SECONDS,
    size=vllm_transfer.NIXL_BYTES_TRANSFERRED,
    descriptors=vllm_transfer.NIXL_NUM_DESCRIPTORS,
    post_time=vllm_transfer.NIXL_POST_TIME_SECONDS,
    failures=(
        (
            vllm_transfer.NIXL_NUM_FAILED_TRANSFERS_TOTAL,
            "failed transfers",
            "Transfers that failed; the request is computed again or fails. From 0.33 failed "
            "handshakes and notifications are in it.",
        ),
        (
            vllm_transfer.NIXL_NUM_FAILED_NOTIFICATIONS_TOTAL,
            "failed notifications",
            "Messages after a transfer that did not arrive: the other side keeps blocks until "
            "they expire. Part of the failed transfers from 0.33: do not add the two.",
        ),
        (
            vllm_transfer.NIXL_NUM_KV_EXPIRED_REQS_TOTAL,
            "expired requests",
            "Requests whose blocks nobody fetched in time, counted on the prefill side: decode "
            "is too slow to take them, or gone.",
        ),
        (
            vllm_transfer.NIXL_NUM_NOTIFICATIONS_AFTER_EXPIRY_TOTAL,
            "late notifications",
            "Messages for blocks that had expired: what was fetched may have been overwritten. "
            "Lengthen the time that blocks are kept.",
        ),
    ),
)

MOONCAKE = Connector(
    key="mooncake",
    title="KV transfer by Mooncake",
    side="Written on the side that sends (prefill).",
    time=vllm_transfer.MOONCAKE_XFER_TIME_SECONDS,
    size=vllm_transfer.MOONCAKE_BYTES_TRANSFERRED,
    descriptors=vllm_transfer.MOONCAKE_NUM_DESCRIPTORS,
    failures=(
        (
            vllm_transfer.MOONCAKE_NUM_FAILED_TRANSFERS_TOTAL,
            "failed transfers",
            "Transfers that could not be sent. Look at the network between the two sides first.",
        ),
        (
            vllm_transfer.MOONCAKE_NUM_FAILED_RECVS_TOTAL,
            "failed receives",
            "Transfers that did not arrive, as the decode side counts them; the prompt is then "
            "computed there.",
        ),
        (
            vllm_transfer.MOONCAKE_NUM_KV_EXPIRED_REQS_TOTAL,
            "expired requests",
            "Requests whose blocks waited too long to be sent: the decode side is overloaded or "
            "gone.",
        ),
    ),
)

CONNECTORS = (NIXL, MOONCAKE)


def transfer_panels(page: SourcePage, connector: Connector) -> Iterator[Panel]:
    """Yield what went wrong first, then how much moves, how fast, and in which pieces."""
    failures = [each for each in connector.failures if page.speaks(each[0])]
    for counter, legend, meaning in failures:
        yield _failed_in_range(page, connector, counter, legend, meaning)
    if page.speaks(connector.time):
        yield from _traffic(page, connector)
    if failures:
        yield _failures(page, connector, failures)
    if page.speaks(connector.descriptors):
        yield from _pieces(page, connector)


def _failed_in_range(
    page: SourcePage, connector: Connector, counter: Counter, legend: str, meaning: str
) -> Panel:
    return Stat(
        key=f"{connector.key}-{legend.replace(' ', '-')}",
        title=f"{legend.capitalize()} in range",
        width=6,
        description=with_conditions(page.source, meaning, counter),
        queries=(Query("failed", page.increase(counter)),),
        thresholds=FAILURES,
        decimals=0,
    )


def _traffic(page: SourcePage, connector: Connector) -> Iterator[Panel]:
    def told(text: str, *metrics: Histogram) -> str:
        return with_conditions(page.source, f"{text} {connector.side}", *metrics)

    server = ("model_name", "instance")
    moved, busy = (
        page.observed(metric).sum_rate(RATE_INTERVAL, server, page.matchers())
        for metric in (connector.size, connector.time)
    )
    yield TimeSeries(
        key=f"{connector.key}-throughput",
        title="Throughput",
        width=8,
        description=told(
            "KV bytes moved each second, by server. Flat at the same height while requests wait "
            "for their blocks is a link that is full.",
            connector.size,
        ),
        queries=(Query("moved", moved, "{{model_name}} {{instance}}"),),
    )
    yield TimeSeries(
        key=f"{connector.key}-speed",
        title="Speed of a transfer",
        width=8,
        description=told(
            "Bytes moved per second of transfer: what one transfer gets of the link. Compare "
            "with the link's own speed; far below it, transfers are too small, or share it.",
            *(connector.size, connector.time),
        ),
        queries=(Query("speed", moved / busy, "{{model_name}} {{instance}}"),),
    )
    yield TimeSeries(
        key=f"{connector.key}-time",
        title="Transfer time",
        width=8,
        description=told(
            "How long one transfer takes. It is part of the time to first token of every request "
            "that is prefilled elsewhere.",
            connector.time,
        ),
        queries=page.quantiles_of(connector.time, "kv_transfer"),
    )


def _failures(
    page: SourcePage, connector: Connector, failures: Sequence[tuple[Counter, str, str]]
) -> Panel:
    return TimeSeries(
        key=f"{connector.key}-failures",
        title="Failures",
        width=8,
        description=with_conditions(
            page.source,
            "What goes wrong each second, by kind. A burst at one moment is a peer that went "
            "away; a steady line is a network or a limit that does not fit the load.",
            *(counter for counter, _, _ in failures),
        ),
        queries=tuple(
            Query(legend.replace(" ", "-"), page.rate(counter), legend)
            for counter, legend, _ in failures
        ),
        unit=COUNT.per_second,
    )


def _pieces(page: SourcePage, connector: Connector) -> Iterator[Panel]:
    def told(text: str, metric: Histogram) -> str:
        return with_conditions(page.source, f"{text} {connector.side}", metric)

    yield TimeSeries(
        key=f"{connector.key}-size",
        title="Bytes per transfer",
        width=8,
        description=told(
            "How much one transfer moves. It follows the length of prompts that no cache held "
            "at the other end.",
            connector.size,
        ),
        queries=page.quantiles_of(connector.size, "kv_transfer"),
    )
    yield TimeSeries(
        key=f"{connector.key}-descriptors",
        title="Descriptors per transfer",
        width=8,
        description=told(
            "In how many pieces one transfer is described. Many small pieces cost time that no "
            "faster link gives back: a layout with larger contiguous blocks does.",
            connector.descriptors,
        ),
        queries=page.quantiles_of(connector.descriptors, "kv_transfer"),
    )
    if connector.post_time is not None:
        yield TimeSeries(
            key=f"{connector.key}-post-time",
            title="Time to post a transfer",
            width=8,
            description=told(
                "How long it takes to hand a transfer to the network, in the engine's own loop: "
                "a rise holds up every request of the batch. More descriptors cost more.",
                connector.post_time,
            ),
            queries=page.quantiles_of(connector.post_time, "kv_transfer"),
        )
