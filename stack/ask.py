"""Sends one request to an engine of the stack, and prints the answer: `ask.py ENGINE URL`.

ENGINE is vllm, triton-vllm or triton-trtllm. TensorRT-LLM takes and gives token ids, so the
tokenizer of MODEL_NAME is asked, which needs transformers: it is in Triton's image, where
`make test-triton-trt` runs this. Nothing else but Python's own library is needed.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

QUESTION = "In one sentence: what is a KV cache?"
TOKENS = 64


def fetch(url: str, body: dict[str, Any] | None = None, key: str = "") -> Iterator[Any]:
    """Yield the documents of an answer: one, or one an event."""
    headers = {"Content-Type": "application/json"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, headers)
    with urllib.request.urlopen(request, timeout=120) as answer:
        if "event-stream" not in answer.headers.get("Content-Type", ""):
            yield json.load(answer)
            return
        for line in answer:
            text = line.decode().removeprefix("data:").strip()
            if text and text != "[DONE]":
                yield json.loads(text)


def ask_vllm(url: str) -> str:
    """Ask as OpenAI's clients do."""
    key = os.environ.get("VLLM_API_KEY", "")
    (models,) = fetch(f"{url}/v1/models", key=key)
    model = models["data"][0]["id"]
    body = {
        "model": model,
        "messages": [{"role": "user", "content": QUESTION}],
        "max_tokens": TOKENS,
    }
    (answer,) = fetch(f"{url}/v1/chat/completions", body, key)
    return str(answer["choices"][0]["message"]["content"])


def model_of_triton(url: str) -> str:
    """Return the first model that is loaded."""
    (models,) = fetch(f"{url}/v2/repository/index", {"ready": True})
    return str(models[0]["name"])


def ask_triton_vllm(url: str) -> str:
    """Ask Triton's generate endpoint, text in and out."""
    # The backend wants its sampling parameters as a text; the prompt is left out of the answer.
    body = {
        "text_input": QUESTION,
        "stream": False,
        "exclude_input_in_output": True,
        "sampling_parameters": json.dumps({"max_tokens": TOKENS}),
    }
    (answer,) = fetch(f"{url}/v2/models/{model_of_triton(url)}/generate", body)
    return str(answer["text_output"])


class _Bytes:
    """In place of a tokenizer, where an engine is played: a token is a byte."""

    eos_token_id = 0

    def encode(self, text: str) -> list[int]:
        """Return token ids."""
        return list(text.encode())

    def decode(self, ids: list[int]) -> str:
        """Return the ids as they are: nobody knows what a played engine means by them."""
        return f"token ids {' '.join(map(str, ids))}"


def tokenizer() -> Any:
    """Return the tokenizer of MODEL_NAME; without one, or without transformers, one of bytes."""
    name = os.environ.get("MODEL_NAME")
    try:
        from transformers import AutoTokenizer  # type: ignore[import-not-found]
    except ImportError:
        name = None
    if name:
        return AutoTokenizer.from_pretrained(name)
    print("ask.py: no tokenizer here, so token ids are made up of bytes", file=sys.stderr)
    return _Bytes()


def ask_triton_trtllm(url: str) -> str:
    """Ask Triton for tokens after these, and turn them into text here."""
    tokens = tokenizer()
    ids = list(tokens.encode(QUESTION))
    body = {
        "input_ids": ids,
        "input_lengths": len(ids),
        "request_output_len": TOKENS,
        "end_id": tokens.eos_token_id,
        "pad_id": tokens.eos_token_id,
        "streaming": True,
    }
    found: list[int] = []
    for event in fetch(f"{url}/v2/models/tensorrt_llm/generate_stream", body):
        if "error" in event:
            raise RuntimeError(event["error"])
        ids_of_event = event["output_ids"]
        # A list of one number is told as the number.
        found += ids_of_event if isinstance(ids_of_event, list) else [ids_of_event]
    return str(tokens.decode(found))


ENGINES = {
    "vllm": ask_vllm,
    "triton-vllm": ask_triton_vllm,
    "triton-trtllm": ask_triton_trtllm,
}


def main() -> None:
    """Ask what the arguments say."""
    if len(sys.argv) != 3 or sys.argv[1] not in ENGINES:
        sys.exit(f"ask.py ENGINE URL; an ENGINE is {', '.join(ENGINES)}")
    engine, url = sys.argv[1:]
    try:
        print(ENGINES[engine](url))
    except urllib.error.HTTPError as error:
        sys.exit(f"{url}: {error.code}: {error.read().decode(errors='replace')[:500]}")
    except OSError as error:
        sys.exit(f"{url}: {engine} does not answer: {error}; make status shows what runs")
    except RuntimeError as error:
        sys.exit(f"{url}: {error}")


if __name__ == "__main__":
    main()
