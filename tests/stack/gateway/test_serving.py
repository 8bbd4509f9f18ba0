"""The gateway as a process: it starts with one command, and ends when it has answered."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time

import requests

from tests.live.process import free_port
from tests.stack.gateway.engine import FakeEngine, Loop

KEY = "sk-of-the-process-0123456789"
PROMPT = "a prompt that nobody may read in a log"


class Process:
    """`llmstack gateway` with its own metrics port, in front of a fake engine."""

    def __init__(self, engine: int) -> None:
        self.port, self.metrics = free_port(), free_port()
        environment = {
            **os.environ,
            "GATEWAY_PORT": str(self.port),
            "GATEWAY_METRICS_PORT": str(self.metrics),
            "GATEWAY_UPSTREAMS": f"http://127.0.0.1:{engine}",
            "GATEWAY_API_KEYS": KEY,
        }
        command = [sys.executable, "-m", "llmstack", "gateway"]
        self.process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 20
        while not self.is_ready() and time.monotonic() < deadline:
            time.sleep(0.05)

    def is_ready(self) -> bool:
        try:
            return requests.get(f"http://127.0.0.1:{self.port}/ready", timeout=5).ok
        except requests.RequestException:
            return False

    def ask(self, **body: object) -> requests.Response:
        asked = {"model": "tiny", "messages": [{"role": "user", "content": PROMPT}], **body}
        headers = {"Authorization": f"Bearer {KEY}"}
        url = f"http://127.0.0.1:{self.port}/v1/chat/completions"
        return requests.post(url, json=asked, headers=headers, timeout=20)


def test_it_drains_when_it_is_told_to_end(loop: Loop) -> None:
    """A stream that is running comes to its end; then the process ends well, and its log tells no secrets."""
    engine = FakeEngine()
    gateway = Process(loop.serve(engine.application(), handler_cancellation=True))
    answers: list[requests.Response] = []
    try:
        running = threading.Thread(
            target=lambda: answers.append(gateway.ask(stream=True, max_tokens=50, pause=0.02))
        )
        running.start()
        deadline = time.monotonic() + 20
        while not engine.running and time.monotonic() < deadline:
            time.sleep(0.01)
        shown = requests.get(f"http://127.0.0.1:{gateway.metrics}/metrics", timeout=10).text
        elsewhere = requests.get(f"http://127.0.0.1:{gateway.port}/metrics", timeout=10).status_code
        gateway.process.send_signal(signal.SIGTERM)
        running.join(20)
        _, log = gateway.process.communicate(timeout=20)
    finally:
        gateway.process.kill()
        gateway.process.wait()

    assert 0 == gateway.process.returncode
    assert answers[0].text.endswith("data: [DONE]\n\n")
    assert 'gateway_active_requests{model="tiny",stream="true"} 1.0' in shown
    assert 404 == elsewhere
    lines = [json.loads(line) for line in log.splitlines()]
    (told,) = [line for line in lines if line["event"] == "request"]
    assert ("ok", 200, 50, True) == (
        told["outcome"],
        told["status"],
        told["completion_tokens"],
        told["stream"],
    )
    assert KEY not in log
    assert PROMPT not in log
