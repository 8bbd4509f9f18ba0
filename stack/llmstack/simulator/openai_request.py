"""What a client of the OpenAI API asks for: the fields that decide how much is read and written."""

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
        raise RefusedError(404, f"The model `{body['model']}` does not exist.", about="model")
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
        raise RefusedError(400, "Stream options can only be defined when `stream=True`.")
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
        raise RefusedError(400, f"[{{'type': 'json_invalid', 'msg': '{error}'}}]") from error
    if not isinstance(found, dict):
        raise RefusedError(400, "[{'type': 'model_attributes_type', 'loc': ('body',)}]")
    return found


def _missing(name: str) -> RefusedError:
    said = f"[{{'type': 'missing', 'loc': ('body', '{name}'), 'msg': 'Field required'}}]"
    return RefusedError(400, said, about=name)


def _limit(body: Mapping[str, Any], *, is_chat: bool) -> int | None:
    newer = _whole(body, "max_completion_tokens") if is_chat else None
    limit = _whole(body, "max_tokens") if newer is None else newer
    if limit is not None and limit < 1:
        raise RefusedError(400, f"max_tokens must be at least 1, got {limit}.", about="max_tokens")
    return limit


def _whole(body: Mapping[str, Any], name: str) -> int | None:
    found = body.get(name)
    if found is None:
        return None
    if not isinstance(found, int) or isinstance(found, bool):
        said = f"[{{'type': 'int_parsing', 'loc': ('body', '{name}'), 'input': {found!r}}}]"
        raise RefusedError(400, said, about=name)
    return found


def _chat(body: Mapping[str, Any]) -> str:
    messages = body.get("messages")
    if messages is None:
        raise _missing("messages")
    if not isinstance(messages, list) or not all(isinstance(each, dict) for each in messages):
        raise RefusedError(
            400, "[{'type': 'list_type', 'loc': ('body', 'messages')}]", about="messages"
        )
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
    if prompt is None:
        raise _missing("prompt")
    if isinstance(prompt, list) and len(prompt) == 1 and not isinstance(prompt[0], int):
        prompt = prompt[0]
    if isinstance(prompt, str):
        return prompts.of_text(prompt)
    if isinstance(prompt, list) and prompt and all(type(token) is int for token in prompt):
        return prompts.of_tokens(prompt)
    raise RefusedError(
        400, "prompt: the simulator takes one text or one list of token ids", about="prompt"
    )
