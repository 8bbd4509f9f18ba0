"""Measures and writes `results.md`: the command, with `push` how long a push plans, with `gateway`
what the gateway costs beside others, with `simulator` how far its tokens are from its model's, with
`normalising` how fast a trace is made ready, with `load` what load reads and costs, with `cost` what
pages cost at scale, with `slo` what promises cost and, in `slo_differential.md`, how they do beside
those of other generators.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.bench import (
    command_time,
    cost,
    cost_report,
    demo_time,
    load,
    normalising,
    push_time,
    results,
    simulator,
    slo_cost,
    slo_differential,
    slo_report,
    slo_scenarios,
)
from tests.bench.gateway import report as gateway_report


def main() -> int:
    """Measure, write the section, and fail when a promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "what",
        nargs="?",
        choices=(
            "command",
            "push",
            "gateway",
            "simulator",
            "normalising",
            "load",
            "demo",
            "cost",
            "slo",
        ),
        default="command",
    )
    parser.add_argument("--small", action="store_true", help="a sample of a cost, not written")
    chosen = parser.parse_args()
    # Blocks of some gigabytes are removed also when somebody ends the run.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    section, faults = _measured(chosen.what, small=chosen.small)
    print(section)
    if not chosen.small:
        results.write(section)
    for fault in faults:
        print(fault, file=sys.stderr)
    return int(bool(faults) or not section.is_kept)


def _measured(what: str, *, small: bool) -> tuple[results.Section, list[str]]:
    """Return a section, and what is not as promised besides."""
    match what:
        case "cost":
            return _cost(small=small), []
        case "slo":
            return _slo(small=small)
        case "push":
            return push_time.measure(), []
        case "demo":
            return demo_time.measure(), []
        case "simulator":
            return simulator.section(simulator.measure(), simulator.first_tokens()), []
        case "normalising":
            return normalising.measure(), []
        case "load":
            return load.section(load.measure(), load.compare(print)), []
        case "gateway":
            return gateway_report.section(gateway_report.compare(_sayer())), []
    return _command(), []


def _command() -> results.Section:
    with tempfile.TemporaryDirectory() as folder:
        return command_time.measure(Path(folder))


def _cost(*, small: bool) -> results.Section:
    tools = cost.newest_tools()
    size = cost.SMALL if small else cost.FULL
    return cost_report.report(cost.measure(size, tools, _sayer()), tools)


def _slo(*, small: bool) -> tuple[results.Section, list[str]]:
    tools, say = cost.newest_tools(), _sayer()
    scenarios = slo_scenarios.SCENARIOS[:1] if small else slo_scenarios.SCENARIOS
    say(f"{len(scenarios)} scenarios")
    compared = slo_differential.compare(tools.promtool, scenarios)
    if not small:
        slo_report.PAGE.write_text(slo_report.page(compared, tools))
    size = slo_cost.SMALL if small else slo_cost.FULL
    with cost.bench_folder() as folder:
        section = slo_report.cost_section(size, slo_cost.measure(size, tools, folder, say), tools)
    return section, [fault for one in compared for fault in one.faults()]


def _sayer() -> cost.Say:
    start = time.monotonic()

    def say(what: str) -> None:
        print(f"{time.monotonic() - start:6.0f} s  {what}", file=sys.stderr, flush=True)

    return say


if __name__ == "__main__":
    raise SystemExit(main())
