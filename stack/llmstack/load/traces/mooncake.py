"""Mooncake's traces, and those of Qwen on Alibaba Cloud's Bailian, which name what prompts share.

A line is an object of JSON. `hash_ids` names the blocks of a prompt in order: where two prompts
begin with the same names they begin alike. Mooncake (FAST25-release of kvcache-ai/Mooncake) has
blocks of 512 tokens and counts milliseconds; Bailian (alibaba-edu/qwen-bailian-usagetraces-anon)
has blocks of 16, counts seconds and names the conversation, by which it is known.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from llmstack.load.traces.block_names import block_prefix
from llmstack.load.traces.form import Form, Part, Row, parts_by_line, whole_number
from llmstack.load.traces.source import Source

#: Tokens of a block.
MOONCAKE_BLOCK, BAILIAN_BLOCK = 512, 16
_MILLISECOND = Decimal("0.001")
_NAMES = ("timestamp", "input_length", "output_length", "hash_ids")
_EXPECTED = f"an object of JSON with {', '.join(_NAMES)}"
#: What lines of Bailian have besides.
_CONVERSATION = "chat_id"


def _object(line: bytes) -> dict[str, Any]:
    found = json.loads(line, parse_float=Decimal)
    if not isinstance(found, dict):
        raise ValueError(line)
    return found


def _row(found: dict[str, Any], unit: Decimal, block: int) -> Row:
    return Row(
        Decimal(found["timestamp"]) * unit,
        whole_number(found["input_length"]),
        whole_number(found["output_length"]),
        str(found.get("type", "")),
        block_prefix(block, [whole_number(name) for name in found.get("hash_ids", ())]),
    )


def _matches(is_conversation: bool) -> Callable[[bytes], bool]:
    def matches(line: bytes) -> bool:
        try:
            found = _object(line)
        except ValueError:
            return False
        return set(_NAMES[:3]) <= set(found) and (_CONVERSATION in found) is is_conversation

    return matches


def _mooncake(source: Source) -> Iterator[Part]:
    def read(line: bytes) -> Row:
        return _row(_object(line), _MILLISECOND, MOONCAKE_BLOCK)

    return parts_by_line(source, read, _EXPECTED, has_header=False)


def _bailian(source: Source) -> Iterator[Part]:
    def read(line: bytes) -> Row:
        return _row(_object(line), Decimal(1), BAILIAN_BLOCK)

    return parts_by_line(source, read, _EXPECTED, has_header=False)


MOONCAKE = Form("mooncake", _EXPECTED, _matches(False), _mooncake, has_more_columns=True)
BAILIAN = Form(
    "bailian", f"{_EXPECTED}, and chat_id", _matches(True), _bailian, has_more_columns=True
)
