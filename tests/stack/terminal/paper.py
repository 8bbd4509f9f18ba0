"""A terminal that keeps what is written to it, and does nothing of what that says."""

from __future__ import annotations

import io


class Bytes(io.BytesIO):
    """Takes a few bytes at a time where it is told to, as a busy terminal without a buffer does."""

    def __init__(self, at_once: int | None = None) -> None:
        super().__init__()
        self.at_once = at_once

    def write(self, data: bytes) -> int:  # type: ignore[override]  # of all that bytes can be, it is given these
        return super().write(data[: self.at_once])


class Paper(io.TextIOWrapper):
    def __init__(self, encoding: str = "utf-8", *, is_terminal: bool = True) -> None:
        self.bytes, self._is_terminal = Bytes(), is_terminal
        super().__init__(self.bytes, encoding)

    def isatty(self) -> bool:
        return self._is_terminal

    def written(self) -> str:
        return self.bytes.getvalue().decode()
