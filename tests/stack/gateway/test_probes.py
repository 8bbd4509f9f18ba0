"""What strangers send: requests that two servers would read differently, headers without end, guesses."""

from __future__ import annotations

import resource
import socket

import pytest

from tests.stack.gateway.conftest import KEPT, KEY, Make, Setup, descriptors

BODY = b'{"model": "tiny", "messages": []}'
HEAD = (
    b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer "
    + KEY.encode()
    + b"\r\n"
)
LENGTH = b"Content-Length: %d\r\n" % len(BODY)
HIDDEN = b"POST /v1/completions HTTP/1.1\r\nHost: x\r\n\r\n"

PROBES = {
    "length and chunks": HEAD + LENGTH + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "two lengths": HEAD + LENGTH + b"Content-Length: 3\r\n\r\n" + BODY,
    "a length with a sign": HEAD + b"Content-Length: +%d\r\n\r\n" % len(BODY) + BODY,
    "a length that is none": HEAD + b"Content-Length: 0x10\r\n\r\n" + BODY,
    "chunks under another name": HEAD + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "a chunk of no size": HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n" + BODY,
    "a space before the colon": HEAD + b"Content-Length : 3\r\n\r\n" + BODY,
    "a line that is folded": HEAD + b"X-A: b\r\n c\r\n" + LENGTH + b"\r\n" + BODY,
    "a header without end": HEAD + b"X-A: " + b"a" * 70_000 + b"\r\n" + LENGTH + b"\r\n" + BODY,
    "a NUL in a header": HEAD + b"X-A: a\x00b\r\n" + LENGTH + b"\r\n" + BODY,
    "no request at all": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20 + b"\r\n\r\n",
    "a method that is none": HEAD.replace(b"POST", b"P OST") + LENGTH + b"\r\n" + BODY,
}


def answer_of(setup: Setup, data: bytes) -> bytes:
    """All that comes back until the gateway closes the connection."""
    with socket.create_connection(("127.0.0.1", setup.port), timeout=10) as connection:
        connection.sendall(data)
        found = b""
        while True:
            try:
                more = connection.recv(65536)
            except ConnectionError:
                return found
            if not more:
                return found
            found += more


@pytest.mark.parametrize("data", PROBES.values(), ids=PROBES)
def test_what_can_be_read_in_two_ways_is_refused(setup: Setup, data: bytes) -> None:
    """No engine hears of it, nothing hidden behind it is answered, and others are served on."""
    found = answer_of(setup, data)

    assert found.startswith(b"HTTP/1.1 400 ") or found.startswith(b"HTTP/1.0 400 "), found[:200]
    assert 1 == found.count(b"\r\nServer: ")
    assert [] == setup.engines[0].bodies
    assert 200 == setup.post({"model": "tiny", "messages": []}).status_code


@pytest.mark.parametrize(
    "path", [b"/v1/\xff\xfe", b"/%ff%fe", b"/v1/chat/completions%00", b"//v1/chat/completions"]
)
def test_paths_that_are_no_text(setup: Setup, path: bytes) -> None:
    """Refused or not found, and not counted under a name of their own."""
    found = answer_of(setup, HEAD.replace(b"/v1/chat/completions", path) + LENGTH + b"\r\n" + BODY)

    assert found[9:12] in (b"400", b"404")
    assert [] == setup.engines[0].bodies
    assert 0 == setup.value("gateway_requests_total")


def test_guessing_is_refused_and_limited(make: Make) -> None:
    """Each guess is told the same, and an address may not guess for long."""
    setup = make(client_requests_per_minute=50.0)
    answers = [
        setup.post({}, headers={"Authorization": f"Bearer {KEY[:-n] or 'x'}{'y' * n}"})
        for n in range(1, 61)
    ]
    texts = {answer.text for answer in answers if answer.status_code == 401}

    assert [401] * 50 == [answer.status_code for answer in answers[:50]]
    assert {429} == {answer.status_code for answer in answers[51:]}
    assert 1 == len(texts)
    assert [] == setup.engines[0].bodies


def test_thousands_that_never_send(make: Make) -> None:
    """Connections that say nothing hold nobody up, and do not stay: the gateway closes them itself."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 10_000
    # Both ends are in this process.
    most = hard if hard != resource.RLIM_INFINITY else 1_000_000
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 2 * wanted + 500), hard))
    count = min(wanted, (resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 500) // 2)
    setup = make(client_timeout=10.0)
    before = descriptors()
    held: list[socket.socket] = []
    try:
        held += [
            socket.create_connection(("127.0.0.1", setup.port), timeout=20) for _ in range(count)
        ]
        assert 200 == setup.post({"model": "tiny", "messages": []}).status_code
        # Theirs are still open.
        setup.until(lambda: descriptors() <= before + count + KEPT, within=60)
    finally:
        for each in held:
            each.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert count >= 1000
    assert 200 == setup.post({"model": "tiny", "messages": []}).status_code
