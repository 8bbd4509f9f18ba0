"""Starts vLLM and Triton until interrupted, for trials by hand: `python -m tests.live.serve`."""

from __future__ import annotations

import signal
import sys
import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path

from tests.live.traffic import triton_traffic, vllm_traffic
from tests.live.triton_server import triton_server
from tests.live.vllm_server import vllm_server


def main() -> None:
    """Print the variables that lead the tests to these servers; `--traffic` also sends some."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        vllm = stack.enter_context(vllm_server(folder / "vllm"))
        triton = stack.enter_context(triton_server(folder / "triton"))
        if "--traffic" in sys.argv[1:]:
            stack.enter_context(triton_traffic(triton, limit=10**9, seconds=3600))
            stack.enter_context(vllm_traffic(vllm, limit=10**9, seconds=3600))
        print(f"export LLMDASH_VLLM_URL={vllm.base_url}")
        print(f"export LLMDASH_TRITON_URL={triton.metrics_base_url}")
        print(f"export LLMDASH_TRITON_HTTP_URL={triton.http_url}", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        main()
    except KeyboardInterrupt:
        print("stopped")
