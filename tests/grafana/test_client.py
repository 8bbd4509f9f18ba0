"""What is tried again, what is given up, and what each failure says; secrets are never said."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import requests

from llmdash.errors import GrafanaError, RefusedError, UnansweredError
from llmdash.grafana.client import TRIES, Client
from llmdash.grafana.credentials import Credentials, credentials_of
from llmdash.testing.grafana import GRAFANA_11, PAGE, PASSWORD, TOKEN, USER, FakeGrafana, Reply
from tests.grafana.pages import client_of


@pytest.fixture
def fake() -> Iterator[FakeGrafana]:
    with FakeGrafana(GRAFANA_11) as running:
        yield running


def busy(status: int, **headers: str) -> Reply:
    return Reply(status, {"message": "later"}, headers=headers)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_question_is_asked_again(fake: FakeGrafana, status: int) -> None:
    """What only reads may be asked as often as it takes."""
    fake.answer(busy(status), times=TRIES - 1)

    assert 1 == client_of(fake.url).get("/api/org").body["id"]
    assert [status] * (TRIES - 1) + [200] == [each.status for each in fake.seen]


def test_a_cut_question_is_asked_again(fake: FakeGrafana) -> None:
    """Connections that break are nothing that a second try does not mend."""
    fake.cut(0, "before")
    fake.cut(1, "after")

    assert 1 == client_of(fake.url).get("/api/org").body["id"]
    assert [0, 0, 200] == [each.status for each in fake.seen]


@pytest.mark.parametrize(("status", "tried"), [(429, TRIES), (502, 1), (503, 1), (504, 1), (400, 1), (401, 1), (403, 1), (404, 1), (409, 1), (412, 1), (422, 1), (500, 1)])  # fmt: skip
def test_a_write_is_tried_again_only_when_it_surely_did_not_happen(
    fake: FakeGrafana, status: int, tried: int
) -> None:
    """A rate limit refuses before anything happens; of the others nobody knows, or no try helps."""
    fake.answer(busy(status), times=100)
    expected = UnansweredError if status in (502, 503, 504) else RefusedError
    with pytest.raises(expected, match=str(status)):
        client_of(fake.url).write("POST", "/api/folders", {"title": "A"})

    assert tried == len(fake.seen)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_cut_write_is_not_tried_again(fake: FakeGrafana, when: str) -> None:
    """It may have happened."""
    fake.cut(0, "after" if when == "after" else "before")
    with pytest.raises(UnansweredError, match="no answer"):
        client_of(fake.url).write("POST", "/api/folders", {"uid": "f", "title": "A"})

    assert 1 == len(fake.seen)
    assert (when == "after") is ("f" in fake.folders.by_uid)


@pytest.mark.parametrize(
    ("asked", "expected"), [("7", [7.0]), ("0.5", [0.5]), ("soon", [0.5]), ("", [0.5]), ("Thu, 01 Jan 1970 00:00:00 GMT", [0.5])]
)  # fmt: skip
def test_retry_after_is_heeded(fake: FakeGrafana, asked: str, expected: list[float]) -> None:
    """In seconds or as a date; what says nothing is waited for as usual."""
    waited: list[float] = []
    fake.answer(busy(429, **{"Retry-After": asked}))
    client_of(fake.url, wait=waited.append).get("/api/org")

    assert expected == waited


def test_pauses_grow(fake: FakeGrafana) -> None:
    """Twice as long each time."""
    waited: list[float] = []
    fake.answer(busy(503), times=5)
    client_of(fake.url, wait=waited.append).get("/api/org")

    assert [0.5, 1.0, 2.0, 4.0, 8.0] == waited


def test_nobody_waits_for_an_hour(fake: FakeGrafana) -> None:
    """A server that asks for so much is told of instead."""
    fake.answer(busy(429, **{"Retry-After": "3600"}))
    with pytest.raises(GrafanaError, match="it asks to wait 3600 s; try again then"):
        client_of(fake.url).get("/api/org")


# --- what is no Grafana ----------------------------------------------------------------------------


def test_a_page_is_no_answer(fake: FakeGrafana) -> None:
    """A login page, or a proxy's, with 200 or not."""
    for reply in (PAGE, Reply(404, PAGE.body, PAGE.kind)):
        fake.answer(reply)
        with pytest.raises(GrafanaError, match=r"with a page \(text/html\).*login page.*root_url"):
            client_of(fake.url).get("/api/org")


def test_the_sub_path_is_part_of_the_address() -> None:
    """Without it a page comes back, with it the answer; a slash at its end is none too many."""
    with FakeGrafana(GRAFANA_11, sub_path="/grafana") as fake:
        assert "ok" == client_of(f"{fake.url}/").get("/api/health").body["database"]
        with pytest.raises(GrafanaError, match="root_url"):
            client_of(fake.url.removesuffix("/grafana")).get("/api/health")


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("https://grafana.example/api/org", "redirects to https://grafana.example/api/org; give the address"),
        ("/login?from=here", "redirects to a login page; give a service account's token"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_redirects_are_not_followed(
    fake: FakeGrafana, location: str, expected: str, method: str
) -> None:
    """They turn POST into GET, and take the credentials elsewhere."""
    fake.answer(Reply(302, None, headers={"Location": location}))
    client = client_of(fake.url)
    with pytest.raises(GrafanaError, match=expected):
        client.get("/api/org") if method == "GET" else client.write(method, "/api/org")

    assert 1 == len(fake.seen)


def test_a_redirect_that_nobody_can_read(fake: FakeGrafana) -> None:
    """Letters beyond ASCII in a header are an error like others."""
    fake.answer(Reply(302, None, headers={"Location": "/lög"}))
    with pytest.raises(GrafanaError, match=r"GET .*/api/org: no answer"):
        client_of(fake.url).get("/api/org")


def test_half_a_document_is_no_answer(fake: FakeGrafana) -> None:
    """Said as such, with the status."""
    fake.answer(Reply(200, '{"id": 1', "application/json"))
    with pytest.raises(GrafanaError, match="answers 200 with half a JSON document"):
        client_of(fake.url).get("/api/org")


def test_nobody_there() -> None:
    """After all tries, with the address."""
    with FakeGrafana() as fake:
        url = fake.url
    with pytest.raises(
        GrafanaError, match=rf"GET {url}/api/health: no answer \(Connection refused\)"
    ):
        client_of(url).get("/api/health")


def test_an_answer_that_takes_too_long(fake: FakeGrafana) -> None:
    """Said with the option that allows more."""
    fake.latency = 0.4
    with pytest.raises(UnansweredError, match="no answer in time; see --timeout"):
        client_of(fake.url, timeout=0.05).write("POST", "/api/folders", {})


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("grafana:3000", "expected --grafana-url http"),
        ("ftp://grafana", "expected --grafana-url http"),
        ("http://", "expected --grafana-url http"),
        ("http://grafana/?orgId=1", "without . and #"),
        ("http://admin:secret-word@grafana", "holds a user or password"),
    ],
)
def test_addresses_that_are_none(url: str, expected: str) -> None:
    """Found before anything is asked; a password in one is not repeated."""
    with pytest.raises(GrafanaError, match=expected) as found:
        Client(url)

    assert "secret-word" not in str(found.value)


# --- who we are --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "status"),
    [
        (Credentials(token=TOKEN), 200),
        (Credentials(user=USER, password=PASSWORD), 200),
        (Credentials(token="wrong"), 401),
        (Credentials(user=USER, password="wrong"), 401),
        (Credentials(), 401),
    ],
)
def test_credentials_are_sent(fake: FakeGrafana, given: Credentials, status: int) -> None:
    """A token, or a user and a password, of any letters."""
    client = client_of(fake.url, credentials=given)
    if status == 200:
        assert 200 == client.get("/api/org").status
        return
    with pytest.raises(
        RefusedError, match="401 Unauthorized; give a service account's token in GRAFANA_TOKEN"
    ):
        client.get("/api/org")


def test_netrc_is_left_alone(
    fake: FakeGrafana, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands there for the host is somebody's, and would replace ours."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login other password other\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    fake.is_open = True

    assert ("other", "other") == requests.utils.get_netrc_auth(fake.url)
    assert 200 == client_of(fake.url).get("/api/org").status
    assert 200 == client_of(fake.url, credentials=Credentials()).get("/api/org").status


@pytest.mark.parametrize(
    ("environment", "files", "expected"),
    [
        ({}, (None, None), Credentials()),
        ({"GRAFANA_TOKEN": "t"}, (None, None), Credentials(token="t")),
        ({}, ("  t  \nmore\n", None), Credentials(token="t")),
        ({"GRAFANA_USER": "u", "GRAFANA_PASSWORD": "p"}, (None, None), Credentials("", "u", "p")),
        ({"GRAFANA_USER": "u", "GRAFANA_PASSWORD": "p"}, (None, "q\n"), Credentials("", "u", "q")),
    ],
)  # fmt: skip
def test_where_credentials_come_from(
    environment: dict[str, str], files: tuple[str | None, str | None], expected: Credentials
) -> None:
    """The environment, or files that are named for them."""
    assert expected == credentials_of(environment, *files)


@pytest.mark.parametrize(
    ("environment", "files", "expected"),
    [
        ({"GRAFANA_TOKEN": "t", "GRAFANA_USER": "u", "GRAFANA_PASSWORD": "p"}, (None, None), "both a token and a user"),
        ({"GRAFANA_USER": "u"}, (None, None), "GRAFANA_PASSWORD is missing"),
        ({"GRAFANA_PASSWORD": "p"}, (None, None), "GRAFANA_USER is missing"),
        ({}, ("\n", None), "the file of --token-file is empty"),
        ({"GRAFANA_TOKEN": "a\r\nb"}, (None, None), "the token has characters that no header may hold"),
    ],
)  # fmt: skip
def test_credentials_that_cannot_be(
    environment: dict[str, str], files: tuple[str | None, str | None], expected: str
) -> None:
    """Found before anything is asked."""
    with pytest.raises(GrafanaError, match=expected):
        credentials_of(environment, *files)


def test_secrets_are_never_said(fake: FakeGrafana, caplog: pytest.LogCaptureFixture) -> None:
    """Neither in words of ours, nor in a server's that repeats them, nor in any log."""
    caplog.set_level(logging.DEBUG)
    for given, secret in (
        (Credentials(token=TOKEN), TOKEN),
        (Credentials(user=USER, password=PASSWORD), PASSWORD),
    ):
        client = client_of(fake.url, credentials=given)
        assert secret not in repr(given)
        for status in (400, 401, 403, 500, 302):
            headers = (
                {"Location": f"http://elsewhere/?token={quote(secret)}"} if status == 302 else {}
            )
            fake.answer(Reply(status, {"message": f"your {secret} is bad"}, headers=headers))
            with pytest.raises(GrafanaError) as found:
                client.get("/api/org")
            assert secret not in str(found.value)
            assert "***" in str(found.value)
    assert caplog.text
    assert TOKEN not in caplog.text
    assert PASSWORD not in caplog.text


def test_questions_may_be_asked_at_once(fake: FakeGrafana) -> None:
    """From several threads, each with a connection of its own."""
    client, found = client_of(fake.url), []

    def ask() -> None:
        found.append(client.get("/api/org").status)

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [200] * 16 == found
