"""The questions that a GPU is asked, whichever exporter watches it.

Facts about one GPU are read from the exporter; only what pages over many GPUs need is recorded.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.promql.units import (
    BYTES,
    CELSIUS,
    HERTZ,
    JOULES,
    RATIO,
    SECONDS,
    STATE,
    WATTS,
    Unit,
    base,
)
from llmdash.signals.signal import Form, Signal

ERRORS = base("errors")
RETRIES = base("retries")
ROWS = base("rows")
# Numbers that stand for something else and measure nothing.
XID = base("xid")
MASK = base("mask")

#: What holds a GPU's clocks back, as the driver adds up the time of each.
LINK_ERRORS = ("crc_flit", "crc_data", "replay", "recovery")
THROTTLE_REASONS = (
    "power",
    "thermal",
    "reliability",
    "board_limit",
    "sync_boost",
    "low_utilisation",
)


def _gpu_signals() -> Iterator[Signal]:
    """Yield what a GPU can be asked, whichever exporter watches it."""

    def gauge(name: str, title: str, question: str, unit: Unit, *combine: str) -> Signal:
        maximum = 1 if unit == RATIO else None
        return Signal(name, title, question, Form.GAUGE, unit, combine=combine, maximum=maximum)

    def fact(name: str, title: str, question: str, unit: Unit, form: Form = Form.GAUGE) -> Signal:
        maximum = 1 if unit == RATIO else None
        how = ("max",) if form is Form.GAUGE else ("sum",)
        return Signal(
            name, title, question, form, unit, combine=how, maximum=maximum, is_recorded=False
        )

    yield gauge(
        "gpu_utilisation",
        "GPU utilisation",
        "Which share of the time does some kernel run?",
        RATIO,
        *("avg", "max"),
    )
    yield gauge(
        "gpu_tensor_activity",
        "Tensor core activity",
        "Which share of the time do the tensor cores work?",
        RATIO,
        "avg",
    )
    yield gauge(
        "gpu_memory_activity",
        "Memory bandwidth use",
        "Which share of the time does the GPU's memory move data?",
        RATIO,
        "avg",
    )
    yield gauge(
        "gpu_memory_used", "GPU memory used", "How much memory is taken?", BYTES, *("sum", "max")
    )
    yield gauge("gpu_memory_free", "GPU memory free", "How much memory is left?", BYTES, "sum")
    yield gauge(
        "gpu_power",
        "GPU power",
        "How much power do the GPUs draw, and how many are they?",
        WATTS,
        *("sum", "count"),
    )
    yield gauge(
        "gpu_power_limit", "GPU power limit", "How much power may the GPUs draw?", WATTS, "sum"
    )
    yield Signal(
        "gpu_energy",
        "GPU energy",
        "How much energy do the GPUs use?",
        Form.COUNTER,
        JOULES,
    )
    yield gauge("gpu_temperature", "GPU temperature", "How hot is the hottest GPU?", CELSIUS, "max")
    yield fact("gpu_memory_temperature", "Memory temperature", "How hot is its memory?", CELSIUS)
    yield fact("gpu_sm_clock", "SM clock", "How fast do its processors run?", HERTZ)
    yield fact("gpu_memory_clock", "Memory clock", "How fast does its memory run?", HERTZ)
    yield fact(
        "gpu_engine_activity",
        "Engine activity",
        "Which share of the time is its compute engine busy, also of a slice of a GPU?",
        RATIO,
    )
    yield fact(
        "gpu_copy_utilisation",
        "Memory controller utilisation",
        "Which share of the time is its memory read or written?",
        RATIO,
    )
    yield fact(
        "gpu_encoder_utilisation", "Encoder utilisation", "How busy is its video encoder?", RATIO
    )
    yield fact(
        "gpu_decoder_utilisation", "Decoder utilisation", "How busy is its video decoder?", RATIO
    )
    yield fact(
        "gpu_memory_reserved",
        "GPU memory reserved",
        "How much of its memory does the driver keep for itself?",
        BYTES,
    )
    yield fact("gpu_xid", "Last XID", "Which error did the driver report last?", XID)
    yield fact(
        "gpu_clock_events",
        "Clock event reasons",
        "What holds its clocks back at the moment, as a mask of bits?",
        MASK,
    )
    yield Signal(
        "gpu_throttled_time",
        "Time throttled",
        "Which share of the time is its clock held back, and by what?",
        Form.COUNTER,
        SECONDS,
        split_by="throttle_reason",
        values=THROTTLE_REASONS,
        is_recorded=False,
    )
    for name, title, question in (
        ("gpu_corrected_errors", "Corrected ECC errors", "How many memory errors are mended?"),
        ("gpu_uncorrected_errors", "Uncorrected ECC errors", "How many are not?"),
    ):
        yield fact(name, title, question, ERRORS, Form.COUNTER)
    yield fact(
        "gpu_pcie_replays",
        "PCIe replays",
        "How often is a packet sent again over PCIe?",
        RETRIES,
        Form.COUNTER,
    )
    yield Signal(
        "gpu_nvlink_errors",
        "NVLink errors",
        "How many errors do its links count, and of which kind?",
        Form.COUNTER,
        ERRORS,
        split_by="link_error",
        values=LINK_ERRORS,
        is_recorded=False,
    )
    for name, title, question in (
        ("gpu_rows_remapped", "Rows remapped", "How many rows of its memory are replaced?"),
        ("gpu_rows_failed", "Rows worn out", "How many rows were lost to uncorrectable errors?"),
    ):
        yield fact(name, title, question, ROWS)
    for name, title, question in (
        ("gpu_remap_failed", "Row remapping failed", "Can a bad row no longer be replaced?"),
        ("gpu_remap_pending", "Row remapping pending", "Does a bad row wait for a reset?"),
    ):
        yield fact(name, title, question, STATE)
    for name, title, question in (
        ("gpu_pcie_sent", "PCIe sent", "How much does it send over PCIe?"),
        ("gpu_pcie_received", "PCIe received", "How much does it receive over PCIe?"),
        ("gpu_nvlink_traffic", "NVLink traffic", "How much goes over its links?"),
    ):
        yield fact(name, title, question, BYTES.per_second)


GPU_SIGNALS = tuple(_gpu_signals())
