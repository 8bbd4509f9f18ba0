"""The fake answers as Grafana's own specification says, where that covers it, and as its releases do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import requests
from jsonschema import Draft7Validator

from llmdash.grafana.client import Answer
from llmdash.testing.grafana import (
    GRAFANA_9,
    GRAFANA_11,
    GRAFANA_13,
    PROFILES,
    TOKEN,
    FakeGrafana,
    Profile,
)
from tests.grafana.pages import page
from tests.grafana.test_contract import rule
from tests.requirements import require

SPECIFICATION = (
    Path(__file__).resolve().parents[3] / "shared" / "reference" / "grafana-openapi3.json"
)
#: Where the specification of 9.4 is wrong about 9.4, or later releases answer with more.
WRONG = {
    # Grafana answers with the number and the slug of a dashboard, not a text and a title
    # (`JSON(http.StatusOK, util.DynMap{"id", "slug", …})` in pkg/api/dashboard.go).
    ("post", "/dashboards/db", "200"): {"id": {"type": "integer"}, "required": ["status", "uid", "version"]},
}  # fmt: skip


@cache
def specification() -> dict[str, Any]:
    named = os.environ.get("LLMDASH_GRAFANA_OPENAPI")
    path = Path(named) if named else SPECIFICATION
    if not path.is_file():
        require("schemas", f"no specification of Grafana's API at {path}")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def resolved(schema: Any) -> Any:
    """A schema of OpenAPI as one of JSON Schema: `nullable` and `$ref` said as that does."""
    if isinstance(schema, list):
        return [resolved(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        *_, kind, name = schema["$ref"].split("/")
        return resolved(specification()["components"][kind][name])
    found = {key: resolved(value) for key, value in schema.items() if key != "format"}
    if "execErrState" in found.get("properties", {}):
        # The specification takes Prometheus's duration, which is sent as text (`5m`), for a number.
        found["properties"]["for"] = {"type": "string"}
    return found


def schema_of(method: str, path: str, status: int) -> Any:
    """What the specification says of an answer: None where it says nothing of its body."""
    # Only paths of version 1 are written with /api.
    path = f"/api{path}" if path.startswith("/v1/") else path
    responses = specification()["paths"][path][method]["responses"]
    answer = resolved(responses[str(status)])
    schema = answer.get("content", {}).get("application/json", {}).get("schema")
    wrong = WRONG.get((method, path, str(status)))
    if wrong is None or schema is None:
        return schema
    schema = deepcopy(schema)
    schema["required"] = wrong["required"]
    schema["properties"] |= {name: value for name, value in wrong.items() if name != "required"}
    return schema


@pytest.fixture
def fake(request: pytest.FixtureRequest) -> Iterator[FakeGrafana]:
    with FakeGrafana(request.param) as running:
        yield running


def ask(fake: FakeGrafana, method: str, path: str, body: Any = None) -> Answer:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    given = requests.request(
        method, f"{fake.url}/api{path}", json=body, headers=headers, timeout=10
    )
    return Answer(given.status_code, given.json() if given.content else None)


RULES = "/v1/provisioning/alert-rules"


def sent_rule() -> dict[str, Any]:
    found = {**rule("One"), "folderUID": "f", "ruleGroup": "g", "orgID": 1}
    return {name: value for name, value in found.items() if name not in ("dashboardUid", "panelId", "keepFiringFor")}  # fmt: skip


#: Requests in order, each with the place in the specification and the status.
REQUESTS: tuple[tuple[str, str, Any, str, int], ...] = (
    ("GET", "/org", None, "/org", 200),
    ("POST", "/folders", {"uid": "f", "title": "F"}, "/folders", 200),
    ("POST", "/folders", {"uid": "f", "title": "G"}, "/folders", 409),
    ("POST", "/folders", {"uid": "g", "title": ""}, "/folders", 400),
    ("GET", "/folders/f", None, "/folders/{folder_uid}", 200),
    ("GET", "/folders/none", None, "/folders/{folder_uid}", 404),
    ("POST", "/dashboards/db", {"dashboard": page(), "folderUid": "f"}, "/dashboards/db", 200),
    ("POST", "/dashboards/db", {"dashboard": page(), "folderUid": "f"}, "/dashboards/db", 412),
    ("POST", "/dashboards/db", {"dashboard": {"uid": "x"}}, "/dashboards/db", 400),
    ("POST", "/dashboards/db", {"dashboard": {"uid": "x" * 41, "title": "X"}}, "/dashboards/db", 400),
    ("POST", "/dashboards/db", {"dashboard": {"uid": "ü", "title": "X"}}, "/dashboards/db", 400),
    ("POST", "/dashboards/db", {"dashboard": {"id": 99, "title": "X"}}, "/dashboards/db", 404),
    ("GET", "/dashboards/uid/llm-a", None, "/dashboards/uid/{uid}", 200),
    ("GET", "/dashboards/uid/none", None, "/dashboards/uid/{uid}", 404),
    ("GET", "/search?type=dash-db", None, "/search", 200),
    ("GET", "/search?type=dash-folder", None, "/search", 200),
    ("GET", "/search?limit=5001", None, "/search", 422),
    ("POST", "/datasources", {"uid": "p", "name": "P", "type": "prometheus", "access": "proxy"}, "/datasources", 200),
    ("POST", "/datasources", {"uid": "q", "name": "P", "type": "prometheus", "access": "proxy"}, "/datasources", 409),
    ("GET", "/datasources", None, "/datasources", 200),
    ("POST", RULES, sent_rule(), RULES, 201),
    ("POST", RULES, sent_rule(), RULES, 400),
    ("GET", f"{RULES}/llmdash-test-One", None, f"{RULES}/{{UID}}", 200),
    ("PUT", f"{RULES}/llmdash-test-One", sent_rule(), f"{RULES}/{{UID}}", 200),
    ("DELETE", f"{RULES}/llmdash-test-One", None, f"{RULES}/{{UID}}", 204),
    ("DELETE", "/dashboards/uid/llm-a", None, "/dashboards/uid/{uid}", 200),
    ("DELETE", "/dashboards/uid/llm-a", None, "/dashboards/uid/{uid}", 404),
)  # fmt: skip


@pytest.mark.schemas
@pytest.mark.parametrize("fake", PROFILES, indirect=True, ids=lambda profile: profile.release)
def test_answers_are_as_specified(fake: FakeGrafana) -> None:
    """Each answer has a status that the specification knows there, and a body of its schema."""
    judged = 0
    for method, path, body, place, status in REQUESTS:
        answer = ask(fake, method, path, body)
        assert status == answer.status, (method, path, answer)
        schema = schema_of(method.lower(), place, status)
        if schema is not None:
            judged += 1
            problems = [error.message for error in Draft7Validator(schema).iter_errors(answer.body)]
            assert [] == problems, (method, path)

    assert judged >= 22


@pytest.mark.schemas
def test_the_oracle_can_object() -> None:
    """A list where an object belongs, a text where a number does."""
    schema = schema_of("get", "/dashboards/uid/{uid}", 200)

    assert list(Draft7Validator(schema).iter_errors([]))
    assert list(Draft7Validator(schema).iter_errors({"meta": {"version": "3"}}))


@pytest.mark.parametrize("fake", [GRAFANA_9], indirect=True, ids=["9.5"])
def test_overwrite_takes_over_a_title(fake: FakeGrafana) -> None:
    """What makes `overwrite` so dangerous there: the other dashboard is gone, under its own uid."""
    ask(fake, "POST", "/dashboards/db", {"dashboard": page("theirs", "Same")})
    body = {"dashboard": page("ours", "Same"), "overwrite": True}
    answer = ask(fake, "POST", "/dashboards/db", body)

    assert (200, "theirs") == (answer.status, answer.body["uid"])
    assert ["theirs"] == list(fake.dashboards.by_uid)


@pytest.mark.parametrize("fake", [GRAFANA_11], indirect=True, ids=["11.6"])
def test_a_folder_that_is_left_out_moves_the_dashboard(fake: FakeGrafana) -> None:
    """To the root, on every update."""
    ask(fake, "POST", "/folders", {"uid": "f", "title": "F"})
    ask(fake, "POST", "/dashboards/db", {"dashboard": page(), "folderUid": "f"})
    ask(fake, "POST", "/dashboards/db", {"dashboard": page(version=1)})

    assert "" == fake.dashboards.by_uid["llm-a"].folder_uid


@pytest.mark.parametrize("fake", PROFILES, indirect=True, ids=lambda profile: profile.release)
def test_each_accepted_write_is_a_version(fake: FakeGrafana) -> None:
    """Also one that changes nothing."""
    for version in (None, 1, 2):
        ask(fake, "POST", "/dashboards/db", {"dashboard": page(version=version)})

    assert 3 == fake.dashboards.by_uid["llm-a"].version


@pytest.mark.parametrize("fake", [GRAFANA_13], indirect=True, ids=["13.0"])
def test_the_search_is_behind(fake: FakeGrafana) -> None:
    """It tells of a write some requests later."""
    ask(fake, "POST", "/dashboards/db", {"dashboard": page()})
    told = [len(ask(fake, "GET", "/search?type=dash-db").body) for _ in range(8)]

    assert (0, 1) == (told[0], told[-1])
    assert sorted(told) == told


MINE = """
import requests

def test_mine(fake_grafana):
    found = requests.get(f"{fake_grafana.url}/api/health", timeout=5).json()
    assert fake_grafana.profile.release == found["version"]
"""


def test_the_fixture_is_public(tmp_path: Path) -> None:
    """A test of a user's own pack takes it, and runs on each release."""
    (tmp_path / "conftest.py").write_text(
        "from llmdash.testing import fake_grafana\n\n__all__ = ['fake_grafana']\n"
    )
    (tmp_path / "test_mine.py").write_text(MINE)
    command = [sys.executable, "-m", "pytest", "-q", "--rootdir", str(tmp_path), str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True)

    assert f"{len(PROFILES)} passed" in done.stdout, done.stdout + done.stderr


def test_profiles_are_told_apart() -> None:
    """Each release differs from the one before in something."""
    told = [{**vars(profile), "release": ""} for profile in PROFILES]

    assert all(isinstance(each, Profile) for each in PROFILES)
    assert [1, 2, 3] == [n for n in (1, 2, 3) if told[n] != told[n + 1]]
