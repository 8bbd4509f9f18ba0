"""Answers as vLLM 0.32.0 gives them to messages (Anthropic's) and responses (OpenAI's)."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from aiohttp import web


def named(name: str, **content: Any) -> bytes:
    """An event with its name, which its data repeats."""
    text = json.dumps({"type": name, **content}, separators=(",", ":"))
    return f"event: {name}\ndata: {text}\n\n".encode()


async def answer(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    """Answer as the path asks."""
    if request.path.endswith("/count_tokens"):
        return web.json_response({"input_tokens": 32})
    is_message = request.path == "/v1/messages"
    if not body.get("stream"):
        return web.json_response(whole_message(body) if is_message else whole_response(body))
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
    await response.prepare(request)
    for event in (message_events if is_message else response_events)(body):
        await asyncio.sleep(body.get("pause", 0) if b"delta" in event else 0)
        await response.write(event)
    return response


def whole_message(body: dict[str, Any]) -> dict[str, Any]:
    """A message in one piece."""
    count = body["max_tokens"]
    usage = {"input_tokens": 32, "output_tokens": count}
    return {"id": "x", "type": "message", "role": "assistant", "content": [{"type": "text", "text": " a" * count}], "model": body["model"], "stop_reason": "max_tokens", "usage": usage}  # fmt: skip


def message_events(body: dict[str, Any]) -> list[bytes]:
    """A message in events."""
    count = body["max_tokens"]
    start = {"id": "x", "type": "message", "role": "assistant", "content": [], "model": body["model"], "stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 32, "output_tokens": 0}}  # fmt: skip
    delta = {"type": "text_delta", "text": " a"}
    return [
        named("message_start", message=start),
        named("content_block_start", content_block={"type": "text", "text": ""}, index=0),
        *[named("content_block_delta", delta=delta, index=0)] * count,
        named("content_block_stop", index=0),
        named("message_delta", delta={"stop_reason": "max_tokens", "stop_sequence": None}, usage={"input_tokens": 32, "output_tokens": count}),
        named("message_stop"),
    ]  # fmt: skip


def whole_response(body: dict[str, Any], status: str = "completed") -> dict[str, Any]:
    """A response in one piece."""
    count = body["max_output_tokens"]
    text = {"type": "output_text", "text": " a" * count, "annotations": [], "logprobs": None}
    message = {"id": "m", "type": "message", "role": "assistant", "status": "completed", "content": [text]}  # fmt: skip
    usage = {"input_tokens": 32, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": count, "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 32 + count}  # fmt: skip
    return {"id": "x", "object": "response", "created_at": 1, "model": body["model"], "status": status, "output": [message], "parallel_tool_calls": True, "tool_choice": "none", "tools": [], "usage": usage}  # fmt: skip


def response_events(body: dict[str, Any], end: str = "completed") -> list[bytes]:
    """A response in events."""
    begun = {**whole_response(body, "in_progress"), "output": [], "usage": None}
    place = {"item_id": "m", "output_index": 0, "content_index": 0}
    part = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
    found: list[tuple[str, dict[str, Any]]] = [
        ("response.created", {"response": begun}),
        ("response.in_progress", {"response": begun}),
        ("response.content_part.added", {**place, "part": part}),
        *[("response.output_text.delta", {**place, "delta": " a", "logprobs": []})]
        * body["max_output_tokens"],
        ("response.output_text.done", {**place, "text": " a" * body["max_output_tokens"], "logprobs": []}),
        (f"response.{end}", {"response": whole_response(body, end)}),
    ]  # fmt: skip
    return [named(name, sequence_number=n, **content) for n, (name, content) in enumerate(found)]
