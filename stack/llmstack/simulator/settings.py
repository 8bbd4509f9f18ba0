"""Settings of the simulator, from SIMULATOR_… in the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from llmstack.environment import (
    HOST,
    PORT,
    TEXT,
    TRUTH,
    Reader,
    check,
    read,
    setting,
    several,
    whole,
)
from llmstack.errors import SettingsError
from llmstack.simulator.engines import ENGINES, Played
from llmstack.simulator.fleet import Place
from llmstack.simulator.incidents import EXPECTED, Incident, read_incident
from llmstack.simulator.presets import USUAL, preset
from llmstack.simulator.replica import Character

INCIDENT = Reader[Incident](EXPECTED, read_incident)
ENGINE = Reader[str](f"one of {', '.join(ENGINES)}", str, lambda name: name in ENGINES)


@dataclass(frozen=True)
class Settings:
    """How the simulator runs."""

    engine: str = setting("SIMULATOR_ENGINE", "vllm", ENGINE)
    #: Whose metrics are shown; the newest of the catalogue that was seen if left out.
    engine_version: str = setting("SIMULATOR_ENGINE_VERSION", "", TEXT)
    #: What clients call the model; as the preset does if left out.
    model: str = setting("SIMULATOR_MODEL", "", TEXT)
    #: How fast it is and how much it takes on.
    preset: str = setting("SIMULATOR_PRESET", USUAL, TEXT)
    replicas: int = setting("SIMULATOR_REPLICAS", 1, whole(1, 1000))
    host: str = setting("SIMULATOR_HOST", "127.0.0.1", HOST)
    #: Of the first replica; the others have those after it. 0 is a free one for each.
    port: int = setting("SIMULATOR_PORT", 8000, PORT)
    #: Of /metrics, for kinds that have a port of its own for it.
    metrics_port: int = setting("SIMULATOR_METRICS_PORT", 8002, PORT)
    #: Equal seeds answer equal requests with equal lengths.
    seed: int = setting("SIMULATOR_SEED", 0, whole(0))
    incidents: tuple[Incident, ...] = setting("SIMULATOR_INCIDENTS", (), several(INCIDENT))
    prefix_cache: bool = setting("SIMULATOR_PREFIX_CACHE", True, TRUTH)
    #: Limits other than the preset's; 0 for those.
    max_model_len: int = setting("SIMULATOR_MAX_MODEL_LEN", 0, whole(0))
    max_num_seqs: int = setting("SIMULATOR_MAX_NUM_SEQS", 0, whole(0))
    max_num_batched_tokens: int = setting("SIMULATOR_MAX_NUM_BATCHED_TOKENS", 0, whole(0))
    kv_blocks: int = setting("SIMULATOR_KV_BLOCKS", 0, whole(0))

    def __post_init__(self) -> None:
        """Refuse what cannot be: options of the command come here without being read.

        Raises:
            SettingsError: it lists every one of them, by its variable.
        """
        check(self)

    @property
    def played(self) -> Played:
        """The kind of server."""
        return ENGINES[self.engine]

    @property
    def place(self) -> Place:
        """Where it listens.

        Raises:
            SettingsError: two servers would have one port.
        """
        apart = abs(self.metrics_port - self.port)
        has_both = self.played.has_metrics_port and self.port and self.metrics_port
        if has_both and apart < self.replicas:
            raise SettingsError(
                f"SIMULATOR_METRICS_PORT: {self.replicas} replicas have the ports from {self.port} "
                f"on, and {self.metrics_port} is one of them; name one from "
                f"{self.port + self.replicas} on"
            )
        return Place(self.host, self.port, self.metrics_port)

    @property
    def character(self) -> Character:
        """What every replica is like.

        Raises:
            ModelError: there is no such preset.
            SettingsError: a version is not played, or limits cannot be together.
        """
        chosen, played = preset(self.preset), self.played
        limits = chosen.limits
        blocks = self.kv_blocks or limits.blocks
        limits = replace(
            limits,
            blocks=blocks,
            sequences=self.max_num_seqs or limits.sequences,
            batched_tokens=self.max_num_batched_tokens or limits.batched_tokens,
            model_length=self.max_model_len or min(limits.model_length, blocks * 16),
        )
        if limits.model_length > blocks * 16:
            raise SettingsError(
                f"SIMULATOR_MAX_MODEL_LEN: {limits.model_length} tokens do not fit into {blocks} "
                f"blocks of 16; name {blocks * 16} at most, or more SIMULATOR_KV_BLOCKS"
            )
        if limits.batched_tokens < limits.sequences:
            raise SettingsError(
                f"SIMULATOR_MAX_NUM_BATCHED_TOKENS: {limits.batched_tokens} tokens a step are "
                f"fewer than {limits.sequences} sequences; name more, or a smaller "
                "SIMULATOR_MAX_NUM_SEQS"
            )
        return Character(
            played,
            played.version(self.engine_version),
            self.model or played.usual_model or chosen.model,
            chosen.rates,
            limits,
            self.seed,
            self.prefix_cache,
        )


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Return the settings that an environment says.

    Raises:
        SettingsError: it lists every variable that cannot be.
    """
    return read(Settings, environment)


def incident_option(text: str) -> Incident:
    """Return the incident of an option of the command.

    Raises:
        SettingsError: it is none.
    """
    try:
        return read_incident(text)
    except ValueError as error:
        raise SettingsError(f"--incident: {error}") from error
