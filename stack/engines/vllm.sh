#!/usr/bin/env bash
# Starts vLLM with what .env says; whatever is empty there is vLLM's own default. In the container of the
# profile vllm it is the entrypoint; `make vllm` starts it on the host.

set -euo pipefail

# Docker Compose passes on what is empty in .env, which these would take for a value.
if [[ -z "${HF_TOKEN:-}" ]]; then unset HF_TOKEN; fi
# The name of our key is also vLLM's, for ports that its processes use among themselves.
unset VLLM_PORT
if [[ -n "${GPUS:-}" ]]; then export CUDA_VISIBLE_DEVICES="$GPUS"; fi
export TORCH_NCCL_BLOCKING_WAIT="${TORCH_NCCL_BLOCKING_WAIT:-1}"

if [[ -z "${MODEL_NAME:-}" ]]; then
    echo 'vllm.sh: set MODEL_NAME to a model, such as Qwen/Qwen3-8B' >&2
    exit 1
fi

# Prints 17 for 0.17.1; nothing where the version cannot be read.
minor_of_vllm() {
    python3 -c 'from importlib.metadata import version; print(version("vllm"))' 2> /dev/null |
        sed -n 's/^0\.\([0-9]*\).*/\1/p'
}

arguments=(serve "$MODEL_NAME" --host "${LISTEN_HOST:-0.0.0.0}" --port "${LISTEN_PORT:-8000}")
# option VARIABLE --flag
option() { if [[ -n "${!1:-}" ]]; then arguments+=("$2" "${!1}"); fi; }
option SERVED_MODEL_NAME --served-model-name
option TP_SIZE --tensor-parallel-size
option PP_SIZE --pipeline-parallel-size
option QUANTIZATION --quantization
option DTYPE --dtype
option GPU_MEMORY_UTILIZATION --gpu-memory-utilization
option MAX_MODEL_LEN --max-model-len
option MAX_NUM_SEQS --max-num-seqs
option MAX_NUM_BATCHED_TOKENS --max-num-batched-tokens
if [[ -n "${SWAP_SPACE_GB:-}" ]]; then
    minor="$(minor_of_vllm)"
    # 0.18 took the flag away (vllm-project/vllm#36216).
    if [[ -n "$minor" && "$minor" -lt 18 ]]; then
        option SWAP_SPACE_GB --swap-space
    else
        echo 'vllm.sh: SWAP_SPACE_GB is left out: vLLM has no swap space from 0.18 on' >&2
    fi
fi
# Ours is lower case in places; vLLM knows Python's levels.
if [[ -n "${LOG_LEVEL:-}" ]]; then export VLLM_LOGGING_LEVEL="${LOG_LEVEL^^}"; fi

exec vllm "${arguments[@]}"
