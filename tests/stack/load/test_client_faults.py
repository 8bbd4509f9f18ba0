"""Servers that refuse, die, stall and babble: each is a failure of its kind, never a crash or a hang."""

from __future__ import annotations

import json
import socket

import pytest

from llmstack.errors import ConfigurationError
from llmstack.load.apis import Api, Question
from llmstack.load.client import Client, Limits
from llmstack.load.outcome import Failure
from tests.stack.gateway.raw_engine import (  # fmt: skip
    BREAK,
    CLOSE,
    END,
    HANG,
    STREAM,
    Steps,
    answer,
    chunked,
    head,
)
from tests.stack.load.asking import CHAT, ask, ask_at
from tests.stack.load.golden import DONE, ROLE, STOP, counted, event, said

WELL = [STREAM, chunked(ROLE, said("a"), said("b"), STOP, counted(2), DONE), END]
WHOLE = Question(Api.CHAT, "tiny", is_stream=False)
ANSWER = json.dumps({"choices": [{"message": {"content": "a"}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 3, "completion_tokens": 1}}).encode()  # fmt: skip


def test_an_answer_is_timed_in_order() -> None:
    """Scheduled, sent, first byte, first token, last token, end."""
    (found,) = ask(WELL)

    assert found.failure is None, found.detail
    assert (200, 2, 3, "stop") == (found.status, found.tokens, found.prompt_tokens - 4, found.finish_reason)  # fmt: skip
    assert 0 < found.scheduled <= found.sent <= found.first_byte <= found.first_token <= found.last_token <= found.ended  # fmt: skip


def test_a_connection_is_kept() -> None:
    """The next request is sent over it, and counts only its own bytes."""
    found = ask(WELL, times=3)

    assert [None, None, None] == [each.failure for each in found]
    assert 1 == len({each.bytes_received for each in found})
    assert 1 == len({each.bytes_sent for each in found})


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_cuts_of_the_connection_change_nothing(cut: int) -> None:
    """Bytes come as the network cuts them, also within a chunk's length and a head."""
    data = b"".join(WELL)
    (found,) = ask([data[place : place + cut] for place in range(0, len(data), cut)])

    assert (None, 2, 2) == (found.failure, found.tokens, found.seen_tokens)


@pytest.mark.parametrize(
    ("steps", "failure", "detail"),
    [
        ([CLOSE], Failure.BROKEN, "the server closed the connection"),
        ([STREAM, CLOSE], Failure.BROKEN, "the server closed the connection"),
        ([STREAM, chunked(said("a")), CLOSE], Failure.BROKEN, "the server closed the connection"),
        ([STREAM, chunked(said("a")), END], Failure.BROKEN, "the stream ended without a finish_reason and without [DONE]"),
        ([STREAM, chunked(said("a"), b"data: {\"cho"), END], Failure.HALF_A_LINE, 'data: {"cho'),
        ([STREAM, chunked(said("a"), b"data: {oops}\n\n"), HANG], Failure.INVALID_JSON, "{oops}"),
        ([STREAM, chunked(said("a"), event({"error": {"message": "died"}})), HANG], Failure.IN_STREAM, "died"),
        ([STREAM, chunked(ROLE, STOP, DONE), END], Failure.EMPTY, "the stream brought no token"),
        ([STREAM, chunked(DONE), END], Failure.EMPTY, "the stream brought no token"),
        ([STREAM, b"zz\r\n"], Failure.NOT_HTTP, None),
        ([b"SSH-2.0-inn\r\n"], Failure.NOT_HTTP, None),
        ([b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: inn\r\nConnection: Upgrade\r\n\r\n", HANG], Failure.NOT_HTTP, "the server speaks another protocol from here on"),
        ([answer(200, ANSWER)], Failure.NO_STREAM, None),
        ([answer(200, b'{"error": "inn"}')], Failure.IN_STREAM, "inn"),
        ([answer(503, b'{"error": "full"}')], Failure.STATUS, '503: {"error": "full"}'),
        ([answer(429, b"")], Failure.STATUS, "429: "),
        ([answer(204, b"")], Failure.STATUS, "204: "),
    ],
)  # fmt: skip
def test_each_fault_has_its_kind(steps: Steps, failure: Failure, detail: str | None) -> None:
    """With the first words of what the server said."""
    (found,) = ask(steps)

    assert failure == found.failure
    assert detail in (None, found.detail)
    assert found.ended >= found.sent > 0


def test_what_breaks_off_is_told() -> None:
    """A reset connection is as one that is closed."""
    (found,) = ask([STREAM, chunked(said("a")), BREAK])

    assert (Failure.BROKEN, 1) == (found.failure, found.seen_tokens)


@pytest.mark.parametrize("steps", [[HANG], [STREAM, HANG], [STREAM, chunked(said("a")), HANG]])
def test_a_server_that_stalls_is_left(steps: Steps) -> None:
    """A request ends when its time is over, however far it has come."""
    (found,) = ask(steps, limits=Limits(request=0.01))

    assert (Failure.TIMEOUT, "no whole answer within 0.01 s") == (found.failure, found.detail)


def test_a_failure_leaves_the_next_request_alone() -> None:
    """A connection that was left is not used again; one with a status is."""
    assert [Failure.TIMEOUT] * 2 == [each.failure for each in ask([HANG], times=2, limits=Limits(request=0.01))]  # fmt: skip
    assert [Failure.STATUS] * 2 == [each.failure for each in ask([answer(500, b"")], times=2)]


def test_a_body_may_end_with_its_connection() -> None:
    """Old servers tell the end so, and that is an answer if the answer says it is whole."""
    plain = head(200, "Content-Type: text/event-stream", "Connection: close")
    data = b"".join((ROLE, said("a"), STOP, DONE))
    well, half = ask([plain, data, CLOSE])[0], ask([plain, data[:-20], CLOSE])[0]

    assert (None, 1) == (well.failure, well.tokens)
    assert Failure.HALF_A_LINE == half.failure


def test_interim_answers_are_no_answers() -> None:
    """What has a status of 100 comes before the answer."""
    (found,) = ask([b"HTTP/1.1 100 Continue\r\n\r\n", *WELL])

    assert (None, 200, 2) == (found.failure, found.status, found.tokens)


def test_whole_answers_have_no_first_token() -> None:
    """Nobody knows when it was made."""
    (found,) = ask([answer(200, ANSWER)], WHOLE)

    assert (None, 1, 0.0) == (found.failure, found.tokens, found.first_token)


def test_nobody_listens() -> None:
    """It is refused at once."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        (found,) = ask_at([f"http://127.0.0.1:{closed.getsockname()[1]}"])

    assert Failure.REFUSED == found.failure
    assert found.ended >= found.scheduled


def test_nobody_takes_the_connection() -> None:
    """A full queue of connections answers nothing."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(full.getsockname())
        (found,) = ask_at([f"http://127.0.0.1:{full.getsockname()[1]}"], Limits(connect=0.01))
        for each in waiting:
            each.close()

    assert (Failure.CONNECT_TIMEOUT, "no connection within 0.01 s") == (found.failure, found.detail)


def test_a_name_that_is_not_known() -> None:
    """It cannot be reached."""
    (found,) = ask_at(["http://inn.invalid:1"])

    assert Failure.UNREACHABLE == found.failure


def test_tls_to_a_server_that_never_speaks_it() -> None:
    """The handshake belongs to connecting."""
    with socket.socket() as plain:
        plain.bind(("127.0.0.1", 0))
        plain.listen()
        (found,) = ask_at([f"https://127.0.0.1:{plain.getsockname()[1]}"], Limits(connect=0.01))

    assert Failure.CONNECT_TIMEOUT == found.failure


def test_servers_take_turns() -> None:
    """Each request goes to the next."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        urls = [f"http://127.0.0.1:{port}/one", f"http://127.0.0.1:{port}/two"]
        found = ask_at(urls, times=3)

    assert [urls[0], urls[1], urls[0]] == [each.endpoint for each in found]


def test_what_is_under_way_can_be_left() -> None:
    """It is neither an answer nor a failure."""
    (found,) = ask([STREAM, chunked(said("a")), HANG], meanwhile=lambda client, _: client.leave())

    assert (None, True, False) == (found.failure, found.is_unfinished, found.is_answered)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("inn", "inn: expected http(s)://host[:port][/path]"),
        ("ftp://inn", "ftp://inn: expected http(s)://host[:port][/path]"),
        ("http://inn:99999", "http://inn:99999: expected http(s)://host[:port][/path], got Port out of range 0-65535"),
        ("http://inn:key@barn", "http://…@barn: expected http(s)://host[:port][/path]; a name and a password are sent by --header 'Authorization: Basic …'"),
        ("inn://inn:key@barn", "inn://…@barn: expected http(s)://host[:port][/path]"),
    ],
)  # fmt: skip
def test_an_address_that_is_none_is_told(url: str, told: str) -> None:
    """Before anything is sent."""
    with pytest.raises(ConfigurationError) as error:
        Client([url], CHAT)

    assert told == str(error.value)


def test_headers_have_no_line_breaks() -> None:
    """Nobody smuggles a second request."""
    with pytest.raises(ConfigurationError, match="line break"):
        Client(["http://inn"], CHAT, headers={"X-Inn": "a\r\nHost: b"})
