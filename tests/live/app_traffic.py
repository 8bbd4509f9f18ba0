"""Bounded traffic for the app that embeds an engine: answers, errors, and a client that leaves."""

from __future__ import annotations

import requests

from tests.live.embedding_app import UNSPEAKABLE
from tests.live.traffic import REQUEST_SECONDS, Exchange, Outcome, Traffic

#: An address that the app answers whole, and one that it answers in a stream.
WHOLE, STREAMED = "generate", "generate_stream"
#: After an error of the app, uvicorn closes the connection without saying so before.
ONCE = {"Connection": "close"}


def app_traffic(
    base_url: str, *, workers: int = 3, limit: int = 2000, seconds: float = 180.0
) -> Traffic:
    """Return traffic for the app; each of its requests takes some hundredths of a second."""
    return Traffic(app_exchanges(base_url), workers=workers, limit=limit, seconds=seconds)


def app_exchanges(base_url: str) -> dict[str, Exchange]:
    """Return what is sent, by name, in the order of a round."""

    def ask(endpoint: str, prompt: str) -> Exchange:
        def exchange(session: requests.Session, number: int) -> Outcome:
            url, body = f"{base_url}/{endpoint}", {"prompt": f"{number} {prompt}"}
            answer = session.post(url, json=body, headers=ONCE, timeout=REQUEST_SECONDS)
            return Outcome(answer.status_code, generation_tokens=_words(endpoint, answer))

        return exchange

    def leave(session: requests.Session, number: int) -> Outcome:
        url, body = f"{base_url}/{STREAMED}", {"prompt": f"{number} and so on " * 100}
        leaving = session.post(url, json=body, headers=ONCE, timeout=REQUEST_SECONDS, stream=True)
        with leaving as answer:
            next(answer.iter_lines(), None)
        return Outcome(answer.status_code, dropped=True)

    return {
        "whole": ask(WHOLE, "is a number of few words"),
        "streamed": ask(STREAMED, "is a number of few words"),
        "long": ask(WHOLE, "is a number of many words " * 12),
        "failed": ask(WHOLE, UNSPEAKABLE),
        "dropped": leave,
        "streamed_long": ask(STREAMED, "is a number of many words " * 10),
        "failed_streamed": ask(STREAMED, UNSPEAKABLE),
    }


def _words(endpoint: str, answer: requests.Response) -> int:
    """Count the words that came; of what failed in one piece none did."""
    if not answer.ok:
        return 0
    if endpoint == WHOLE:
        return len(answer.text.split())
    return answer.text.count("data: ")
