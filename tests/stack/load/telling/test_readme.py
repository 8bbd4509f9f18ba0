"""What the README says of a run that is watched: its command, and the series that it shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.live.process import free_port, wait_until
from tests.stack.load.simulated import simulated
from tests.stack.load.telling.told_servers import page_at

ROOT = Path(__file__).resolve().parents[4]
README = (ROOT / "README.md").read_text()


def series(text: str) -> set[str]:
    """The series of a page, whatever the model is called."""
    lines = [line for line in text.splitlines() if line.startswith("load_")]
    return {re.sub(r'model="[^"]*"', "", line.rpartition(" ")[0]) for line in lines}


def test_a_run_shows_what_the_readme_shows() -> None:
    """The command as it stands there, on other ports and not for a minute."""
    blocks = re.findall(r"^```text\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    (block,) = [each for each in blocks if "--metrics-port" in each]
    command, told, *_ = block.splitlines()
    port = free_port()
    with simulated() as url:
        changed = command.removeprefix("$ llmstack ").replace("http://127.0.0.1:8000", url)
        words = changed.replace("--duration 60", "--duration 3").replace("9103", str(port)).split()
        environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'stack'}", "PYTHONUNBUFFERED": "1"}  # fmt: skip
        with subprocess.Popen([sys.executable, "-m", "llmstack", *words], env=environment, stdout=subprocess.PIPE, text=True) as process:  # fmt: skip
            assert process.stdout is not None
            said = process.stdout.readline()
            page = said.split()[-1]
            wait_until(
                lambda: series(block) <= series(page_at(page)), within=30, what="all is shown"
            )
            wait_until(lambda: process.poll() is not None or not page_at(page), within=60, what="it ends")  # fmt: skip
            process.stdout.read()

    assert re.sub(r"run \w+|\d+/metrics", "", told) == re.sub(r"run \w+|\d+/metrics", "", said.strip())  # fmt: skip
