"""A request to a server that is told something beside the run: it may fail, and never raises."""

from __future__ import annotations

from collections.abc import Mapping

import aiohttp

#: Seconds that a run waits for such a server at its end.
PATIENCE = aiohttp.ClientTimeout(total=5.0)
#: Of an answer that is told.
_LONGEST = 120
_FIRST_REDIRECT = 300


async def asked(
    session: aiohttp.ClientSession,
    method: str,
    url: str,
    body: bytes,
    headers: Mapping[str, str],
) -> tuple[bytes, str]:
    """Ask, and return the answer, and why there is none; either is empty."""
    try:
        # A redirected POST becomes a GET.
        async with session.request(
            method, url, data=body, headers=headers, allow_redirects=False
        ) as answer:
            text = await answer.read()
            if answer.status < _FIRST_REDIRECT:
                return text, ""
            said = " ".join(text.decode(errors="replace").split())[:_LONGEST]
            return b"", f"{answer.status} {said}".strip()
    except TimeoutError:
        return b"", f"no answer within {PATIENCE.total:g} s"
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return b"", str(error) or type(error).__name__
