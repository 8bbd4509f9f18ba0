"""Keys: found by their hashes, named by a part of them, and never repeated."""

from __future__ import annotations

from hashlib import sha256

import pytest

from llmstack.errors import SettingsError
from llmstack.gateway.keys import Keys, key_in

ONE, TWO = "sk-of-team-one-0123456789", "sk-of-team-two-0123456789"


def test_keys_are_found() -> None:
    """Given as they are, or as their hashes; whatever else is given is none."""
    keys = Keys([ONE, f"sha256:{sha256(TWO.encode()).hexdigest()}"])
    names = [keys.find(text) for text in (ONE, TWO, ONE[:-1], ONE + " ", "", "sha256:" + "0" * 64)]

    assert [True, True, False, False, False, False] == [each is not None for each in names]
    assert names[0] != names[1]


def test_without_keys_everybody_is_let_in() -> None:
    """Which the caller asks for first."""
    assert not Keys([])
    assert Keys([ONE])


def test_a_name_opens_nothing() -> None:
    """It is a part of the hash, and the same at each start."""
    found = Keys([ONE]).find(ONE)

    assert found is not None
    assert sha256(ONE.encode()).hexdigest().startswith(found.name)
    assert Keys([ONE]).find(found.name) is None
    assert ONE not in repr(Keys([ONE])) + repr(vars(Keys([ONE]))) + repr(found)


def test_any_text_may_be_tried() -> None:
    """Bytes that are no UTF-8 come as surrogates; they are wrong like others."""
    assert Keys([ONE]).find("\udcff\udcfe") is None
    assert Keys([ONE]).find("x" * 1_000_000) is None


def test_short_keys_are_refused() -> None:
    """The place is told, the key is not."""
    with pytest.raises(SettingsError) as found:
        Keys([ONE, "hunter2"])

    assert "GATEWAY_API_KEYS: key 2 has 7 characters; give it 16 or more" == str(found.value)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Authorization": "Bearer k"}, "k"),
        ({"Authorization": "bearer  k "}, "k"),
        ({"X-API-Key": "k"}, "k"),
        ({"Authorization": "Bearer k", "X-API-Key": "other"}, "k"),
        ({"Authorization": "Basic k", "X-API-Key": "k"}, "k"),
        ({"Authorization": "Basic k"}, None),
        ({"Authorization": "Bearer"}, None),
        ({"Authorization": "Bearer "}, None),
        ({"X-API-Key": " "}, None),
        ({}, None),
    ],
)
def test_where_a_key_stands(headers: dict[str, str], expected: str | None) -> None:
    """As OpenAI's clients send it, or Anthropic's."""
    assert expected == key_in(headers)
