"""Which headers pass, either way: those of one connection, of secrets and of proxies do not."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping

from multidict import CIMultiDict

REQUEST_ID = "X-Request-Id"
_SAFE_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
#: RFC 9110 section 7.6.1, and what aiohttp states itself.
_HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "content-length",
        "content-encoding",
        "accept-encoding",
        "expect",
        "host",
        "date",
        "server",
    }
)
#: The client's secrets are ours to check, and what a proxy says of itself is not the engine's.
_KEPT = frozenset(
    {"authorization", "x-api-key", "cookie", "set-cookie", "forwarded", "x-real-ip", "via"}
)


def to_engine(given: Mapping[str, str], request_id: str, engine_key: str) -> CIMultiDict[str]:
    """Return the headers that an engine is sent."""
    found = _passed(given)
    found[REQUEST_ID] = request_id
    # The body is read and changed here: packed ones would have to be unpacked first.
    found["Accept-Encoding"] = "identity"
    if engine_key:
        found["Authorization"] = f"Bearer {engine_key}"
    return found


def to_client(given: Mapping[str, str], request_id: str) -> CIMultiDict[str]:
    """Return the headers that a client is sent."""
    found = _passed(given)
    found[REQUEST_ID] = request_id
    return found


def _passed(given: Mapping[str, str]) -> CIMultiDict[str]:
    named = {name.strip().lower() for name in given.get("Connection", "").split(",")}
    found: CIMultiDict[str] = CIMultiDict()
    for name, value in given.items():
        low = name.lower()
        is_kept = low in _HOP_BY_HOP or low in _KEPT or low.startswith("x-forwarded-")
        if not is_kept and low not in named:
            found.add(name, value)
    return found


def request_id(given: Mapping[str, str]) -> str:
    """Return the request's own id where it can be written into a log, else a new one."""
    text = given.get(REQUEST_ID, "")
    return text if _SAFE_ID.fullmatch(text) else uuid.uuid4().hex
