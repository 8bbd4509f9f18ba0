"""What the pages of all Tritons have in common, whichever backend they run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from llmstack.simulator.engine import Engine
from llmstack.simulator.exposition import TRITON, Exposition
from llmstack.simulator.page import About, Page
from llmstack.simulator.request import Request
from llmstack.simulator.triton_core import MODEL_VERSION, TritonCore


class TritonPage(Page):
    """The page of one Triton."""

    content_type = "text/plain; charset=utf-8"

    def __init__(
        self,
        engine: Engine,
        about: About,
        engine_model: str,
        parts: Mapping[str, Sequence[str]],
        *,
        beside: Sequence[str] = (),
    ) -> None:
        """Make the families of Triton's core.

        Args:
            engine: what is behind it.
            about: the server.
            engine_model: the model that runs the engine, which its backend's families are of.
            parts: see `TritonCore`.
            beside: see `TritonCore`.
        """
        super().__init__(engine, about)
        self._shown = Exposition(
            {"model": engine_model, "version": MODEL_VERSION},
            created=about.started,
            model_length=engine.limits.model_length,
            style=TRITON,
        )
        self._core = TritonCore(self._shown, about.version, parts, beside=beside)

    def failed(self, model: str) -> None:
        """Count a request that the engine failed."""
        self._core.failed(model, "BACKEND")

    def aborted(self, request: Request) -> None:
        """Count a request whose client went away."""
        self._core.failed(request.model, "CANCELED")

    def _look(self) -> None:
        self._core.look()
