"""The house style: which colour means what, the same on every page.

Red, orange and green judge; the hues below only tell signals apart. A latency is drawn in shades of
its hue, the darker the rarer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from llmdash.metrics.xid import XidClass

GOOD = "green"
WARNING = "orange"
BAD = "red"
PLAIN = "text"

#: Hues of signals: what belongs to reading the prompt is yellow, to writing the answer purple.
HUES: Mapping[str, str] = {
    "requests": "blue",
    "time_to_first_token": "blue",
    "inter_token_latency": "purple",
    "time_per_output_token": "purple",
    "end_to_end_latency": "green",
    "queue_time": "orange",
    "prefill_time": "yellow",
    "decode_time": "purple",
    "prompt_tokens": "yellow",
    "generation_tokens": "purple",
    "cached_prompt_tokens": "green",
    "prompt_length": "yellow",
    "generation_length": "purple",
    "max_generation_tokens": "purple",
    "computed_length": "yellow",
    "requests_running": "green",
    "requests_waiting": "orange",
    "requests_swapped": "red",
    "kv_cache_use": "blue",
    "prefix_cache_hit_ratio": "green",
    "external_cache_hit_ratio": "green",
    "draft_acceptance_ratio": "green",
    "preemptions": "red",
    "kv_transfer": "blue",
    "iteration_tokens": "blue",
    "gpu_utilisation": "green",
    "gpu_tensor_activity": "yellow",
    "gpu_memory_activity": "purple",
    "gpu_memory_used": "blue",
    "gpu_memory_free": "green",
    "gpu_power": "orange",
    "gpu_power_limit": "red",
    "gpu_energy": "orange",
    "gpu_temperature": "yellow",
    "gpu_memory_temperature": "purple",
    "gpu_memory_reserved": "yellow",
    "gpu_engine_activity": "green",
    "gpu_copy_utilisation": "purple",
    "gpu_encoder_utilisation": "blue",
    "gpu_decoder_utilisation": "blue",
    "gpu_sm_clock": "blue",
    "gpu_memory_clock": "purple",
    "gpu_corrected_errors": "yellow",
    "gpu_uncorrected_errors": "red",
    "gpu_pcie_replays": "orange",
    "gpu_pcie_sent": "blue",
    "gpu_pcie_received": "green",
    "gpu_nvlink_traffic": "purple",
}

#: How a request ended.
OUTCOMES: Mapping[str, str] = {"ok": GOOD, "error": BAD, "cancelled": "yellow"}

#: What a request waits for.
WAITING_REASONS: Mapping[str, str] = {"capacity": WARNING, "deferred": "blue"}

#: What holds an engine back; a state has the colour of the signal that shows it.
BOTTLENECKS: Mapping[str, str] = {
    "preemption": BAD,
    "KV cache": "blue",
    "queue": WARNING,
    "API process": "dark-purple",
    "prefill": "yellow",
    "decode": "light-purple",
    "idle": "transparent",
}

#: What moves between GPU and CPU memory: to where it is used, or to where it is kept.
DIRECTIONS: Mapping[str, str] = {"load": "blue", "store": "purple"}

#: How long blocks lie idle, wait for their next use and live in all; the darker, the rarer.
BLOCK_LIVES: Mapping[tuple[str, float], str] = {
    ("idle", 0.5): "light-orange",
    ("idle", 0.9): "orange",
    ("reuse", 0.5): "light-green",
    ("reuse", 0.9): "green",
    ("life", 0.5): "super-light-blue",
    ("life", 0.9): "light-blue",
    ("life", 0.99): "dark-blue",
}

#: Why vLLM and its kin ended a request.
FINISH_REASONS: Mapping[str, str] = {
    "stop": GOOD,
    "length": "blue",
    "abort": "yellow",
    "error": BAD,
    "repetition": WARNING,
}

#: Where prompt tokens came from: what was computed has the hue of reading the prompt.
TOKEN_SOURCES: Mapping[str, str] = {
    "local_compute": HUES["prompt_tokens"],
    "local_cache_hit": HUES["cached_prompt_tokens"],
    "external_kv_transfer": HUES["kv_transfer"],
}

#: Classes of HTTP status codes.
STATUS_CLASSES: Mapping[str, str] = {"2xx": GOOD, "3xx": "blue", "4xx": WARNING, "5xx": BAD}

#: How long a prompt is.
PROMPT_CLASSES: Mapping[str, str] = {"small": "light-blue", "medium": "blue", "large": "dark-blue"}

#: What holds a GPU's clocks back, by DCGM's name: warm where it is harm, cool where it is normal.
CLOCK_EVENTS: Mapping[str, str] = {
    "gpu_idle": "super-light-blue",
    "clocks_setting": "light-purple",
    "power_cap": "blue",
    "hw_slowdown": BAD,
    "sync_boost": "purple",
    "sw_thermal": WARNING,
    "hw_thermal": "dark-red",
    "hw_power_brake": "dark-orange",
    "display_clocks": "light-blue",
}

#: The same as the driver adds up the time of each.
THROTTLE_REASONS: Mapping[str, str] = {
    "power": "blue",
    "thermal": BAD,
    "reliability": WARNING,
    "board_limit": "dark-orange",
    "sync_boost": "purple",
    "low_utilisation": "super-light-blue",
}

#: Those of them that are no part of normal work.
HARMFUL_THROTTLE_REASONS = frozenset({"thermal", "reliability", "board_limit"})

#: What an XID error asks for.
XID_CLASSES: Mapping[XidClass, str] = {
    XidClass.APPLICATION: "yellow",
    XidClass.RESTART: WARNING,
    XidClass.REPLACE: BAD,
    XidClass.INFO: "blue",
}

#: Sources side by side; where they are more, the same hues again, darker.
_SOURCES = ("blue", "purple", "yellow", "green", "orange", "red")
_ROUNDS = ("", "dark-", "semi-dark-")

_SHADES = {0.5: "super-light-", 0.9: "light-", 0.95: "", 0.99: "dark-"}


def hue(signal_name: str) -> str:
    """Return the colour of a signal; plain text for what has none."""
    return HUES.get(signal_name, PLAIN)


def shade(signal_name: str, share: float) -> str:
    """Return the colour of a signal's quantile: the darker, the fewer requests are beyond it."""
    own = hue(signal_name)
    return own if own == PLAIN else f"{_SHADES.get(share, '')}{own}"


def source_colors(
    names: Sequence[str], ending: str = "", *, pale: bool = False
) -> Mapping[str, str]:
    """Return a colour for each source's line: a source has one wherever it is compared.

    `ending` is what the legend says after the name; a second line of a source is paler.
    """
    found = {}
    for place, name in enumerate(names):
        again, own = divmod(place, len(_SOURCES))
        prefix = "light-" if pale else _ROUNDS[again % len(_ROUNDS)]
        found[f"{name}{ending}"] = f"{prefix}{_SOURCES[own]}"
    return found
