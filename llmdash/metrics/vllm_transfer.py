"""What vLLM's connectors expose about KV blocks that move between instances, stores and tiers.

None of these families appears without its connector.
"""

from __future__ import annotations

from llmdash.metrics.metric import Counter, Gauge, Histogram, Needs, Versions, all_metrics, labels
from llmdash.metrics.vllm_shared import BLOCK_LIFE_EDGES, ENGINE
from llmdash.promql.units import BYTES, RATIO, REQUESTS, SECONDS, base

OPERATION = labels("model_name", "engine", "operation")
# Both are free text of the connector.
STORE_OPERATION = labels("model_name", "engine", "operation", "status")

TRANSFER_EDGES = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 5.0)
FILE_EDGES = (0.001, *TRANSFER_EDGES)
STORE_EDGES = (0.001, 0.005, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0)
# 2 KiB to 8 GiB, each four times the one before.
TRANSFER_SIZE_EDGES = tuple(2.0 ** (11 + 2 * step) for step in range(12))
DESCRIPTOR_EDGES = (
    *(10.0, 20.0, 30.0, 50.0, 75.0, 100.0, 200.0, 400.0),
    *(1000.0, 2000.0, 4000.0, 10000.0, 20000.0, 50000.0),
)

# NIXL, between prefill and decode

NIXL_XFER_TIME_SECONDS = Histogram(
    name="vllm:nixl_xfer_time_seconds",
    unit=SECONDS,
    labels=ENGINE,
    edges=TRANSFER_EDGES,
    versions=Versions("0.11.1"),
    needs=(Needs.NIXL,),
)

NIXL_POST_TIME_SECONDS = Histogram(
    name="vllm:nixl_post_time_seconds",
    unit=SECONDS,
    labels=ENGINE,
    edges=FILE_EDGES,
    versions=Versions("0.11.1"),
    needs=(Needs.NIXL,),
)

NIXL_BYTES_TRANSFERRED = Histogram(
    name="vllm:nixl_bytes_transferred",
    unit=BYTES,
    labels=ENGINE,
    edges=TRANSFER_SIZE_EDGES,
    versions=Versions("0.11.1"),
    needs=(Needs.NIXL,),
    note="The rate of its sum is the throughput.",
)

NIXL_NUM_DESCRIPTORS = Histogram(
    name="vllm:nixl_num_descriptors",
    unit=base("descriptors"),
    labels=ENGINE,
    edges=DESCRIPTOR_EDGES,
    versions=Versions("0.11.1"),
    needs=(Needs.NIXL,),
)

NIXL_NUM_FAILED_TRANSFERS_TOTAL = Counter(
    name="vllm:nixl_num_failed_transfers_total",
    unit=base("transfers"),
    labels=ENGINE,
    versions=Versions("0.11.1"),
    needs=(Needs.NIXL,),
    note="Since 0.33 failed handshakes and notifications are in it.",
)

NIXL_NUM_FAILED_NOTIFICATIONS_TOTAL = Counter(
    name="vllm:nixl_num_failed_notifications_total",
    unit=base("notifications"),
    labels=ENGINE,
    versions=Versions("0.11.1"),
    needs=(Needs.NIXL,),
    note="Already part of failed_transfers: do not add the two.",
)

NIXL_NUM_KV_EXPIRED_REQS_TOTAL = Counter(
    name="vllm:nixl_num_kv_expired_reqs_total",
    unit=REQUESTS,
    labels=ENGINE,
    versions=Versions("0.15"),
    needs=(Needs.NIXL,),
    note="Counted on the prefill side.",
)

NIXL_NUM_NOTIFICATIONS_AFTER_EXPIRY_TOTAL = Counter(
    name="vllm:nixl_num_notifications_after_expiry_total",
    unit=base("notifications"),
    labels=ENGINE,
    versions=Versions("0.32.0"),
    needs=(Needs.NIXL,),
)


# Mooncake, which pushes: its histograms fill on the prefill side

MOONCAKE_XFER_TIME_SECONDS = Histogram(
    name="vllm:mooncake_xfer_time_seconds",
    unit=SECONDS,
    labels=ENGINE,
    edges=TRANSFER_EDGES,
    versions=Versions("0.33.0"),
    needs=(Needs.MOONCAKE,),
)

MOONCAKE_BYTES_TRANSFERRED = Histogram(
    name="vllm:mooncake_bytes_transferred",
    unit=BYTES,
    labels=ENGINE,
    edges=TRANSFER_SIZE_EDGES,
    versions=Versions("0.33.0"),
    needs=(Needs.MOONCAKE,),
)

MOONCAKE_NUM_DESCRIPTORS = Histogram(
    name="vllm:mooncake_num_descriptors",
    unit=base("descriptors"),
    labels=ENGINE,
    edges=DESCRIPTOR_EDGES,
    versions=Versions("0.33.0"),
    needs=(Needs.MOONCAKE,),
)

MOONCAKE_NUM_FAILED_TRANSFERS_TOTAL = Counter(
    name="vllm:mooncake_num_failed_transfers_total",
    unit=base("transfers"),
    labels=ENGINE,
    versions=Versions("0.33.0"),
    needs=(Needs.MOONCAKE,),
)

MOONCAKE_NUM_FAILED_RECVS_TOTAL = Counter(
    name="vllm:mooncake_num_failed_recvs_total",
    unit=base("receives"),
    labels=ENGINE,
    versions=Versions("0.33.0"),
    needs=(Needs.MOONCAKE,),
)

MOONCAKE_NUM_KV_EXPIRED_REQS_TOTAL = Counter(
    name="vllm:mooncake_num_kv_expired_reqs_total",
    unit=REQUESTS,
    labels=ENGINE,
    versions=Versions("0.33.0"),
    needs=(Needs.MOONCAKE,),
)


# Mooncake store

MOONCAKE_STORE_OPERATION_TIME_SECONDS = Histogram(
    name="vllm:mooncake_store_operation_time_seconds",
    unit=SECONDS,
    labels=STORE_OPERATION,
    edges=STORE_EDGES,
    versions=Versions("0.22.0"),
    needs=(Needs.MOONCAKE_STORE,),
)

MOONCAKE_STORE_OPERATION_TOTAL = Counter(
    name="vllm:mooncake_store_operation_total",
    unit=base("operations"),
    labels=STORE_OPERATION,
    versions=Versions("0.22.0"),
    needs=(Needs.MOONCAKE_STORE,),
)

MOONCAKE_STORE_OPERATION_KEYS_TOTAL = Counter(
    name="vllm:mooncake_store_operation_keys_total",
    unit=base("keys"),
    labels=STORE_OPERATION,
    versions=Versions("0.22.0"),
    needs=(Needs.MOONCAKE_STORE,),
)

MOONCAKE_STORE_OPERATION_BYTES_TOTAL = Counter(
    name="vllm:mooncake_store_operation_bytes_total",
    unit=BYTES,
    labels=STORE_OPERATION,
    versions=Versions("0.22.0"),
    needs=(Needs.MOONCAKE_STORE,),
)

MOONCAKE_STORE_OPERATION_FAILED_KEYS_TOTAL = Counter(
    name="vllm:mooncake_store_operation_failed_keys_total",
    unit=base("keys"),
    labels=STORE_OPERATION,
    versions=Versions("0.22.0"),
    needs=(Needs.MOONCAKE_STORE,),
)


# HF3FS, a shared file system

HF3FS_SAVE_DURATION_SECONDS = Histogram(
    name="vllm:hf3fs_save_duration_seconds",
    unit=SECONDS,
    labels=ENGINE,
    edges=FILE_EDGES,
    versions=Versions("0.20.0"),
    needs=(Needs.HF3FS,),
)

HF3FS_LOAD_DURATION_SECONDS = Histogram(
    name="vllm:hf3fs_load_duration_seconds",
    unit=SECONDS,
    labels=ENGINE,
    edges=FILE_EDGES,
    versions=Versions("0.20.0"),
    needs=(Needs.HF3FS,),
)

HF3FS_NUM_FAILED_SAVE_TOTAL = Counter(
    name="vllm:hf3fs_num_failed_save_total",
    unit=base("operations"),
    labels=ENGINE,
    versions=Versions("0.20.0"),
    needs=(Needs.HF3FS,),
)

HF3FS_NUM_FAILED_LOAD_TOTAL = Counter(
    name="vllm:hf3fs_num_failed_load_total",
    unit=base("operations"),
    labels=ENGINE,
    versions=Versions("0.20.0"),
    needs=(Needs.HF3FS,),
)


# UMBP

UMBP_TRANSFER_SUBMITTED_TOTAL = Counter(
    name="vllm:umbp_transfer_submitted_total",
    unit=base("objects"),
    labels=OPERATION,
    versions=Versions("0.33.0"),
    needs=(Needs.UMBP,),
)

UMBP_TRANSFER_COMPLETED_TOTAL = Counter(
    name="vllm:umbp_transfer_completed_total",
    unit=base("objects"),
    labels=OPERATION,
    versions=Versions("0.33.0"),
    needs=(Needs.UMBP,),
)

UMBP_TRANSFER_FAILED_TOTAL = Counter(
    name="vllm:umbp_transfer_failed_total",
    unit=base("objects"),
    labels=OPERATION,
    versions=Versions("0.33.0"),
    needs=(Needs.UMBP,),
)

UMBP_TRANSFER_BYTES_TOTAL = Counter(
    name="vllm:umbp_transfer_bytes_total",
    unit=BYTES,
    labels=OPERATION,
    versions=Versions("0.33.0"),
    needs=(Needs.UMBP,),
)


# HiSparse, which keeps blocks in host memory

HISPARSE_CACHE_HITS_TOTAL = Counter(
    name="vllm:hisparse_cache_hits_total",
    unit=base("lookups"),
    labels=ENGINE,
    versions=Versions("0.32.0"),
    needs=(Needs.HISPARSE,),
)

HISPARSE_CACHE_MISSES_TOTAL = Counter(
    name="vllm:hisparse_cache_misses_total",
    unit=base("lookups"),
    labels=ENGINE,
    versions=Versions("0.32.0"),
    needs=(Needs.HISPARSE,),
)

HISPARSE_HOST_TO_DEVICE_BYTES_TOTAL = Counter(
    name="vllm:hisparse_host_to_device_bytes_total",
    unit=BYTES,
    labels=ENGINE,
    versions=Versions("0.32.0"),
    needs=(Needs.HISPARSE,),
)

HISPARSE_HOST_CACHE_USAGE_PERC = Gauge(
    name="vllm:hisparse_host_cache_usage_perc",
    unit=RATIO,
    labels=ENGINE,
    versions=Versions("0.32.0"),
    needs=(Needs.HISPARSE,),
    note="0 to 1 despite its name.",
)

HISPARSE_PENDING_PAGE_TRANSFERS = Gauge(
    name="vllm:hisparse_pending_page_transfers",
    unit=base("transfers"),
    labels=ENGINE,
    versions=Versions("0.32.0"),
    needs=(Needs.HISPARSE,),
)

HISPARSE_HOST_BLOCK_LIFETIME_SECONDS = Histogram(
    name="vllm:hisparse_host_block_lifetime_seconds",
    unit=SECONDS,
    labels=ENGINE,
    edges=BLOCK_LIFE_EDGES,
    versions=Versions("0.32.0"),
    needs=(Needs.HISPARSE, Needs.KV_CACHE_METRICS),
    note="Sampled.",
)

HISPARSE_HOST_BLOCK_IDLE_BEFORE_EVICT_SECONDS = Histogram(
    name="vllm:hisparse_host_block_idle_before_evict_seconds",
    unit=SECONDS,
    labels=ENGINE,
    edges=BLOCK_LIFE_EDGES,
    versions=Versions("0.32.0"),
    needs=(Needs.HISPARSE, Needs.KV_CACHE_METRICS),
    note="Sampled.",
)

HISPARSE_HOST_BLOCK_REUSE_GAP_SECONDS = Histogram(
    name="vllm:hisparse_host_block_reuse_gap_seconds",
    unit=SECONDS,
    labels=ENGINE,
    edges=BLOCK_LIFE_EDGES,
    versions=Versions("0.32.0"),
    needs=(Needs.HISPARSE, Needs.KV_CACHE_METRICS),
    note="Sampled.",
)

METRICS = all_metrics(globals())
