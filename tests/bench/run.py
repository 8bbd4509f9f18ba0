"""Measures and writes `results.md`: the command, or with `cost` what pages cost at scale."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.bench import command_time, cost, cost_report, results


def main() -> int:
    """Measure, write the section, and fail when a promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="?", choices=("command", "cost"), default="command")
    parser.add_argument("--small", action="store_true", help="a sample of the cost, not written")
    chosen = parser.parse_args()
    # Blocks of some gigabytes are removed also when somebody ends the run.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    section = _cost(small=chosen.small) if chosen.what == "cost" else _command()
    print(section)
    if not chosen.small:
        results.write(section)
    return int(not section.is_kept)


def _command() -> results.Section:
    with tempfile.TemporaryDirectory() as folder:
        return command_time.measure(Path(folder))


def _cost(*, small: bool) -> results.Section:
    tools, start = cost.newest_tools(), time.monotonic()

    def say(what: str) -> None:
        print(f"{time.monotonic() - start:6.0f} s  {what}", file=sys.stderr, flush=True)

    size = cost.SMALL if small else cost.FULL
    return cost_report.report(cost.measure(size, tools, say), tools)


if __name__ == "__main__":
    raise SystemExit(main())
