"""What a client of the OpenAI API asks for: the fields that decide how much is read and written.

Refusals are worded as vLLM 0.32.0 words them, which a test compares.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llmstack.simulator import prompts
from llmstack.simulator.failures import RefusedError
from llmstack.simulator.prompts import Prompt
from llmstack.simulator.replica import Wanted

#: What vLLM writes to a completion that does not say how long it may be.
COMPLETION_TOKENS = 16


@dataclass(frozen=True)
class Asked:
    """One request."""

    prompt: Prompt
    wanted: Wanted
    is_chat: bool
    is_stream: bool = False
    #: Whether a stream ends with an event that counts its tokens, and whether every event does.
    has_usage: bool = False
    has_running_usage: bool = False


def read_asked(data: bytes, model: str, *, is_chat: bool) -> Asked:
    """Return what a body asks for.

    Args:
        data: the body.
        model: what is served.
        is_chat: whether it is a chat, or else a completion.

    Raises:
        RefusedError: vLLM would refuse it, or the simulator cannot play it.
    """
    body = _object(data)
    if body.get("model", model) != model:
        said = f"The model `{body['model']}` does not exist. Valid aliases: {model}."
        raise RefusedError(404, said, about="model")
    if body.get("n") not in (None, 1):
        raise RefusedError(400, "n: the simulator gives one answer to a request", about="n")
    limit = _limit(body, is_chat=is_chat)
    if limit is None and not is_chat:
        limit = COMPLETION_TOKENS
    least = _whole(body, "min_tokens") or 0
    if limit is not None and least > limit:
        raise RefusedError(
            400, f"min_tokens must be less than or equal to max_tokens={limit}, got {least}."
        )
    options = body.get("stream_options") or {}
    is_stream = body.get("stream") is True
    if options and not is_stream:
        raise _bad("stream_options", "Stream options can only be defined when `stream=True`.")
    return Asked(
        prompts.of_text(_chat(body)) if is_chat else _prompt(body),
        Wanted(limit, least, body.get("ignore_eos") is True),
        is_chat,
        is_stream,
        bool(options.get("include_usage")),
        bool(options.get("include_usage") and options.get("continuous_usage_stats")),
    )


def _object(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        where = f".{error.pos}" if isinstance(error, json.JSONDecodeError) else ""
        said = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
        raise _invalid(where, "json_invalid", "JSON decode error", {}, said) from error
    if not isinstance(found, dict):
        said = "Input should be a valid dictionary or object to extract fields from"
        raise _invalid("", "model_attributes_type", said, found)
    return found


def _invalid(place: str, kind: str, said: str, found: object, cause: str = "") -> RefusedError:
    """Return what is said of a body that is not as pydantic wants it.

    Args:
        place: in the body, with a dot before each name.
        kind: pydantic's name of the fault.
        said: its words.
        found: what is there instead.
        cause: more about it.
    """
    shown = str(found)
    if isinstance(found, dict | list):
        shown = f"<{type(found).__name__} of {len(found)} items>"
    told: dict[str, object] = {
        "type": kind,
        "loc": f"body{place}",
        "msg": said,
        "input": shown,
    }
    if cause:
        told["ctx"] = {"error": cause}
    message = f"1 validation error:\n  {told}"
    return RefusedError(400, message, about=f"body{place}", kind="Bad Request")


def _bad(name: str, said: str, value: int | None = None) -> RefusedError:
    """Return what is said of a field whose value cannot be."""
    told = f"parameter={name}" if value is None else f"parameter={name}, value={value}"
    return RefusedError(400, f"{said} ({told})", about=name)


def _limit(body: Mapping[str, Any], *, is_chat: bool) -> int | None:
    newer = _whole(body, "max_completion_tokens") if is_chat else None
    limit = _whole(body, "max_tokens") if newer is None else newer
    if limit is not None and limit < 1:
        raise _bad("max_tokens", f"max_tokens must be at least 1, got {limit}.", limit)
    return limit


def _whole(body: Mapping[str, Any], name: str) -> int | None:
    found = body.get(name)
    if found is None:
        return None
    if not isinstance(found, int) or isinstance(found, bool):
        if isinstance(found, str):
            said = "Input should be a valid integer, unable to parse string as an integer"
            raise _invalid(f".{name}", "int_parsing", said, found)
        if isinstance(found, float):
            said = "Input should be a valid integer, got a number with a fractional part"
            raise _invalid(f".{name}", "int_from_float", said, found)
        raise _invalid(f".{name}", "int_type", "Input should be a valid integer", found)
    return found


def _chat(body: dict[str, Any]) -> str:
    messages = body.get("messages")
    if messages is None:
        raise _invalid(".messages", "missing", "Field required", body)
    if not isinstance(messages, list) or not all(isinstance(each, dict) for each in messages):
        raise _invalid(".messages", "list_type", "Input should be a valid list", messages)
    # The marks stand for those of a chat template: about four tokens a message.
    parts = (f"<|{each.get('role')}|>\n{_content(each.get('content'))}<|end|>" for each in messages)
    return "".join(parts)


def _content(content: object) -> str:
    if isinstance(content, list):
        texts = (part.get("text", "") for part in content if isinstance(part, dict))
        return "".join(map(str, texts))
    return "" if content is None else str(content)


def _prompt(body: Mapping[str, Any]) -> Prompt:
    prompt = body.get("prompt")
    if prompt in (None, ""):
        said = "Either prompt or prompt_embeds must be provided and non-empty."
        raise _bad("prompt", said)
    if prompt == []:
        raise RefusedError(400, "You must pass at least one prompt")
    if isinstance(prompt, list) and len(prompt) == 1 and not isinstance(prompt[0], int):
        prompt = prompt[0]
    if isinstance(prompt, str):
        return prompts.of_text(prompt)
    if isinstance(prompt, list) and prompt and all(type(token) is int for token in prompt):
        return prompts.of_tokens(prompt)
    raise RefusedError(
        400, "prompt: the simulator takes one text or one list of token ids", about="prompt"
    )
