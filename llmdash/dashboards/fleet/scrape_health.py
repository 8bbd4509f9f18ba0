"""What Prometheus knows of its scrapes: whether targets answer, how fast, and with how much."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from llmdash.dashboards.counted import number_of
from llmdash.dashboards.panels import Column, LabelColumn, Panel, Query, Stat, Table, TimeSeries
from llmdash.dashboards.policy import ANY, HOUR, SCRAPE_SHARE
from llmdash.dashboards.style import BAD
from llmdash.layer import Layer
from llmdash.metrics import prometheus as metrics
from llmdash.metrics.metric import Gauge
from llmdash.promql.expressions import (
    aggregate,
    count,
    first_of,
    greatest,
    joined,
    one_of,
    over_time,
    total,
)
from llmdash.promql.nodes import Binary, Expr, Number, Selector
from llmdash.promql.units import COUNT, SECONDS
from llmdash.sources.source import Role

#: How a target is called: the same address may exist in several clusters.
TARGET = ("cluster", "job", "instance")
ADDRESS = ("cluster", "instance")

#: The table is for the worst; a fleet has thousands of targets.
LONGEST_TABLE = 25


@dataclass(frozen=True)
class Scrapes:
    """Asks Prometheus about the targets of a pack's sources."""

    layer: Layer

    def of(self, metric: Gauge, *, gpus: bool | None = None) -> Selector:
        """Return a family of the sources' targets: of all, of GPUs alone, or of all but GPUs."""
        jobs = {
            source.job
            for source in self.layer.sources
            if gpus is None or gpus is (source.role is Role.GPU)
        }
        return metric.select(one_of("job", sorted(jobs)))

    def down(self) -> Expr:
        """Return the targets that do not answer."""
        return Binary("==", self.of(metrics.UP), Number(0))

    def share_of_interval(self) -> Expr:
        """Return how much of the time between two scrapes a scrape takes, by target."""
        intervals = self.layer.intervals
        found = []
        for gpus, interval in ((False, intervals.scrape), (True, intervals.gpu_scrape)):
            if any((source.role is Role.GPU) is gpus for source in self.layer.sources):
                took = self.of(metrics.SCRAPE_DURATION_SECONDS, gpus=gpus)
                found.append(greatest(took / Number(interval.seconds, SECONDS), TARGET))
        return first_of(*found)

    def twice(self) -> Expr:
        """Return the addresses that are scraped more than once, under whatever job."""
        everywhere = count(metrics.UP.select(), ADDRESS) > 1
        return joined(everywhere, "and", count(self.of(metrics.UP), ADDRESS), on=ADDRESS)

    def churn(self) -> Expr:
        """Return the series that were new within the hour, by job."""
        return total(over_time("sum", self.of(metrics.SCRAPE_SERIES_ADDED), HOUR), ("job",))


def scrape_tiles(scrapes: Scrapes) -> Iterator[Panel]:
    """Yield how many targets cannot be trusted."""
    known = scrapes.of(metrics.UP)
    yield Stat(
        key="targets-down",
        title="Targets down",
        description="Targets of all sources that do not answer the scrape: what they do is missing "
        "in every sum. Look for the reason under Status → Targets in Prometheus.",
        queries=(Query("down", number_of(scrapes.down(), known)),),
        thresholds=ANY,
    )
    slow = Binary(">", scrapes.share_of_interval(), Number(SCRAPE_SHARE[0].value))
    yield Stat(
        key="slow-scrapes",
        title="Slow scrapes",
        description="Targets whose last scrape took more than half of the interval that the pack "
        "says. Past two thirds it is given up and the target counts as down: give busy servers CPU "
        "for /metrics, or scrape less often.",
        queries=(Query("slow", number_of(slow, known)),),
        thresholds=ANY,
    )
    yield Stat(
        key="scraped-twice",
        title="Scraped twice",
        description="Addresses that more than one job scrapes. What a recording finds by its name "
        "alone, under any job, counts such a server twice: drop one job, or name the source's "
        "with job=. The table below says which jobs they are.",
        queries=(Query("twice", number_of(scrapes.twice(), known)),),
        thresholds=ANY,
    )


def scrape_panels(scrapes: Scrapes) -> Iterator[Panel]:
    """Yield the slowest targets, and the load of scraping by job."""
    yield _slowest(scrapes)
    yield TimeSeries(
        key="scrape-share",
        title="Scrape duration over interval, slowest target",
        description="How much of the time between two scrapes the slowest target of each job takes "
        "to answer. A line that follows the load is a server whose API process has no time left; "
        "at two thirds Prometheus gives up, and graphs have gaps just when it matters.",
        queries=(Query("share", greatest(scrapes.share_of_interval(), ("job",)), "{{job}}"),),
        thresholds=SCRAPE_SHARE,
    )
    known, up = count(scrapes.of(metrics.UP), ("job",)), total(scrapes.of(metrics.UP), ("job",))
    yield TimeSeries(
        key="targets",
        title="Targets that do not answer",
        description="Known targets less those that answer, by job. A step up is a server that went "
        "down; that targets vanish from service discovery shows in the table's lines only.",
        queries=(Query("down", known - up, "{{job}}"),),
        unit=COUNT,
    )
    samples = scrapes.of(metrics.SCRAPE_SAMPLES_SCRAPED)
    yield TimeSeries(
        key="samples",
        title="Samples per scrape, largest target",
        description="Samples that the largest target of each job exposes. Growing without end, "
        "some label takes ever new values, and Prometheus will run out of memory: find it with "
        "topk by metric name, and drop it.",
        queries=(Query("samples", greatest(samples, ("job",)), "{{job}}"),),
    )
    yield TimeSeries(
        key="churn",
        title="New series within an hour",
        description="Series that appeared in the last hour, by job. Restarts and new models make a "
        "hill that passes; a plateau is churn: a label such as a request id, or pods that come and "
        "go.",
        queries=(Query("added", scrapes.churn(), "{{job}}"),),
    )
    yield _jobs_of_those_scraped_twice(scrapes)


def _slowest(scrapes: Scrapes) -> Panel:
    worst = aggregate("topk", scrapes.share_of_interval(), (), LONGEST_TABLE)

    def of_the_worst(values: Expr) -> Expr:
        return joined(greatest(values, TARGET), "and", worst, on=TARGET)

    added = over_time("sum", scrapes.of(metrics.SCRAPE_SERIES_ADDED), HOUR)
    return Table(
        key="slowest",
        title=f"The {LONGEST_TABLE} slowest targets",
        description="Targets by how long their last scrape took. One that is slow at few samples "
        "is short of CPU; one that is slow at many exposes too much. New series at a target that "
        "was not restarted are churn.",
        by=(
            LabelColumn("job", "Job"),
            LabelColumn("instance", "Target"),
            LabelColumn("cluster", "Cluster"),
        ),
        queries=(
            Query("share", worst),
            Query("duration", of_the_worst(scrapes.of(metrics.SCRAPE_DURATION_SECONDS))),
            Query("up", of_the_worst(scrapes.of(metrics.UP))),
            Query("samples", of_the_worst(scrapes.of(metrics.SCRAPE_SAMPLES_SCRAPED))),
            Query("added", of_the_worst(added)),
        ),
        columns=(
            Column("share", "Of the interval", thresholds=SCRAPE_SHARE),
            Column("duration", "Scrape took"),
            Column("up", "Up"),
            Column("samples", "Samples"),
            Column("added", "New series, 1 h"),
        ),
        sort_by="Of the interval",
        height=9,
    )


def _jobs_of_those_scraped_twice(scrapes: Scrapes) -> Panel:
    each = count(metrics.UP.select(), TARGET)
    return Table(
        key="jobs-of-the-twice-scraped",
        title="Scraped by several jobs",
        description="The jobs and addresses of what is scraped more than once; empty is good. Keep "
        "the job that the pack names, and leave the server out of the other. Two jobs may be right "
        "where each reads another path: then check that no recording reads both.",
        by=(
            LabelColumn("instance", "Target"),
            LabelColumn("job", "Job"),
            LabelColumn("cluster", "Cluster"),
        ),
        queries=(Query("scrapes", joined(each, "and", scrapes.twice(), on=ADDRESS)),),
        columns=(Column("scrapes", "Scrapes", base_color=BAD),),
        sort_by="Target",
        height=4,
        no_value="none",
    )
