"""Starts vLLM and Tritons until interrupted, for trials by hand: `python -m tests.live.serve`."""

from __future__ import annotations

import signal
import sys
import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path

from tests.live.traffic import triton_traffic, vllm_traffic
from tests.live.triton_families import TENSORRT_LLM_BACKEND, VLLM_BACKEND
from tests.live.triton_server import DEFAULT_MODELS, triton_server
from tests.live.vllm_server import vllm_server

TRITONS = {
    "TRITON": DEFAULT_MODELS,
    "TRITON_VLLM": VLLM_BACKEND,
    "TRITON_TRTLLM": TENSORRT_LLM_BACKEND,
}


def main() -> None:
    """Print the variables that lead the tests to these servers; `--traffic` also sends some."""
    sends = "--traffic" in sys.argv[1:]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        vllm = stack.enter_context(vllm_server(folder / "vllm"))
        print(f"export LLMDASH_VLLM_URL={vllm.base_url}")
        if sends:
            stack.enter_context(vllm_traffic(vllm, limit=10**9, seconds=3600))
        for name, models in TRITONS.items():
            triton = stack.enter_context(triton_server(folder / name, models=models))
            print(f"export LLMDASH_{name}_URL={triton.metrics_base_url}")
            print(f"export LLMDASH_{name}_HTTP_URL={triton.http_url}", flush=True)
            if sends:
                stack.enter_context(triton_traffic(triton, models, limit=10**9, seconds=3600))
        threading.Event().wait()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        main()
    except KeyboardInterrupt:
        print("stopped")
