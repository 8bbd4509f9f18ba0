"""The numbers of alerts: one is changed in one line, and what is none is refused."""

from __future__ import annotations

from typing import Any

import pytest

from llmdash.alerts.limits import Limits
from llmdash.compiler import compile_pack
from llmdash.errors import AlertError
from llmdash.pack import Pack
from llmdash.sources import vllm


def test_one_number_is_changed_in_one_line() -> None:
    """A pack with another limit has it in its rule, and no other rule changed."""

    def expressions(pack: Pack) -> set[str]:
        rules = compile_pack(pack).rules["rules/llmdash-kv-cache-alerts.yaml"]
        return {rule["expr"] for group in rules["groups"] for rule in group["rules"]}

    usual = expressions(Pack(sources=(vllm(),)))
    changed = expressions(Pack(sources=(vllm(),), limits=Limits(kv_cache_full=0.91)))

    assert {"llm_instance:kv_cache_use_ratio:max > 0.95"} == usual - changed
    assert {"llm_instance:kv_cache_use_ratio:max > 0.91"} == changed - usual


@pytest.mark.parametrize("value", [0, -1, True, "0.9", None, float("nan")])
def test_what_is_no_limit(value: Any) -> None:
    """Zero, less, NaN, and what is no number are refused with the name of the limit."""
    with pytest.raises(AlertError) as caught:
        Limits(kv_cache_full=value)

    assert (f"limits: kv_cache_full: expected a number above zero, got {value!r}") == str(
        caught.value
    )
