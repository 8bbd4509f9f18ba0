"""Our side of the comparison: a pack with the two example promises, built as any other."""

from __future__ import annotations

from functools import cache
from typing import Any

from llmdash.compiler import compile_pack
from llmdash.pack import Pack
from llmdash.slos.slo import Outcomes, Slo, Within
from llmdash.sources import gateway, vllm
from llmdash.sources.source import Role
from tests.bench.slo_scenarios import Kind

PACK = Pack(
    sources=(gateway(), vllm()),
    shared_pages=(),
    engine_pages=(),
    source_pages={},
    slos=(
        Slo(
            name=Kind.AVAILABILITY.value,
            title="Requests answered without error",
            indicator=Outcomes(),
            objective=0.999,
            roles=(Role.GATEWAY,),
        ),
        Slo(
            name=Kind.LATENCY.value,
            title="First token within 2.5 s",
            indicator=Within("time_to_first_token", 2.5),
            objective=0.95,
            roles=(Role.ENGINE,),
        ),
    ),
)


@cache
def our_groups() -> tuple[dict[str, Any], ...]:
    """Return the groups of the promises' rules, and before them what their alerts read besides."""
    build = compile_pack(PACK)
    if build.problems:
        raise ValueError("\n".join(str(problem) for problem in build.problems))
    up = PACK.layer.gauge("up", "sum").series.name
    all_groups = [group for content in build.rules.values() for group in content["groups"]]
    serving = [rule for group in all_groups for rule in group["rules"] if rule.get("record") == up]
    promised = [group for group in all_groups if group["name"].startswith("llmdash-slo")]
    return ({"name": "serving", "interval": "30s", "rules": serving}, *promised)
