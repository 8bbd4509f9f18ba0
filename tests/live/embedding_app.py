"""An app that embeds an engine, as the README shows one; its engine writes prompts in capitals.

Served by uvicorn as `embedding_app:app`; it imports nothing of the tests.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from fastapi import Body, FastAPI
from fastapi.responses import PlainTextResponse, StreamingResponse

from llmstack.asgi import Middleware, report_failure, report_tokens

#: A word that the engine cannot write, and how long it takes for another one.
UNSPEAKABLE, SECONDS = "unspeakable", 0.01

app = FastAPI()
app.add_middleware(Middleware, endpoints=("/generate", "/generate_stream"))


async def engine(prompt: str) -> AsyncIterator[str]:
    """Write word by word."""
    for word in prompt.split():
        await asyncio.sleep(SECONDS)
        if word == UNSPEAKABLE:
            raise ValueError("the engine cannot write it")
        report_tokens(1)
        yield word.upper()


@app.post("/generate")
async def generate(prompt: str = Body(embed=True)) -> PlainTextResponse:
    """Answer in one piece; an engine that fails is a 500."""
    return PlainTextResponse(" ".join([word async for word in engine(prompt)]))


@app.post("/generate_stream")
async def generate_stream(prompt: str = Body(embed=True)) -> StreamingResponse:
    """Answer in a stream; an engine that fails is told in it."""

    async def events() -> AsyncIterator[str]:
        try:
            async for word in engine(prompt):
                yield f"data: {word}\n\n"
        except ValueError:
            report_failure()
            yield "event: error\n\n"

    return StreamingResponse(events(), media_type="text/event-stream")
