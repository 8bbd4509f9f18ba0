"""What a played server refuses, before each API says it in its own words."""

from __future__ import annotations

from llmstack.errors import RequestError


class RefusedError(RequestError):
    """A request that is not answered."""

    def __init__(
        self, status: int, message: str, *, about: str | None = None, kind: str = ""
    ) -> None:
        """Say why.

        Args:
            status: of the HTTP answer.
            message: for the client.
            about: the field of the request that it is about.
            kind: what kind of error it is, where the status does not say.
        """
        super().__init__(message)
        self.status, self.about, self.kind = status, about, kind


class EngineFailedError(RefusedError):
    """The engine could not go on with a request, by an incident."""

    def __init__(self) -> None:
        """Say it as vLLM does when its engine has died."""
        super().__init__(
            500, "EngineCore encountered an issue. See stack trace (above) for the root cause."
        )
