"""What promises remember: three clean days before the film, as rules would have recorded them.

A film of two hours knows nothing of days, and a promise that knows nothing but a film takes each
hiccup for a broken month. Days cannot be played: so their counts are given at the places where
rules add longer windows up from shorter ones, under a label that the sum drops.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from llmdash.levels import Level, recorded_name
from tests.film.reading import SCRAPES_PER_MINUTE, Target

#: By source: its role, and which counter counts all events of each promise.
_COUNTED = {
    "vllm": (
        "engine",
        {
            "vllm:time_to_first_token_seconds_count": "ttft",
            "vllm:inter_token_latency_seconds_count": "inter-token",
            "vllm:e2e_request_latency_seconds_count": "end-to-end",
            "vllm:request_queue_time_seconds_count": "queue-time",
        },
    ),
    "triton": (
        "engine",
        {
            "nv_inference_request_success": "availability",
            "nv_inference_first_response_histogram_ms_count": "ttft",
        },
    ),
    "gateway": (
        "gateway",
        {
            "gateway_requests_total": "availability",
            "gateway_time_to_first_token_seconds_count": "ttft-small-prompts",
            "gateway_inter_token_latency_seconds_count": "inter-token",
            "gateway_request_duration_seconds_count": "end-to-end",
        },
    ),
}
_HOUR = 60
#: By window: its minutes, and how many of the next longer one are not in it. Where rules add the
#: window and those before it up, so many stand for all before, until the film has played as long.
_REST = {
    "30m": (30, 30),
    "1h": (_HOUR, _HOUR),
    "2h": (2 * _HOUR, 4 * _HOUR),
    "6h": (6 * _HOUR, 18 * _HOUR),
    "1d": (24 * _HOUR, 48 * _HOUR),
}


def past_of(targets: Iterable[Target], minutes: int) -> dict[str, str]:
    """Return the counts of the days before a film of some minutes, by series."""
    return dict(_counts(targets, minutes))


def _counts(targets: Iterable[Target], minutes: int) -> Iterator[tuple[str, str]]:
    for labels, each in _events(targets).items():
        for window, (length, rest) in _REST.items():
            values = f"{rest * each}x{min(length, minutes) * SCRAPES_PER_MINUTE - 1} stale"
            for kind in ("good", "total"):
                name = recorded_name(Level.FLEET, f"slo_{kind}", f"increase{window}")
                inside = ", ".join(f'{label}="{value}"' for label, value in labels)
                yield f'{name}{{{inside}, past="days"}}', values


def _events(targets: Iterable[Target]) -> Counter[tuple[tuple[str, str], ...]]:
    """Return the events of each promise in a minute, by the labels that recordings have."""
    found: Counter[tuple[tuple[str, str], ...]] = Counter()
    for target in targets:
        if target.job not in _COUNTED:
            continue
        role, promises = _COUNTED[target.job]
        where = (("source", target.job), ("role", role))
        found[("slo", "uptime"), *where] += SCRAPES_PER_MINUTE
        for reading in target.readings:
            if slo := promises.get(reading.name):
                model = reading.labels.get("model_name") or reading.labels["model"]
                many = reading.value * SCRAPES_PER_MINUTE
                assert many == int(many)  # what is counted is whole
                found[("slo", slo), *where, ("model", model)] += int(many)
    return found
