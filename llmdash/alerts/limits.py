"""The numbers that alerts judge by, each with where it is from; a pack changes those it wants."""

from __future__ import annotations

from dataclasses import dataclass, fields

from llmdash.dashboards.policy import (
    BEYOND,
    GPU_STRAGGLER,
    GPU_TEMPERATURE,
    KV_CACHE,
    SCRAPE_SHARE,
    SLOW,
)
from llmdash.errors import AlertError

_NEARLY_FULL, _FULL = (limit.value for limit in KV_CACHE)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """From where on an alert fires: `Pack(limits=Limits(kv_cache_full=0.9))`.

    Shares are 0 to 1, times in seconds. Where pages colour by a number, it is the same by default.
    """

    #: The share of its KV cache that an engine's live requests hold. Rules in the wild warn at 0.85
    #: and page at 0.95 (HaoWen46/LLM-Inference-Stack).
    kv_cache_nearly_full: float = _NEARLY_FULL
    kv_cache_full: float = _FULL
    #: Preemptions for each request that ends, and how many in a window are few. Rules in the wild
    #: say one a second (vLLM's Kubernetes example, llm-d), whatever the fleet's size; at one for
    #: every five requests, a sixth of the work is done twice.
    preemptions_per_request: float = 0.2
    preemptions_fewest: float = 10
    #: Requests that wait for one engine: 50 in most rules in the wild.
    queue_length: float = 50
    #: More than a quarter of an hour ago, all engines together. Our own choice.
    queue_growth: float = 10
    #: The share of a source's targets that may go within an hour: a rollout takes some away at a
    #: time. Our own choice.
    targets_vanished: float = 0.5
    #: The share of requests that may fail, not counting cancelled ones (5 % in most rules in the
    #: wild), and how many in a window are few.
    failing_share: float = 0.05
    failures_fewest: float = 3
    #: The 95th percentile of first tokens; the 99th of gaps between tokens and of whole answers: 10
    #: and 60 in HaoWen46/LLM-Inference-Stack, 1 in vLLM's Kubernetes example.
    first_token_p95: float = SLOW["time_to_first_token"][-1].value
    inter_token_p99: float = 1
    end_to_end_p99: float = 60
    #: First tokens against those of a day ago: how much later is too late, up to how much more load
    #: counts as the same, and with how few requests in half an hour nothing is compared. Our own
    #: choice: means of a day ago differ by a third where nothing has changed.
    slower_than_usual: float = 1.5
    same_load: float = 1.2
    usual_fewest: float = 30
    #: Accepted drafts against those of the last day, and how few drafted tokens a second say
    #: nothing. Our own choice.
    drafts_of_usual: float = 0.5
    drafts_fewest: float = 1
    #: Gaps between tokens against the median replica, and how few replicas have none. Our choice.
    slow_replica: float = 1.5
    slow_replica_fewest: float = 3
    #: Combinations of LoRA adapters that waited within ten minutes. Our own choice.
    adapter_combinations: float = 10
    #: The share of observations above the last bucket from which p99 is no number.
    beyond_buckets: float = BEYOND[0].value
    #: In how many configurations the engines of a model may run: more where prefill and decode are
    #: apart.
    configurations: float = 1
    #: The share of its interval that a scrape may take.
    scrape_share: float = SCRAPE_SHARE[0].value
    #: Degrees Celsius: 85 in most rules in the wild.
    gpu_temperature: float = GPU_TEMPERATURE[0].value
    #: The share of its power limit: 0.98 in the wild (HaoWen46/LLM-Inference-Stack).
    gpu_power_share: float = 0.98
    #: The share of its memory from which a GPU that fills further will soon be full.
    gpu_memory_share: float = 0.9
    #: A clock against the median of its equals, and how few GPUs of a kind have none.
    slow_gpu: float = GPU_STRAGGLER
    slow_gpu_fewest: float = 3
    #: Errors within an hour that ECC, or sending once more, has mended. Our own choice.
    corrected_errors: float = 100
    nvlink_errors: float = 100

    def __post_init__(self) -> None:
        """Refuse what is no number above zero."""
        for each in fields(self):
            value: object = getattr(self, each.name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
                raise AlertError(f"limits: {each.name}", "a number above zero", repr(value))
