"""Targets of make, and scripts on the host."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from tests.stack.compose.files import (
    ROOT,
    STACK,
    module,
    program,
    sh,
)

#: Requirement D2.
D2 = """
    up-vllm up-triton up-triton-trt compile-triton-trt down logs status stop test-vllm test-triton
    test-triton-trt load-test load-test-triton load-test-triton-trt setup download vllm gateway
    gpu-exporter monitoring loadtest
"""


def test_targets_of_make() -> None:
    """Those of D2 are there by their names, and each says what it does."""
    makefile = (ROOT / "Makefile").read_text()
    found = set(re.findall(r"^([a-z][a-z-]*):.*## \S", makefile, re.MULTILINE))

    assert set() == set(D2.split()) - found


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "name a profile"),
        (["vlm"], "no profile is called vlm"),
        (["sim", "vllm"], "sim plays all three engines"),
        (["gateway", "vllm"], "gateway is for an engine elsewhere"),
        (["triton-vllm", "tls"], "tls stands before the gateway"),
        (["vllm", "dcgm", "gpu-exporter"], "take one"),
        (["sim", "dcgm"], "sim plays GPUs, too"),
        (["vllm"], "docker is not installed"),
    ],
)
def test_what_up_refuses(arguments: list[str], says: str, tmp_path: Path) -> None:
    """It ends before anything is started, and says why."""
    for name in ("bash", "dirname", "cat"):
        (tmp_path / name).symlink_to(f"/bin/{name}" if name != "dirname" else "/usr/bin/dirname")
    done = sh(STACK / "up", *arguments, PATH=str(tmp_path))

    assert (1, "") == (done.returncode, done.stdout)
    assert says in done.stderr


def test_what_up_starts(tmp_path: Path) -> None:
    """Profiles, GPUs beside an engine on them, and options after --; ours is built unless it is named."""
    program(tmp_path, "docker", 'case "$*" in "compose version" | info | *" ps "*) ;; *) echo "$@" ;; esac')  # fmt: skip
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"

    def started(*arguments: str, **keys: str) -> str:
        done = sh(STACK / "up", *arguments, PATH=path, PREFLIGHT="no", **keys)
        assert 0 == done.returncode, done.stderr
        return done.stdout.strip()

    assert [
        "compose --profile vllm --profile dcgm up --detach --build",
        "compose --profile vllm --profile gpu-exporter up --detach --build",
        "compose --profile triton-vllm --profile triton-trtllm up --detach --build",
        "compose --profile sim up --detach --wait",
        "compose up --detach --build",
    ] == [
        started("vllm"),
        started("vllm", GPU_EXPORTER="gpu-exporter"),
        started("triton-vllm", "triton-trtllm", GPU_EXPORTER="none"),
        started("sim", "--", "--wait", LLMSTACK_IMAGE="mine:1.0"),
        started("monitoring"),
    ]


def test_status_of_containers() -> None:
    """One list, or a line each; what is done well is well."""
    status = module("status.py")
    done = {"Service": "target-vllm", "State": "exited", "Health": "", "ExitCode": 0}
    failed = {**done, "ExitCode": 1}
    running = {"Service": "vllm", "State": "running", "Health": "starting", "ExitCode": 0}
    sick = {**running, "Health": "unhealthy"}

    assert [done, running] == status.containers(json.dumps([done, running]))
    assert [done, running] == status.containers(f"{json.dumps(done)}\n{json.dumps(running)}\n")
    assert [True, False, True, False] == [
        status.is_well(each) for each in (done, failed, running, sick)
    ]


def test_status_of_targets_and_alerts() -> None:
    """Lines with columns; only alerts that fire."""
    status = module("status.py")
    up = {"labels": {"job": "vllm", "instance": "vllm:8000"}, "health": "up", "lastError": ""}
    down = {
        "labels": {"job": "dcgm", "instance": "d:9400"},
        "health": "down",
        "lastError": "refused",
    }
    alert = {
        "state": "firing",
        "labels": {"alertname": "QueueLong", "severity": "warning"},
        "annotations": {"summary": "60 wait"},
    }

    assert ["  dcgm  d:9400     down  refused", "  vllm  vllm:8000  up"] == status.targets(
        [up, down]
    )
    assert ["  warning  QueueLong  60 wait"] == status.alerts(
        [alert, {**alert, "state": "pending"}]
    )
    assert ["  none"] == status.alerts([])
