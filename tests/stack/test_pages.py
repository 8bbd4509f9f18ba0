"""The small server beneath the exporter and the watchdog."""

from __future__ import annotations

import http.client
import socket

import pytest

from llmstack.pages import Page, PageServer


def served(host: str = "127.0.0.1") -> PageServer:
    pages = {"/health": lambda: Page("text/plain", "well")}
    return PageServer((host, 0), pages, name="inn", patience=5.0, waits=True)


def test_a_page_and_its_head() -> None:
    """HEAD has the length of the page and no page; the server says its own name alone."""
    with served() as server:
        told = []
        for method in ("GET", "HEAD"):
            asked = http.client.HTTPConnection(server.address, timeout=10)
            asked.request(method, "/health?verbose=1")
            answer = asked.getresponse()
            told.append((answer.status, answer.getheader("Server"), answer.getheader("Content-Length"), answer.read()))  # fmt: skip
            asked.close()

    assert [(200, "inn", "4", b"well"), (200, "inn", "4", b"")] == told


def test_an_address_of_ipv6_has_brackets() -> None:
    """Without them nobody could tell where the port begins."""
    try:
        server = served("::1")
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    with server:
        assert server.address.startswith("[::1]:")


def test_nobody_asks_a_name_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where none answers, a program would hang before it serves anything."""

    def asked(name: str = "") -> str:
        raise AssertionError(f"the name of {name!r} was looked up")

    monkeypatch.setattr(socket, "getfqdn", asked)
    with served() as server:
        assert server.address.startswith("127.0.0.1:")


def test_a_port_that_is_taken_is_the_callers_to_tell() -> None:
    """The caller knows the setting that names it."""
    with served() as first:
        port = int(first.address.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"):
            PageServer(("127.0.0.1", port), {}, name="inn", patience=5.0, waits=False)
