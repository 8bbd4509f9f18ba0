"""Models of a real Triton that speak to clients as those of its two backends of language models do."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from llmdash.metrics import triton_vllm
from llmdash.metrics.metric import Histogram
from tests.live.triton_server import TritonModel

#: What its model observes, in this order: the first token, the whole answer, a token.
SEEN = ("vllm:time_to_first_token_seconds", "vllm:e2e_request_latency_seconds", "vllm:time_per_output_token_seconds")  # fmt: skip
#: Seconds to the first token, and from each to the next.
FIRST, BETWEEN = 0.06, 0.011

_TEXT = """
max_batch_size: 0
input [
  { name: "text_input" data_type: TYPE_STRING dims: [ 1 ] },
  { name: "stream" data_type: TYPE_BOOL dims: [ 1 ] optional: true },
  { name: "sampling_parameters" data_type: TYPE_STRING dims: [ 1 ] optional: true },
  { name: "exclude_input_in_output" data_type: TYPE_BOOL dims: [ 1 ] optional: true }
]
output [ { name: "text_output" data_type: TYPE_STRING dims: [ -1 ] } ]
"""
_ENSEMBLE = """
max_batch_size: 4
input [
  { name: "text_input" data_type: TYPE_STRING dims: [ 1 ] },
  { name: "max_tokens" data_type: TYPE_INT32 dims: [ 1 ] },
  { name: "stream" data_type: TYPE_BOOL dims: [ 1 ] optional: true }
]
output [ { name: "text_output" data_type: TYPE_STRING dims: [ -1 ] } ]
"""
_TOKENS = """
max_batch_size: 4
input [
  { name: "input_ids" data_type: TYPE_INT32 dims: [ -1 ] allow_ragged_batch: true },
  { name: "input_lengths" data_type: TYPE_INT32 dims: [ 1 ] },
  { name: "request_output_len" data_type: TYPE_INT32 dims: [ 1 ] },
  { name: "streaming" data_type: TYPE_BOOL dims: [ 1 ] optional: true }
]
output [
  { name: "output_ids" data_type: TYPE_INT32 dims: [ -1, -1 ] },
  { name: "sequence_length" data_type: TYPE_INT32 dims: [ -1 ] }
]
"""
_FORMS = {"text": _TEXT, "ensemble": _ENSEMBLE, "tokens": _TOKENS}


@dataclass(frozen=True)
class SpeakingModel(TritonModel):
    """A model that speaks as one of the forms above, with tokens at known times."""

    speaks: str = "text"
    is_decoupled: bool = True

    @property
    def configuration(self) -> str:
        """The text of config.pbtxt, with the inputs and outputs that the backend has."""
        return f"""
name: "{self.name}"
backend: "python"
model_transaction_policy {{ decoupled: {str(self.is_decoupled).lower()} }}
instance_group [{{ kind: KIND_CPU count: 1 }}]
parameters [
  {{ key: "first" value: {{ string_value: "{FIRST}" }} }},
  {{ key: "between" value: {{ string_value: "{BETWEEN}" }} }},
  {{ key: "speaks" value: {{ string_value: "{self.speaks}" }} }}
]
{_FORMS[self.speaks]}
"""


def _speaking(name: str, speaks: str, *, is_decoupled: bool) -> SpeakingModel:
    known = {metric.name: metric for metric in triton_vllm.METRICS}
    seen = [known[each] for each in SEEN]
    families = [{"name": each.name, "edges": each.edges} for each in seen if isinstance(each, Histogram)]  # fmt: skip
    source = Path(__file__).with_name("triton_speaking_model.py")
    return SpeakingModel(name, source=source, families=json.dumps(families), speaks=speaks, is_decoupled=is_decoupled)  # fmt: skip


#: As vLLM's backend and that of TensorRT-LLM are called; the latter is decoupled where it streams.
SPEAKING = (
    _speaking("vllm_model", "text", is_decoupled=True),
    _speaking("ensemble", "ensemble", is_decoupled=False),
    _speaking("tensorrt_llm", "tokens", is_decoupled=False),
    _speaking("tensorrt_llm_streaming", "tokens", is_decoupled=True),
)
