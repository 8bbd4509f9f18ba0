"""A Prometheus 3 makes native histograms of what is scraped, and promises count the same in both."""

from __future__ import annotations

from pathlib import Path

from llmdash.artifacts import write
from llmdash.compiler import compile_pack
from llmdash.pack import DEFAULT, Pack
from llmdash.promql.printer import RULES, to_text
from llmdash.slos.events import Events
from llmdash.slos.rules import Promises
from llmdash.slos.slo import Within
from tests.live.fleets import Generation, made_fleet
from tests.live.process import wait_until
from tests.live.prometheus_server import PrometheusServer, prometheus_server, write_targets
from tests.prometheus_tools import tools_of_major
from tests.requirements import require

NATIVE = Pack(native_histograms=True)


def asked(found: Promises) -> dict[tuple[str, str, str], str]:
    """What is counted of latencies, by promise, source and kind."""
    texts = {}
    for one in found.counted:
        if isinstance(one.slo.indicator, Within):
            assert one.events is not None
            for kind, text in parts(one.events).items():
                texts[one.slo.name, one.source.name, kind] = text
    return texts


def parts(events: Events) -> dict[str, str]:
    kinds = {"good": events.good, "total": events.total, "tolerable": events.tolerable}
    return {kind: to_text(of, RULES) for kind, of in kinds.items() if of is not None}


def test_promises_count_alike_in_native_histograms(tmp_path: Path) -> None:
    """Each count of each promise of a latency is what the classic buckets say at that moment."""
    binary = tools_of_major(3).prometheus
    if binary is None:
        require("prom3", "promtool 3.x has no Prometheus beside it")
    write(compile_pack(NATIVE).artifacts, tmp_path / "built")
    configuration = tmp_path / "built" / "prometheus"
    native, classic = asked(NATIVE.promises), asked(DEFAULT.promises)
    totals = [text for (_, _, kind), text in native.items() if kind == "total"]
    with made_fleet((each, Generation.NEWEST) for each in NATIVE.sources) as fleet:
        write_targets(configuration, fleet.targets)
        arguments = ("--enable-feature=native-histograms",)
        with prometheus_server(binary, configuration, tmp_path, arguments) as server:
            wait_until(
                lambda: all(server.query(f"({text}) > 0") for text in totals),
                within=120,
                what="observations are counted of every latency",
            )
            differ = list(differences(server, native, classic))

    assert native.keys() == classic.keys()
    assert [] == differ


def differences(
    server: PrometheusServer,
    native: dict[tuple[str, str, str], str],
    classic: dict[tuple[str, str, str], str],
) -> list[str]:
    """What the two say of one moment where they say something else."""
    ((_, now),) = server.query("time()")
    found = []
    for key, text in native.items():
        first, second = (
            {
                tuple(sorted(labels.items())): round(value, 6)
                for labels, value in server.query(of, now)
            }
            for of in (text, classic[key])
        )
        if first != second:
            found.append(f"{key}: {first}, classic {second}")
    return found
