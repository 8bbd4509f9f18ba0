"""The program: a sampler and a server, until it is told to end."""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from llmstack.gpu_exporter.exposition import Exposition
from llmstack.gpu_exporter.sampler import Sampler
from llmstack.gpu_exporter.server import ExporterServer
from llmstack.gpu_exporter.settings import Settings


def run(settings: Settings, say: Callable[[str], None]) -> None:
    """Sample and serve until SIGTERM or SIGINT.

    Raises:
        ListenError: nobody can listen at the address.
        ModuleNotFoundError: GPUs are not simulated, and nvidia-ml-py is not installed.
    """
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    library = _library(settings)
    sampler = Sampler(library, settings)
    exposition = Exposition(settings.names, socket.gethostname(), settings.stale_after)
    address = (settings.host, settings.port)
    with ExporterServer(address, exposition, lambda: sampler.snapshot, time.monotonic) as server:
        sampler.start()
        say(f"GPU metrics at {server.url}/metrics")
        try:
            ended.wait()
        finally:
            sampler.stop()


def _library(settings: Settings) -> Any:
    if settings.simulate:
        from llmstack.gpu_exporter.simulated import SimulatedNvml

        return SimulatedNvml(settings.simulate, settings.seed)
    import pynvml

    return pynvml
