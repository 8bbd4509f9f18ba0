"""What a Prometheus of the proof scrapes: a target for every source, real or made from its catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import Enum

from llmdash.metrics.metric import Metric
from llmdash.sources.source import Source
from tests.live.catalogue_exporter import catalogue_exporter
from tests.live.exposition import Exposition, fetch_exposition
from tests.live.made_series import Style, plain_edge

#: How each exporter writes what its catalogue leaves open, where that is not as Python's client does.
STYLES: dict[str, Style] = {
    "triton": Style(edge=plain_edge),
    "triton_vllm": Style(edge=plain_edge),
    "triton_trtllm": Style(edge=plain_edge),
    "trtllm": Style(values={"finished_reason": ("stop", "length", "timeout", "cancelled")}),
    "sglang": Style(carried=frozenset({"is_streaming", "moe_ep_rank", "dp_rank"})),
    "dcgm": Style(
        carried=frozenset({"pci_bus_id", "hostname", "DCGM_FI_SYSTEM_DRIVER_VERSION"}),
        # Of two GPUs one has been given to a pod.
        sometimes=frozenset({"namespace", "pod", "container"}),
    ),
}
#: The same before their families were renamed.
OLDER_STYLES: dict[str, Style] = {
    **STYLES,
    "sglang": Style(),
    "dcgm": Style(carried=frozenset({"Hostname"})),
}


@dataclass(frozen=True)
class Fleet:
    """One target for each source."""

    #: The metrics page of each source's target.
    urls: Mapping[str, str]

    @property
    def targets(self) -> dict[str, list[str]]:
        """The addresses as Prometheus takes them, by source."""
        return {
            source: [url.partition("://")[2].partition("/")[0]] for source, url in self.urls.items()
        }

    def pages(self) -> tuple[Exposition, ...]:
        """Look at every page once."""
        return tuple(fetch_exposition(url) for url in self.urls.values())

    def joined(self, urls: Mapping[str, str]) -> Fleet:
        """Return the fleet with the targets of further sources."""
        return Fleet({**self.urls, **urls})


class Generation(Enum):
    """Which names a target shows of families that were renamed."""

    NEWEST = "the newest names"
    OLDEST = "the oldest names"
    #: As in the middle of an upgrade; what one name lacks, the other then hides.
    EVERY = "every name"

    def families(self, source: Source) -> tuple[Metric, ...]:
        """Return the families that a target of this generation shows."""
        if self is Generation.NEWEST:
            return tuple(metric for metric in source.metrics if metric.successor is None)
        if self is Generation.OLDEST:
            newer = {metric.successor for metric in source.metrics}
            return tuple(metric for metric in source.metrics if metric.name not in newer)
        return source.metrics


@contextmanager
def made_fleet(played: Iterable[tuple[Source, Generation]]) -> Iterator[Fleet]:
    """Play each source out of its catalogue until the block ends."""
    with ExitStack() as stack:
        urls = {}
        for source, generation in played:
            styles = OLDER_STYLES if generation is Generation.OLDEST else STYLES
            style = styles.get(source.exporter, Style())
            playing = catalogue_exporter(generation.families(source), source.metrics_path, style)
            urls[source.name] = stack.enter_context(playing).metrics_url
        yield Fleet(urls)
