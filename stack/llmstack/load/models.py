"""Asks a server what its model is called, where nobody has said it."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from llmstack.errors import ConfigurationError
from llmstack.load.apis import Api

#: Seconds that it may take.
_WITHIN = 10.0


def model_of(url: str, api: Api, headers: Mapping[str, str], *, verifies: bool = True) -> str:
    """Return the first model that a server has.

    Raises:
        ConfigurationError: it does not say.
    """
    base = url.rstrip("/")
    try:
        if api in (Api.CHAT, Api.COMPLETIONS):
            told = _asked(f"{base.removesuffix('/v1')}/v1/models", None, headers, verifies)
            return str(told["data"][0]["id"])
        if api.usual_model:
            return api.usual_model
        told = _asked(f"{base}/v2/repository/index", b'{"ready":true}', headers, verifies)
        return str(told[0]["name"])
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ConfigurationError(
            f"{url}: cannot find out what its model is called ({_said(error)}); "
            "name it with --model"
        ) from error


def _asked(url: str, body: bytes | None, headers: Mapping[str, str], verifies: bool) -> Any:
    request = urllib.request.Request(url, body, dict(headers))
    context = None if verifies else ssl._create_unverified_context()
    with urllib.request.urlopen(request, timeout=_WITHIN, context=context) as answer:
        return json.load(answer)


def _said(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"status {error.code}"
    if isinstance(error, urllib.error.URLError):
        return str(error.reason)
    return f"{type(error).__name__}: {error}" if isinstance(error, LookupError) else str(error)
