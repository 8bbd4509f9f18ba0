"""The versions of promtool and Prometheus on this machine, as `stack/prometheus.sh --found` lists them."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.requirements import require

FINDER = Path(__file__).resolve().parents[1] / "stack" / "prometheus.sh"
MAJORS = (2, 3)

Version = tuple[int, ...]


@dataclass(frozen=True)
class PrometheusTools:
    """The programs of one version; a program that was not found is None."""

    version: Version
    promtool: Path
    prometheus: Path | None
    alertmanager: Path | None


def read_tools(listing: str) -> tuple[PrometheusTools, ...]:
    """Return what a listing of the finder says, one line a version, oldest first."""
    found = []
    for line in listing.splitlines():
        version, promtool, *servers = line.split("\t")
        prometheus, alertmanager = (None if path == "-" else Path(path) for path in servers)
        found.append(
            PrometheusTools(
                tuple(int(number) for number in version.split(".")),
                Path(promtool),
                prometheus,
                alertmanager,
            )
        )
    return tuple(found)


@cache
def found_tools() -> tuple[PrometheusTools, ...]:
    """Return every version found, oldest first; nothing is installed."""
    command = ["bash", str(FINDER), "--found"]
    return read_tools(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def tools_of_major(major: int) -> PrometheusTools:
    """Return the tools of a major, or end the test: the oldest 2.x (our floor), the newest 3.x."""
    of_major = [tools for tools in found_tools() if tools.version[0] == major]
    if not of_major:
        require(f"prom{major}", f"no promtool {major}.x; stack/prometheus.sh --prometheus{major}")
    return of_major[0] if major == min(MAJORS) else of_major[-1]


def said_against(promtool: Path, *tests: Path | str) -> str:
    """Return what promtool says of rule tests that fail; nothing when all pass."""
    command = [str(promtool), "test", "rules", *map(str, tests)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    return done.stdout + done.stderr if done.returncode else ""
