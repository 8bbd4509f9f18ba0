"""Numbers that are policy: where a colour begins to warn, and which quantiles panels show."""

from __future__ import annotations

from collections.abc import Mapping

from llmdash.dashboards.panel import Threshold
from llmdash.promql.windows import Duration

#: From here on queueing and preemption follow, on any hardware. Rules in the wild warn at 0.85 and
#: page at 0.95 (HaoWen46/LLM-Inference-Stack), or page at 0.95 (vLLM's Kubernetes example).
KV_CACHE = (Threshold(0.85, "orange"), Threshold(0.95, "red"))

#: Rules in the wild warn at 1 % (llm-d) and page at 5 % (llm-d, Gateway API Inference Extension).
ERROR_SHARE = (Threshold(0.01, "orange"), Threshold(0.05, "red"))

#: One thread of Python runs at a time, so one core is all that streaming and tokenising can get.
API_SERVER_CPU = (Threshold(0.8, "orange"), Threshold(0.95, "red"))

#: At the limit new connections are refused; a burst of clients takes a tenth at once.
FILE_DESCRIPTORS = (Threshold(0.8, "orange"), Threshold(0.9, "red"))

#: The quantiles that a latency panel shows.
QUANTILES = (0.5, 0.9, 0.95, 0.99)

#: Signals told by their mean, but for the one panel of their distribution: on a healthy server
#: nearly all of them end within the first bucket, and a quantile there is a share of its edge
#: (vLLM's is 0.3 s: where nobody queues, p95 of the queue time reads 285 ms).
TOLD_BY_MEAN = frozenset({"queue_time", "prefill_time"})

#: When a request waits at any moment, on average, the queue is no accident of arrivals.
WAITING_STEADILY = 1.0

#: The same as a limit on how many wait now.
QUEUE = (Threshold(WAITING_STEADILY, "orange"),)

#: Where a p95 is slow. Promises in the wild end at 2 s to the first token and at 150 ms between
#: two, about as fast as people read; a rule in the wild alerts when the first takes above 10 s.
SLOW: Mapping[str, tuple[Threshold, ...]] = {
    "time_to_first_token": (Threshold(2, "orange"), Threshold(10, "red")),
    "inter_token_latency": (Threshold(0.15, "orange"),),
}

#: Preemptions for each request that ends. Preempted work is done twice, so at one in a hundred the
#: loss begins to be more than what else is uncertain (1 %, as for errors above).
PREEMPTED_SHARE = 0.01

#: How long blocks wait for their next use (p90), over how long they lie idle before they are
#: evicted (p50). At 1 reuse comes as late as eviction does, so many blocks are lost just before.
REUSE_NEAR_EVICTION = (Threshold(0.5, "orange"), Threshold(1, "red"))

#: Rules in the wild alert at 85 (HaoWen46/LLM-Inference-Stack, LLMKube, NVIDIA Dynamo). By
#: nvidia-smi an A100 is made for 85 at most, slows itself down at 89 and switches off at 92.
GPU_TEMPERATURE = (Threshold(85, "orange"), Threshold(90, "red"))

#: Some kernel runs for half of the time: below, clocks fall for want of work and say nothing.
GPU_AT_WORK = 0.5

#: A clock below this share of its equals' is felt by all GPUs that wait for it in each step. It is
#: our own choice: boost clocks of healthy GPUs of one model differ by a few percent.
GPU_STRAGGLER = 0.9

#: Costs and growth over less than an hour follow single requests; over more they hide when GPUs
#: idle, and when in the day traffic grows.
HOUR = Duration.parse("1h")

#: How full the KV cache may be at the day's peak: where its colour begins to warn.
KV_TARGET = KV_CACHE[0].value

#: From here on a KV cache is full.
KV_FULL = KV_CACHE[-1].value

#: The same limits for what is left of it, red below the first; a line in green would be a goal.
KV_HEADROOM = tuple(
    Threshold(round(1 - limit.value, 4), color)
    for limit, color in zip(reversed(KV_CACHE), ("orange", "text"), strict=True)
)

#: The slope of KV cache use is read over this, and told for this far ahead at most: requests come
#: and go within minutes, so half an hour shows a trend, and none holds for longer than some hours.
TREND_WINDOW = Duration.parse("30m")
LONGEST_FORECAST = Duration.parse("6h")

#: The time until a KV cache is full, in seconds, red below the first: an engine that loads its
#: weights over a network takes up to ten minutes, and getting a node for it up to an hour.
TIME_TO_FULL = (Threshold(600, "orange"), Threshold(3600, "text"))

#: Traffic repeats by the day and by the week.
DAY = Duration.parse("1d")
WEEK = Duration.parse("7d")

#: How late a client of a run of load may read and send (p99), over the median of the first token:
#: above it what it measures is itself (MOST_LAG of llmstack/load/trust.py).
CLIENT_LAG = (Threshold(0.05, "red"),)

#: The share of its interval that a scrape may take. It is given up after two thirds
#: (`Intervals.timeout`); from half on, a busier moment is enough to lose it.
SCRAPE_SHARE = (Threshold(0.5, "orange"), Threshold(0.65, "red"))

#: Requests in the system as latencies have it, over those that are counted, in the mean of an hour.
#: By Little's law 1; answers of minutes and a load that grows move it by some percent, a series
#: counted twice to 2 or to a half. Our own choice, between these.
LITTLE = (0.7, 1.4)

#: The same as lines on a graph.
LITTLE_BAND = tuple(
    Threshold(limit, color) for limit, color in zip(LITTLE, ("text", "orange"), strict=True)
)

#: With fewer requests at once the samples of a gauge miss too many to compare with anything.
FEWEST_AT_ONCE = 1

#: Share of observations above the last bucket edge: from 1 % on p99 cannot be read, from 5 % p95.
BEYOND = (Threshold(0.01, "orange"), Threshold(0.05, "red"))

#: Anything at all is worth a look.
ANY = (Threshold(1, "orange"),)

#: Share of the interval between its evaluations that a group of rules takes; above 1 some are left
#: out. Our own choice: at half, twice as many servers are the end.
RULE_SHARE = (Threshold(0.5, "orange"), Threshold(1, "red"))

#: What is left of an error budget, red below the first. At zero the promise is broken; with a
#: quarter left, a month's promise that is spent evenly has a week to go.
BUDGET_LEFT = (Threshold(0, "orange"), Threshold(0.25, "text"))

#: An overspent budget is drawn down to here: a lost day can spend that of a month ten times over,
#: and would flatten the lines that can still be saved.
LEAST_DRAWN = -1.0

#: Spent faster than this, a budget ends before its period does.
BURN_EVENLY = 1.0

#: The time until a budget is gone, in seconds, red below the first: within a day somebody has to
#: act, and three days are a weekend.
TIME_TO_EXHAUSTION = (Threshold(86_400, "orange"), Threshold(259_200, "text"))

#: The share of a period's hours that were counted; the budget of fewer is one of a shorter promise.
#: Our own choice: an upgrade takes minutes, and a tenth of a month is a long weekend.
COVERAGE = (Threshold(0.9, "text"),)


def slow_limits(name: str, top: float | None) -> tuple[Threshold, ...]:
    """Return from where on a latency is slow, as far as its buckets reach (`top`, in seconds)."""
    return tuple(each for each in SLOW.get(name, ()) if top is None or each.value <= top)
