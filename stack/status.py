"""Shows how the stack is: processes and their health, GPUs, targets, and alerts that fire.

Exits with 1 where Docker or Prometheus does not answer, or anything that runs is not well.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from llmstack.preflight.settings import read_env_file

HERE = Path(__file__).resolve().parent
GPU_FIELDS = ("index", "name", "utilization.gpu", "memory.used", "memory.total", "temperature.gpu")


def table(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield rows as lines with columns."""
    lines = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        yield "  " + "  ".join(map(str.ljust, line, widths)).rstrip()


def containers(text: str) -> list[dict[str, Any]]:
    """Return what `docker compose ps --format json` says: one list, or since 2.21 a line each."""
    text = text.strip()
    if text.startswith("["):
        return list(json.loads(text))
    return [json.loads(line) for line in text.splitlines()]


def is_well(container: dict[str, Any]) -> bool:
    """Tell whether a container is as it should be; one that is done is, if it ended well."""
    if container["State"] == "exited":
        return int(container["ExitCode"]) == 0
    return container["State"] == "running" and container["Health"] in ("", "healthy", "starting")


def processes() -> tuple[list[str], bool]:
    """Return a line for each container, and whether all are well."""
    command = ["docker", "compose", "--profile", "*", "ps", "--all", "--format", "json"]
    try:
        done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=30)
    except FileNotFoundError:
        return ["  docker is not installed"], False
    except subprocess.TimeoutExpired:
        return ["  docker does not answer"], False
    if done.returncode != 0:
        return [f"  docker says: {done.stderr.strip().splitlines()[-1]}"], False
    found = sorted(containers(done.stdout), key=lambda each: str(each["Service"]))
    # Those that name targets have ended, and are of interest only when they could not.
    shown = [each for each in found if each["State"] != "exited" or not is_well(each)]
    if not shown:
        return ["  nothing runs; make up PROFILE=… starts it"], False
    rows = [(each["Service"], each["Health"] or each["State"], each["Status"]) for each in shown]
    return list(table(rows)), all(map(is_well, shown))


def gpus() -> list[str]:
    """Return a line for each GPU of the host."""
    if shutil.which("nvidia-smi") is None:
        return ["  nvidia-smi is not here"]
    query = ["nvidia-smi", f"--query-gpu={','.join(GPU_FIELDS)}", "--format=csv,noheader"]
    done = subprocess.run(query, capture_output=True, text=True, timeout=30)
    if done.returncode != 0:
        return [f"  nvidia-smi says: {(done.stdout or done.stderr).strip()}"]
    return list(table(line.split(", ") for line in done.stdout.strip().splitlines()))


def ask(url: str) -> Any:
    """Return the data of an answer of Prometheus."""
    with urllib.request.urlopen(url, timeout=5) as answer:
        return json.load(answer)["data"]


def targets(found: list[dict[str, Any]]) -> list[str]:
    """Return a line for each target of Prometheus."""
    if not found:
        return ["  none"]
    rows = [
        (each["labels"]["job"], each["labels"]["instance"], each["health"], each["lastError"])
        for each in sorted(found, key=lambda each: sorted(each["labels"].items()))
    ]
    return list(table(rows))


def alerts(found: list[dict[str, Any]]) -> list[str]:
    """Return a line for each alert that fires."""
    rows = [
        (
            each["labels"].get("severity", ""),
            each["labels"]["alertname"],
            each["annotations"].get("summary", ""),
        )
        for each in found
        if each["state"] == "firing"
    ]
    return list(table(sorted(rows))) if rows else ["  none"]


def main() -> None:
    """Print all that."""
    file = HERE / ".env"
    environment = {**(read_env_file(file) if file.is_file() else {}), **os.environ}
    host = environment.get("PROMETHEUS_HOST") or "127.0.0.1"
    if host in ("0.0.0.0", "::"):
        host = "127.0.0.1"
    url = f"http://{host}:{environment.get('PROMETHEUS_PORT') or 9090}"
    lines, are_well = processes()
    print("processes", *lines, "GPUs", *gpus(), sep="\n")
    try:
        scraped = ask(f"{url}/api/v1/targets?state=active")["activeTargets"]
        firing = ask(f"{url}/api/v1/alerts")["alerts"]
    except OSError as error:
        print("targets", f"  Prometheus does not answer at {url}: {error}", sep="\n")
        sys.exit(1)
    print("targets", *targets(scraped), "alerts that fire", *alerts(firing), sep="\n")
    sys.exit(0 if are_well and all(each["health"] != "down" for each in scraped) else 1)


if __name__ == "__main__":
    main()
