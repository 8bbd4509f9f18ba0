"""Settings from the environment: what each reader takes, and what is said of what it does not."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

from llmstack.environment import (
    ABOVE_0,
    HOST,
    HTTP_URL,
    NETWORK,
    PATH,
    PORT,
    PUBLISHED_PORT,
    REDIS_URL,
    TEXT,
    TRUTH,
    Reader,
    Variables,
    check,
    number,
    one_of,
    read,
    setting,
    several,
    whole,
)
from llmstack.errors import SettingsError


class Colour(Enum):
    """Two of them."""

    RED = "red"
    DARK_RED = "Dark-Red"


@dataclass(frozen=True)
class Settings:
    """With a bound, a secret, a default that no variable can say, and a field without variable."""

    port: int = setting("A_PORT", 11, PORT)
    key: str = setting("A_KEY", "", TEXT, is_secret=True)
    numbers: tuple[int, ...] | None = setting("SOME_NUMBERS", None, several(whole(1, 9)))
    rest: str = "left"


@pytest.mark.parametrize(
    ("reader", "text", "value"),
    [
        (TEXT, "a,b", "a,b"),
        (PATH, "~/a", Path("~/a")),
        (TRUTH, "Yes", True),
        (TRUTH, "off", False),
        (PORT, "0", 0),
        (PORT, "65535", 65535),
        (PUBLISHED_PORT, "1", 1),
        (whole(), "-7", -7),
        (whole(2, 3), "3", 3),
        (number(0), "0", 0.0),
        (number(0.01, 1), "1e-2", 0.01),
        (ABOVE_0, "0.001", 0.001),
        (one_of(Colour), "RED", Colour.RED),
        (one_of(Colour), "dark-red", Colour.DARK_RED),
        (HOST, "::1", "::1"),
        (NETWORK, "10.1.2.3/8", ipaddress.ip_network("10.0.0.0/8")),
        (NETWORK, "::1", ipaddress.ip_network("::1/128")),
        (HTTP_URL, "https://[::1]:8443/base", "https://[::1]:8443/base"),
        (REDIS_URL, "redis://redis", "redis://redis"),
        (REDIS_URL, "rediss://me:hush@redis:6380/1?timeout=2", "rediss://me:hush@redis:6380/1?timeout=2"),
        (REDIS_URL, "unix:///run/redis.sock?db=1", "unix:///run/redis.sock?db=1"),
        (several(TEXT), " a , b,", ("a", "b")),
        (several(PORT), "1", (1,)),
    ],
)  # fmt: skip
def test_what_is_taken(reader: Reader[Any], text: str, value: object) -> None:
    """The value of a text; blanks around it are none of it."""
    assert value == Variables({"X": f" {text}\n"}).get("X", None, reader)


@pytest.mark.parametrize(
    ("reader", "texts", "expected"),
    [
        (TRUTH, ("maybe", "2"), "true or false"),
        (PORT, ("-1", "65536", "1e3", "tcp://10.0.0.1:80"), "a port from 0 to 65535"),
        (PUBLISHED_PORT, ("0",), "a port from 1 to 65535"),
        (whole(), ("1.0", "1_000", "٣", "+1"), "a whole number"),
        (whole(2), ("1",), "a whole number from 2"),
        (whole(2, 5), ("6",), "a whole number from 2 to 5"),
        (number(0), ("-0.1", "inf", "nan", "1,5"), "a number from 0"),
        (number(0.01, 1), ("90",), "a number from 0.01 to 1"),
        (ABOVE_0, ("0", "inf", "nan"), "a number above 0"),
        (one_of(Colour), ("blue", "DARK_RED"), "red or dark-red"),
        (HOST, ("http://a", "a b", "a:80", "[::1]"), "the name or address of a host"),
        (NETWORK, ("10.0.0.0/99", "localhost"), "an address, or a network such as 10.0.0.0/8"),
        (HTTP_URL, ("localhost:80", "http://", "http://a:b", "http://[::1", "http://a?b=c", "ftp://a"), "http(s)://host[:port]"),
        (REDIS_URL, ("redis", "http://redis", "redis://", "redis://a:b", "unix://"), "redis://host[:port], rediss://host[:port] or unix:///path"),
    ],
)  # fmt: skip
def test_what_is_not_taken(reader: Reader[Any], texts: tuple[str, ...], expected: str) -> None:
    """The variable, what was expected, and what stood there."""
    variables = Variables({f"X{place}": text for place, text in enumerate(texts)})
    for place in range(len(texts)):
        variables.get(f"X{place}", None, reader)
    with pytest.raises(SettingsError) as found:
        variables.make(Settings)

    assert [f"X{place}: expected {expected}, got {text.strip()!r}" for place, text in enumerate(texts)] == str(found.value).splitlines()  # fmt: skip


def test_settings_are_read_by_their_variables() -> None:
    """Others are left alone, and what is empty is not set."""
    assert Settings() == read(Settings, {"A_PORT": "", "A_KEY": " ", "REST": "x"})
    assert Settings(7, "hush", (3, 5)) == read(
        Settings, {"A_PORT": "7", "A_KEY": "hush", "SOME_NUMBERS": "3,5"}
    )


def test_values_for_what_no_variable_says() -> None:
    """A variable wins over them."""
    variables = Variables({"A_PORT": "7"})

    assert Settings(7, "given", None, "given") == variables.make(Settings, port=9, key="given", rest="given")  # fmt: skip


def test_every_mistake_is_a_line() -> None:
    """Of a list each part that cannot be."""
    with pytest.raises(SettingsError) as found:
        read(Settings, {"SOME_NUMBERS": "0,3,x", "A_PORT": "x"})

    assert [
        "A_PORT: expected a port from 0 to 65535, got 'x'",
        "SOME_NUMBERS: expected a whole number from 1 to 9, got '0'",
        "SOME_NUMBERS: expected a whole number from 1 to 9, got 'x'",
    ] == str(found.value).splitlines()


def test_commas_alone_are_no_list() -> None:
    """One who means keys and says none would let everybody in."""
    variables = Variables({"X": " , ,"})
    variables.get("X", (), several(PORT))
    with pytest.raises(SettingsError) as found:
        variables.make(Settings)

    assert "X: expected a port from 0 to 65535, got commas alone" == str(found.value)


def test_a_secret_is_never_repeated() -> None:
    """Neither where it cannot be, nor in what settings look like."""
    variables = Variables({"X": "hush"})
    variables.get("X", 0, PORT, is_secret=True)
    with pytest.raises(SettingsError) as found:
        variables.make(Settings)

    assert "X: expected a port from 0 to 65535, got a text that is not shown" == str(found.value)
    assert "hush" not in repr(Settings(key="hush"))


def test_values_from_elsewhere_are_held_to_the_same_bounds() -> None:
    """A default always may be; all others that may not are named by their variables."""
    check(Settings())
    with pytest.raises(SettingsError) as found:
        check(replace(Settings(), port=-1, numbers=(1, 10)))

    assert [
        "A_PORT: expected a port from 0 to 65535, got -1",
        "SOME_NUMBERS: expected a whole number from 1 to 9, got 10",
    ] == str(found.value).splitlines()
