"""Datasources of the fake Grafana."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

from llmdash.testing.grafana.replies import Asked, Reply, refused


@dataclass
class Datasources:
    """All datasources of an organisation."""

    held: list[dict[str, Any]] = field(default_factory=list)

    def put(self, uid: str, name: str, kind: str = "prometheus", **more: Any) -> None:
        """Make one as somebody else would."""
        self.held.append(
            {
                "id": len(self.held) + 1,
                "uid": uid,
                "orgId": 1,
                "name": name,
                "type": kind,
                "access": "proxy",
                "url": "",
                "isDefault": False,
                "jsonData": {},
                "readOnly": False,
                **more,
            }
        )

    def give_all(self) -> Reply:
        """Answer GET /api/datasources."""
        return Reply(200, copy.deepcopy(self.held))

    def make(self, asked: Asked) -> Reply:
        """Answer POST /api/datasources."""
        body = dict(asked.body or {})
        if any(each["name"] == body["name"] or each["uid"] == body["uid"] for each in self.held):
            return refused(409, "data source with the same name or uid already exists")
        self.put(body.pop("uid"), body.pop("name"), body.pop("type"), **body)
        made = copy.deepcopy(self.held[-1])
        said = {"datasource": made, "id": made["id"], "message": "Datasource added"}
        return Reply(200, {**said, "name": made["name"]})
