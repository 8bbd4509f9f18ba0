"""KV blocks that go to files, stores and tiers outside of any instance, in short."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.dashboards.conditions import with_conditions
from llmdash.dashboards.panels import Panel, Query, TimeSeries
from llmdash.dashboards.source_page import SourcePage
from llmdash.dashboards.style import BAD, GOOD
from llmdash.metrics import vllm_transfer
from llmdash.promql.windows import RATE_INTERVAL


def file_panels(page: SourcePage) -> Iterator[Panel]:
    """Yield saving to and loading from HF3FS, in short."""
    save, load = (
        vllm_transfer.HF3FS_SAVE_DURATION_SECONDS,
        vllm_transfer.HF3FS_LOAD_DURATION_SECONDS,
    )
    failed = {
        "saves": vllm_transfer.HF3FS_NUM_FAILED_SAVE_TOTAL,
        "loads": vllm_transfer.HF3FS_NUM_FAILED_LOAD_TOTAL,
    }
    for key, title, metric, meaning in (
        ("load", "Load time", load, "It stands before the first token of a request it serves."),
        ("save", "Save time", save, "Saves that pile up keep blocks of the cache occupied."),
    ):
        if page.speaks(metric):
            yield TimeSeries(
                key=f"hf3fs-{key}",
                title=title,
                width=8,
                description=with_conditions(
                    page.source,
                    f"How long one {key} of KV blocks takes on the shared file system. {meaning}",
                    metric,
                ),
                queries=page.quantiles_of(metric, "kv_transfer"),
            )
    if all(page.speaks(counter) for counter in failed.values()):
        yield TimeSeries(
            key="hf3fs-failures",
            title="Failed saves and loads",
            width=8,
            description=with_conditions(
                page.source,
                "Operations on the shared file system that failed, each second. After a failed "
                "load the prompt is computed; failed saves make later hits rarer.",
                *failed.values(),
            ),
            queries=tuple(
                Query(legend, page.rate(counter), legend) for legend, counter in failed.items()
            ),
        )


def store_panels(page: SourcePage) -> Iterator[Panel]:
    """Yield what the Mooncake store is asked for, in short."""
    operations = vllm_transfer.MOONCAKE_STORE_OPERATION_TOTAL
    if not page.speaks(operations):
        return
    time = vllm_transfer.MOONCAKE_STORE_OPERATION_TIME_SECONDS
    by = ("operation", "status")
    yield TimeSeries(
        key="mooncake-store-operations",
        title="Store operations",
        width=8,
        description=with_conditions(
            page.source,
            "Operations on the store each second, by kind and how they ended. Any status but "
            "success that grows is cache that is paid for and not used.",
            operations,
        ),
        queries=(Query("rate", page.rate(operations, by), "{{operation}} {{status}}"),),
    )
    yield TimeSeries(
        key="mooncake-store-time",
        title="Store operation time",
        width=8,
        description=with_conditions(
            page.source,
            "Mean time of an operation, by kind and how it ended. Reads that take longer than "
            "computing the prompt make the store a loss.",
            time,
        ),
        queries=(
            Query(
                "mean",
                page.observed(time).mean(RATE_INTERVAL, by, page.matchers()),
                "{{operation}} {{status}}",
            ),
        ),
    )
    keys = vllm_transfer.MOONCAKE_STORE_OPERATION_KEYS_TOTAL
    failed = vllm_transfer.MOONCAKE_STORE_OPERATION_FAILED_KEYS_TOTAL
    yield TimeSeries(
        key="mooncake-store-keys",
        title="Failed keys",
        width=8,
        zoomed=True,
        description=with_conditions(
            page.source,
            "Share of the keys of each kind of operation that failed. Reads that fail are blocks "
            "that the store has given up: it is too small, or a node of it is gone.",
            *(keys, failed),
        ),
        queries=(
            Query(
                "share",
                page.rate(failed, ("operation",)) / page.rate(keys, ("operation",)),
                "{{operation}}",
            ),
        ),
    )
    moved = vllm_transfer.MOONCAKE_STORE_OPERATION_BYTES_TOTAL
    yield TimeSeries(
        key="mooncake-store-bytes",
        title="Store throughput",
        width=8,
        description=with_conditions(
            page.source,
            "Bytes to and from the store each second, by kind of operation. Much written and "
            "little read is a store that traffic does not profit from.",
            moved,
        ),
        queries=(Query("bytes", page.rate(moved, ("operation",)), "{{operation}}"),),
    )


def object_panels(page: SourcePage) -> Iterator[Panel]:
    """Yield the objects that UMBP moves, in short."""
    submitted = vllm_transfer.UMBP_TRANSFER_SUBMITTED_TOTAL
    completed = vllm_transfer.UMBP_TRANSFER_COMPLETED_TOTAL
    failed = vllm_transfer.UMBP_TRANSFER_FAILED_TOTAL
    moved = vllm_transfer.UMBP_TRANSFER_BYTES_TOTAL
    if not page.speaks(submitted):
        return
    by = ("operation",)
    yield TimeSeries(
        key="umbp-objects",
        title="Objects moved",
        description=with_conditions(
            page.source,
            "Objects submitted, completed and failed each second, by operation. Submitted above "
            "completed for long is a backlog that grows.",
            *(submitted, completed, failed),
        ),
        queries=(
            Query("submitted", page.rate(submitted, by), "{{operation}} submitted"),
            Query("completed", page.rate(completed, by), "{{operation}} completed", color=GOOD),
            Query("failed", page.rate(failed, by), "{{operation}} failed", color=BAD),
        ),
    )
    yield TimeSeries(
        key="umbp-bytes",
        title="Object throughput",
        description=with_conditions(
            page.source,
            "Bytes moved each second, by operation. It should follow the load; a fall while "
            "requests wait for blocks is the tier below.",
            moved,
        ),
        queries=(Query("bytes", page.rate(moved, by), "{{operation}}"),),
    )
