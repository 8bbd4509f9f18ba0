"""The gateway: one address in front of engines that speak as OpenAI does."""

from __future__ import annotations

from llmstack.gateway.serving import serve

__all__ = ["serve"]
