"""Every incident of `make demo`, for as long as its alerts take: those that must fire do, no others."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from llmstack.simulator.incidents import KINDS
from tests.live.process import started_in, wait_until
from tests.prometheus_tools import found_tools
from tests.requirements import require
from tests.stack.demo.running import Demo

ROOT = Path(__file__).resolve().parents[2]
#: An incident begins after a minute; the slowest alert takes ten more, and what it rests on.
SECONDS = 16 * 60.0


@dataclass(frozen=True)
class Expected:
    """What an incident fires."""

    #: These must.
    alerts: frozenset[str]
    #: These may: they follow from the first, sooner or later.
    followers: frozenset[str] = frozenset()


def fires(*alerts: str, may: tuple[str, ...] = ()) -> Expected:
    return Expected(frozenset(alerts), frozenset(may))


OVERLOAD = ("AnswersSlow", "FirstTokenSlow", "QueueGrowing", "QueueLong", "RequestsFailing")
#: By the incident; without one nothing fires.
EXPECTED = {
    "": fires(),
    "slow-prefill": fires("FirstTokenSlow", "SloErrorBudgetBurn", may=(*OVERLOAD, "TokensSlow")),
    # What is left of the cache may just do.
    "kv-exhaustion": fires(
        *("KvCacheFull", "KvCacheNearlyFull"),
        may=(*OVERLOAD, "PreemptionStorm", "SloErrorBudgetBurn"),
    ),
    "hang": fires("RequestsFailing", "ServerNotServing", "SloErrorBudgetBurn", may=OVERLOAD),
    "errors": fires("RequestsFailing", "SloErrorBudgetBurn"),
    "crash": fires("AllTargetsDown", "RequestsFailing", "SloErrorBudgetBurn", "TargetsDown"),
    "bad-replica": fires("ReplicaSlow", may=("SloErrorBudgetBurn",)),
}


def made(incident: str, folder: Path) -> Demo:
    """`make demo` with an incident, or without one."""
    own = folder / (incident or "none")
    own.mkdir()
    command = ["make", "--no-print-directory", "demo"]
    return Demo([*command, f"INCIDENT={incident}"] if incident else command, own, ROOT)


@pytest.fixture(scope="module")
def demos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Demo]]:
    """All of them at once, until each has fired what it must."""
    if not any(tools.prometheus and tools.alertmanager for tools in found_tools()):
        require("prom3", "no Prometheus with an Alertmanager beside it")
    found: dict[str, Demo] = {}
    folder = tmp_path_factory.mktemp("incidents")
    try:
        for incident in EXPECTED:
            demo = found[incident] = made(incident, folder)
            # Each chooses its ports when it starts, and must have them before the next does.
            wait_until(lambda demo=demo: "prometheus is ready" in demo.text or demo.has_ended, within=120, what=incident)  # type: ignore[misc]  # fmt: skip
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            late = [name for name, demo in found.items() if not EXPECTED[name].alerts <= demo.fired]
            if not late or any(demo.has_ended for demo in found.values()):
                break
            time.sleep(5)
        yield found
    finally:
        for demo in found.values():
            demo.end()


def test_every_incident_is_expected() -> None:
    """Those that the simulator knows, and a day without any."""
    assert {"", *KINDS} == EXPECTED.keys()


@pytest.mark.promtool
@pytest.mark.parametrize("incident", EXPECTED, ids=[name or "none" for name in EXPECTED])
def test_the_alerts_that_must_fire_do_and_no_others(incident: str, demos: dict[str, Demo]) -> None:
    """Its table was live, and still was when the last alert of all incidents had fired."""
    demo, expected = demos[incident], EXPECTED[incident]

    assert not demo.has_ended, demo.text[-2000:]
    assert demo.live
    assert expected.alerts <= demo.fired, demo.text[-2000:]
    assert frozenset() == demo.fired - expected.alerts - expected.followers


@pytest.mark.promtool
def test_nothing_is_left_of_any(demos: dict[str, Demo]) -> None:
    """Ctrl-C ends each with all of its programs."""
    for demo in demos.values():
        demo.end()

    assert [] == [command for demo in demos.values() for command in started_in(demo.folder)]
