"""Waits for whichever of several events comes first."""

from __future__ import annotations

import asyncio


async def wait_for_one(*events: asyncio.Event, within: float | None = None) -> None:
    """Return when one of them is set, or when so many seconds have passed; None for no bound."""
    waits = [asyncio.create_task(each.wait()) for each in events]
    try:
        await asyncio.wait(waits, timeout=within, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waits:
            each.cancel()
