"""What to do about the Prometheus that pages ask: made when asked for, and never changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from llmdash.grafana.actions import Action, Kind, Verb
from llmdash.grafana.content import Json
from llmdash.grafana.held import HeldDatasource

PROMETHEUS = "prometheus"
#: What an existing one is compared by; the rest is for whoever runs Grafana.
_COMPARED = ("type", "url", "access")


def plan_datasource(wanted: Mapping[str, Any], held: Sequence[HeldDatasource] | None) -> Action:
    """Return what to do about the datasource of a pack, when it was asked for.

    Args:
        wanted: the datasource as in a file that provisions it.
        held: the datasources that are there, or None where the account may not see them.
    """
    what = (Kind.DATASOURCE, str(wanted["uid"]), str(wanted["name"]))
    if held is None:
        return Action(
            Verb.REFUSE,
            *what,
            "the account may not see datasources",
            "give it the role Admin or datasources:read and datasources:create, or make the "
            "datasource by hand",
        )
    for there in held:
        if there.uid == wanted["uid"]:
            return Action(Verb.UNCHANGED, *what, _left_alone(wanted, there))
        if there.name == wanted["name"]:
            reason = f"another one has this name (uid {there.uid}); it is left as it is"
            return Action(Verb.UNCHANGED, *what, reason)
    payload: Json = {
        name: value for name, value in wanted.items() if name not in ("editable", "isDefault")
    }
    # Which one is the default is for whoever runs Grafana, once there is one.
    payload["isDefault"] = not any(there.content.get("isDefault") for there in held)
    return Action(Verb.CREATE, *what, payload=payload)


def _left_alone(wanted: Mapping[str, Any], held: HeldDatasource) -> str:
    differing = [name for name in _COMPARED if wanted.get(name) != held.content.get(name)]
    if not differing:
        return ""
    by = "a file provisions it" if held.is_read_only else "it is left as it is"
    told = ", ".join(
        f"{name} is {held.content.get(name)}, not {wanted.get(name)}" for name in differing
    )
    return f"{by}: {told}"


def prometheus_uids(held: Sequence[HeldDatasource]) -> tuple[str, ...]:
    """Return the uids of those that speak PromQL."""
    return tuple(each.uid for each in held if each.kind == PROMETHEUS)
