"""What one check judges: a profile, what is asked of it, and the facts."""

from __future__ import annotations

from dataclasses import dataclass

from llmstack.preflight.facts import Facts
from llmstack.preflight.images import Image
from llmstack.preflight.profiles import Engine, Profile
from llmstack.preflight.settings import Settings


@dataclass(frozen=True)
class Case:
    """All that a check may look at."""

    profile: Profile
    settings: Settings
    facts: Facts

    @property
    def image(self) -> Image | None:
        """The engine's image; None where the profile runs none on GPUs."""
        return self.settings.image

    @property
    def needs_gpu(self) -> bool:
        """Tell whether the profile runs an engine on GPUs."""
        return self.profile.engine is Engine.GPU

    @property
    def group(self) -> int:
        """GPUs that one replica is spread over."""
        return self.settings.tp * self.settings.pp


def dotted(version: tuple[int, ...]) -> str:
    """Return a version as people write it."""
    return ".".join(map(str, version))
