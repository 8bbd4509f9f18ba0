"""The servers that are played, by name."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from llmdash.metrics.metric import Versions
from llmstack.errors import SettingsError
from llmstack.simulator import (
    sglang_page,
    triton_trtllm_page,
    triton_vllm_page,
    trtllm_page,
    vllm_page,
)
from llmstack.simulator.engine import Engine
from llmstack.simulator.page import About, Page


class Speaks(Enum):
    """What clients of a server say."""

    OPENAI = "openai"
    TRITON = "triton"


@dataclass(frozen=True)
class Played:
    """One kind of server."""

    name: str
    #: Whose metrics it shows where none is named.
    usual_version: str
    #: Those that can be asked for.
    versions: Versions
    page: Callable[[Engine, About], Page]
    speaks: Speaks = Speaks.OPENAI
    #: Whether /metrics is on a port of its own.
    has_metrics_port: bool = False
    #: What the model is called where nobody says; of the preset's model where it is empty.
    usual_model: str = ""
    #: How many parts a version has: 0.12 means 0.12.0, and Triton's 24.10 means itself.
    parts: int = 3

    def version(self, asked: str) -> str:
        """Return a version as the catalogue counts it.

        Raises:
            SettingsError: it is none, or none that is played.
        """
        asked = asked or self.usual_version
        if re.fullmatch(r"\d+(\.\d+)*", asked) is None:
            raise SettingsError(
                "SIMULATOR_ENGINE_VERSION: expected one such as "
                f"{self.usual_version}, got {asked!r}"
            )
        found = asked + ".0" * (self.parts - 1 - asked.count("."))
        if not self.versions.includes(found):
            raise SettingsError(
                f"SIMULATOR_ENGINE_VERSION: {self.name} is played from {self.versions.first}, "
                f"got {asked}; the catalogue knows no whole page of older ones"
            )
        return found


ENGINES = {
    played.name: played
    for played in (
        Played("vllm", "0.32.0", vllm_page.SINCE, vllm_page.VllmPage),
        Played(
            "triton-vllm",
            "25.04",
            triton_vllm_page.SINCE,
            triton_vllm_page.TritonVllmPage,
            Speaks.TRITON,
            has_metrics_port=True,
            usual_model="vllm_model",
            parts=2,
        ),
        Played(
            "triton-trtllm",
            "25.04",
            triton_trtllm_page.SINCE,
            triton_trtllm_page.TritonTrtllmPage,
            Speaks.TRITON,
            has_metrics_port=True,
            usual_model="ensemble",
            parts=2,
        ),
        Played("sglang", "0.5.23", sglang_page.SINCE, sglang_page.SglangPage),
        Played("trtllm", "1.3", trtllm_page.SINCE, trtllm_page.TrtllmPage, parts=2),
    )
}
