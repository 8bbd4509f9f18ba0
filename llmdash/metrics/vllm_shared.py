"""Labels and bucket edges that vLLM's families share, with those of older releases.

Triton's vLLM backend copied some of the older edges and kept them.
"""

from __future__ import annotations

from llmdash.metrics.metric import labels, one_two_five
from llmdash.promql.units import base

# Releases before 0.8.3 had no `engine`: aggregate by model_name, and never join on engine.
ENGINE = labels("model_name", "engine")

BLOCKS = base("blocks")

# Edges up to the release in the name, then today's. Since 0.32 an operator may replace them
# (--custom-histogram-buckets).
FIRST_TOKEN_EDGES_TO_0_8_3 = (
    *(0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08),
    *(0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0),
)
FIRST_TOKEN_EDGES = (*FIRST_TOKEN_EDGES_TO_0_8_3, 20.0, 40.0, 80.0, 160.0, 640.0, 2560.0)

TOKEN_LATENCY_EDGES_TO_0_8_3 = (
    *(0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2),
    *(0.3, 0.4, 0.5, 0.75, 1.0, 2.5),
)
TOKEN_LATENCY_EDGES = (*TOKEN_LATENCY_EDGES_TO_0_8_3, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0)

REQUEST_LATENCY_EDGES_TO_0_6_3 = (1.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0)
REQUEST_LATENCY_EDGES_TO_0_8_3 = (
    *(0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5),
    *(5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0),
)
REQUEST_LATENCY_EDGES = (
    *REQUEST_LATENCY_EDGES_TO_0_8_3,
    *(120.0, 240.0, 480.0, 960.0, 1920.0, 7680.0),
)

# Token histograms end at the model's own length (--max-model-len). The catalogue has to choose one:
# the context of most current models. A shorter model has the first of these edges.
MAX_MODEL_LENGTH = 131_072
TOKEN_COUNT_EDGES = one_two_five(MAX_MODEL_LENGTH)

# How many answers a request asks for.
REQUEST_PARAMETER_EDGES = (1.0, 2.0, 5.0, 10.0, 20.0)

# How long a block of the KV cache lived, lay idle or waited for its next use; sampled.
BLOCK_LIFE_EDGES = (
    *(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5),
    *(1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0),
)
