"""Numbers that are policy: where a colour begins to warn, and which quantiles panels show."""

from __future__ import annotations

from llmdash.dashboards.panel import Threshold

#: From here on queueing and preemption follow, on any hardware. Rules in the wild warn at 0.85 and
#: page at 0.95 (HaoWen46/LLM-Inference-Stack), or page at 0.95 (vLLM's Kubernetes example).
KV_CACHE = (Threshold(0.85, "orange"), Threshold(0.95, "red"))

#: Rules in the wild warn at 1 % (llm-d) and page at 5 % (llm-d, Gateway API Inference Extension).
ERROR_SHARE = (Threshold(0.01, "orange"), Threshold(0.05, "red"))

#: The quantiles that a latency panel shows.
QUANTILES = (0.5, 0.9, 0.95, 0.99)
