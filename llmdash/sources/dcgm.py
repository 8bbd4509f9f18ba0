"""NVIDIA's DCGM exporter, and whatever speaks its names: both generations answer the same signals.

DCGM 4.6 and 4.7 renamed most fields and changed units; new and old names are joined, converted.
"""

from __future__ import annotations

from dataclasses import replace

from llmdash.metrics import dcgm as metrics
from llmdash.metrics import dcgm_fields, dcgm_opt_in
from llmdash.metrics import dcgm_plain_units as plain
from llmdash.metrics import dcgm_renamed as renamed
from llmdash.metrics.metric import Counter, Gauge, Versions
from llmdash.metrics.prometheus import UP
from llmdash.promql.expressions import as_value, not_equal
from llmdash.sources.answer import Answer, Term
from llmdash.sources.source import Dialect, Role, Source, answered, counter, gauge, titled


def dcgm(
    *,
    name: str = "dcgm",
    versions: Versions | None = None,
    job: str | None = None,
) -> Source:
    """Return the DCGM exporter as a source.

    Args:
        name: what recordings call the source.
        versions: the exporter's releases that may be running (the first half, `4.5.3` of
            4.5.3-4.8.2); all by default.
        job: the scrape job; when given, every selector names it.
    """
    dialect = Dialect(
        identity=(not_equal("UUID", ""),),
        labels=(("gpu_uuid", "UUID"),),
        versions=versions or Versions(),
        owns=("DCGM_",),
        # A shared GPU has a series for each pod or job: its power is not the sum of these.
        one_of=("UUID",),
        job=job or name,
        match_job=job is not None,
    )
    return Source(
        name=name,
        exporter="dcgm",
        title=titled("GPU", name, "dcgm"),
        role=Role.GPU,
        metrics=dialect.spoken_of(metrics.METRICS),
        dialect=dialect,
        answers={**_load(dialect), **_memory(dialect), **_power(dialect), **_errors(dialect)},
        instance_labels=("gpu_uuid",),
        choices=("gpu",),
        anchors=(renamed.DCGM_FI_DEV_GPU_TEMP_CELSIUS, metrics.DCGM_FI_DEV_GPU_TEMP),
    )


def _load(dialect: Dialect) -> dict[str, Answer]:
    def of(name: str, *families: Gauge) -> Answer | None:
        return gauge(name, dialect.term(*families))

    return answered(
        up=gauge("up", dialect.term(UP)),
        gpu_utilisation=gauge(
            "gpu_utilisation",
            dialect.term(renamed.DCGM_FI_DEV_GPU_UTIL_RATIO, metrics.DCGM_FI_DEV_GPU_UTIL),
            note="Some kernel ran; it does not say how much of the GPU was busy. Before exporter "
            "4.9.0 a counters file of your own that names the ratio has it from 0 to 100.",
        ),
        gpu_tensor_activity=of(
            "gpu_tensor_activity",
            renamed.DCGM_FI_PROF_TENSOR_UTIL_RATIO,
            metrics.DCGM_FI_PROF_PIPE_TENSOR_ACTIVE,
        ),
        gpu_memory_activity=of(
            "gpu_memory_activity",
            renamed.DCGM_FI_PROF_DRAM_UTIL_RATIO,
            metrics.DCGM_FI_PROF_DRAM_ACTIVE,
        ),
        gpu_engine_activity=of(
            "gpu_engine_activity",
            renamed.DCGM_FI_PROF_GR_ENGINE_UTIL_RATIO,
            metrics.DCGM_FI_PROF_GR_ENGINE_ACTIVE,
        ),
        gpu_copy_utilisation=of(
            "gpu_copy_utilisation",
            plain.DCGM_FI_DEV_MEMORY_UTIL_RATIO,
            metrics.DCGM_FI_DEV_MEM_COPY_UTIL,
        ),
        gpu_encoder_utilisation=of(
            "gpu_encoder_utilisation",
            plain.DCGM_FI_DEV_ENC_UTIL_RATIO,
            metrics.DCGM_FI_DEV_ENC_UTIL,
        ),
        gpu_decoder_utilisation=of(
            "gpu_decoder_utilisation",
            plain.DCGM_FI_DEV_DEC_UTIL_RATIO,
            metrics.DCGM_FI_DEV_DEC_UTIL,
        ),
        gpu_sm_clock=of(
            "gpu_sm_clock", plain.DCGM_FI_DEV_SM_CLOCK_HERTZ, metrics.DCGM_FI_DEV_SM_CLOCK
        ),
        gpu_memory_clock=of(
            "gpu_memory_clock",
            plain.DCGM_FI_DEV_MEMORY_CLOCK_HERTZ,
            metrics.DCGM_FI_DEV_MEM_CLOCK,
        ),
        gpu_pcie_sent=of(
            "gpu_pcie_sent",
            metrics.DCGM_FI_PROF_PCIE_TX_BYTES,
            dcgm_opt_in.DCGM_FI_DEV_PCIE_TX_THROUGHPUT,
        ),
        gpu_pcie_received=of(
            "gpu_pcie_received",
            metrics.DCGM_FI_PROF_PCIE_RX_BYTES,
            dcgm_opt_in.DCGM_FI_DEV_PCIE_RX_THROUGHPUT,
        ),
        gpu_nvlink_traffic=of(
            "gpu_nvlink_traffic",
            plain.DCGM_FI_DEV_NVLINK_THROUGHPUT_BYTES_PER_SECOND,
            renamed.DCGM_FI_DEV_NVLINK_THROUGHPUT_TOTAL,
            metrics.DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL,
        ),
    )


def _memory(dialect: Dialect) -> dict[str, Answer]:
    def of(name: str, *families: Gauge) -> Answer | None:
        term = dialect.term(*families)
        # A slice of a GPU has memory of its own, under the UUID of the whole.
        by_slice = None if term is None else replace(term, one_of=("UUID", "GPU_I_ID"))
        return gauge(name, by_slice)

    return answered(
        gpu_memory_used=of(
            "gpu_memory_used", plain.DCGM_FI_DEV_FB_USED_BYTES, metrics.DCGM_FI_DEV_FB_USED
        ),
        gpu_memory_free=of(
            "gpu_memory_free", plain.DCGM_FI_DEV_FB_FREE_BYTES, metrics.DCGM_FI_DEV_FB_FREE
        ),
        gpu_memory_reserved=of(
            "gpu_memory_reserved",
            plain.DCGM_FI_DEV_FB_RESERVED_BYTES,
            metrics.DCGM_FI_DEV_FB_RESERVED,
        ),
    )


def _power(dialect: Dialect) -> dict[str, Answer]:
    def of(name: str, *families: Gauge) -> Answer | None:
        return gauge(name, dialect.term(*families))

    def throttled(reason: str, *families: Counter) -> Term | None:
        return dialect.term(*families, throttle_reason=reason)

    return answered(
        gpu_power=of(
            "gpu_power", renamed.DCGM_FI_DEV_BOARD_POWER_WATTS, metrics.DCGM_FI_DEV_POWER_USAGE
        ),
        gpu_power_limit=of(
            "gpu_power_limit",
            renamed.DCGM_FI_DEV_BOARD_POWER_LIMIT_ENFORCED_WATTS,
            dcgm_fields.DCGM_FI_DEV_ENFORCED_POWER_LIMIT,
        ),
        gpu_energy=counter(
            "gpu_energy",
            dialect.term(
                plain.DCGM_FI_DEV_GPU_ENERGY_JOULES_TOTAL,
                metrics.DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION,
            ),
        ),
        gpu_temperature=of(
            "gpu_temperature", renamed.DCGM_FI_DEV_GPU_TEMP_CELSIUS, metrics.DCGM_FI_DEV_GPU_TEMP
        ),
        gpu_memory_temperature=of(
            "gpu_memory_temperature",
            renamed.DCGM_FI_DEV_MEMORY_TEMP_CELSIUS,
            metrics.DCGM_FI_DEV_MEMORY_TEMP,
        ),
        gpu_clock_events=of(
            "gpu_clock_events",
            dcgm_fields.DCGM_FI_DEV_CLOCKS_EVENT_REASONS,
            dcgm_fields.DCGM_FI_DEV_CLOCK_THROTTLE_REASONS,
        ),
        gpu_throttled_time=counter(
            "gpu_throttled_time",
            throttled(
                "power",
                plain.DCGM_FI_DEV_GPU_POWER_THROTTLE_SECONDS_TOTAL,
                dcgm_opt_in.DCGM_FI_DEV_POWER_VIOLATION,
            ),
            throttled(
                "thermal",
                plain.DCGM_FI_DEV_GPU_THERMAL_THROTTLE_SECONDS_TOTAL,
                dcgm_opt_in.DCGM_FI_DEV_THERMAL_VIOLATION,
            ),
            throttled("reliability", dcgm_opt_in.DCGM_FI_DEV_RELIABILITY_VIOLATION),
            throttled("board_limit", dcgm_opt_in.DCGM_FI_DEV_BOARD_LIMIT_VIOLATION),
            throttled("sync_boost", dcgm_opt_in.DCGM_FI_DEV_SYNC_BOOST_VIOLATION),
            throttled("low_utilisation", dcgm_opt_in.DCGM_FI_DEV_LOW_UTIL_VIOLATION),
        ),
    )


def _errors(dialect: Dialect) -> dict[str, Answer]:
    def on_links(kind: str, *families: Counter) -> Term | None:
        return dialect.term(*families, link_error=kind)

    def rows(name: str, *families: Counter) -> Answer | None:
        # The number so far, over the GPU's whole life, is what tells how worn its memory is.
        spoken = [family for family in families if dialect.speaks(family)]
        values = [as_value(dialect.select(family), "rows so far") for family in spoken]
        return gauge(name, dialect.term(*values))

    return answered(
        gpu_xid=gauge(
            "gpu_xid",
            dialect.term(renamed.DCGM_FI_DEV_XID_ERROR, metrics.DCGM_FI_DEV_XID_ERRORS),
            note="The last code, which stays when all is well again; a repeat of it is not seen.",
        ),
        gpu_corrected_errors=counter(
            "gpu_corrected_errors",
            dialect.term(
                dcgm_opt_in.DCGM_FI_DEV_ECC_SBE_VOL_TOTAL, dcgm_opt_in.DCGM_FI_DEV_ECC_SBE_AGG_TOTAL
            ),
        ),
        gpu_uncorrected_errors=counter(
            "gpu_uncorrected_errors",
            dialect.term(
                dcgm_opt_in.DCGM_FI_DEV_ECC_DBE_VOL_TOTAL, dcgm_opt_in.DCGM_FI_DEV_ECC_DBE_AGG_TOTAL
            ),
        ),
        gpu_pcie_replays=counter(
            "gpu_pcie_replays",
            dialect.term(
                renamed.DCGM_FI_DEV_PCIE_REPLAY_TOTAL, metrics.DCGM_FI_DEV_PCIE_REPLAY_COUNTER
            ),
        ),
        gpu_nvlink_errors=counter(
            "gpu_nvlink_errors",
            on_links(
                "crc_flit",
                renamed.DCGM_FI_DEV_NVLINK_CRC_FLIT_ERROR_TOTAL,
                dcgm_opt_in.DCGM_FI_DEV_NVLINK_CRC_FLIT_ERROR_COUNT_TOTAL,
            ),
            on_links(
                "crc_data",
                renamed.DCGM_FI_DEV_NVLINK_CRC_DATA_ERROR_TOTAL,
                dcgm_opt_in.DCGM_FI_DEV_NVLINK_CRC_DATA_ERROR_COUNT_TOTAL,
            ),
            on_links(
                "replay",
                renamed.DCGM_FI_DEV_NVLINK_REPLAY_ERROR_TOTAL,
                dcgm_opt_in.DCGM_FI_DEV_NVLINK_REPLAY_ERROR_COUNT_TOTAL,
            ),
            on_links(
                "recovery",
                renamed.DCGM_FI_DEV_NVLINK_RECOVERY_ERROR_TOTAL,
                dcgm_opt_in.DCGM_FI_DEV_NVLINK_RECOVERY_ERROR_COUNT_TOTAL,
            ),
        ),
        gpu_rows_remapped=rows(
            "gpu_rows_remapped",
            renamed.DCGM_FI_DEV_ROW_REMAP_CORRECTABLE_TOTAL,
            metrics.DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS,
        ),
        gpu_rows_failed=rows(
            "gpu_rows_failed",
            renamed.DCGM_FI_DEV_ROW_REMAP_UNCORRECTABLE_TOTAL,
            metrics.DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS,
        ),
        gpu_remap_failed=gauge(
            "gpu_remap_failed",
            dialect.term(
                renamed.DCGM_FI_DEV_ROW_REMAP_FAILED, metrics.DCGM_FI_DEV_ROW_REMAP_FAILURE
            ),
        ),
        gpu_remap_pending=gauge(
            "gpu_remap_pending", dialect.term(dcgm_fields.DCGM_FI_DEV_ROW_REMAP_PENDING)
        ),
    )
