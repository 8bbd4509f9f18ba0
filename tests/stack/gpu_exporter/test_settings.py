"""Settings: what the environment says, and what it cannot say."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from llmstack.cli import gpu_exporter, main
from llmstack.errors import SettingsError
from llmstack.gpu_exporter.names import Names
from llmstack.gpu_exporter.settings import Settings, read_settings


def test_defaults_are_for_one_host() -> None:
    """Without a word it listens on 9101 to its own host, asks every 2 s, and shows the old names."""
    assert Settings(
        host="127.0.0.1",
        port=9101,
        interval=2.0,
        names=Names.LEGACY,
        pcie_throughput=False,
        simulate=0,
        seed=0,
    ) == read_settings({"GPU_EXPORTER_PORT": " "})


def test_the_environment_says_all() -> None:
    """Each setting has a variable."""
    assert Settings("::", 9400, 0.5, Names.RENAMED, True, 4, 7) == read_settings(
        {
            "GPU_EXPORTER_HOST": "::",
            "GPU_EXPORTER_PORT": "9400",
            "GPU_EXPORTER_INTERVAL_SECONDS": "0.5",
            "GPU_EXPORTER_NAMES": "4.6",
            "GPU_EXPORTER_PCIE_THROUGHPUT": "yes",
            "GPU_EXPORTER_SIMULATE": "4",
            "GPU_EXPORTER_SEED": "7",
        }
    )


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("HOST", "http://h", "expected the name or address of a host, got 'http://h'"),
        ("PORT", "abc", "expected a port from 0 to 65535, got 'abc'"),
        ("PORT", "65536", "expected a port from 0 to 65535, got '65536'"),
        ("INTERVAL_SECONDS", "fast", "expected a number above 0, got 'fast'"),
        ("INTERVAL_SECONDS", "0", "expected a number above 0, got '0'"),
        ("INTERVAL_SECONDS", "nan", "expected a number above 0, got 'nan'"),
        ("NAMES", "4.7", "expected legacy or 4.6, got '4.7'"),
        ("PCIE_THROUGHPUT", "maybe", "expected true or false, got 'maybe'"),
        ("SIMULATE", "-1", "expected a whole number from 0, got '-1'"),
        ("SEED", "x", "expected a whole number, got 'x'"),
    ],
)
def test_what_cannot_be_is_named(name: str, text: str, expected: str) -> None:
    """The error names the variable, what was expected and what was found."""
    with pytest.raises(SettingsError) as raised:
        read_settings({f"GPU_EXPORTER_{name}": text})

    assert f"GPU_EXPORTER_{name}: {expected}" == str(raised.value)


def test_options_are_held_to_the_same_bounds() -> None:
    """All that cannot be are named by their variables; those of the environment are read before."""
    done = CliRunner(env={"GPU_EXPORTER_SIMULATE": "1"}).invoke(
        main, ["gpu-exporter", "--port", "65536", "--interval", "nan", "--host", ""]
    )

    assert 1 == done.exit_code
    assert (
        "Error: GPU_EXPORTER_HOST: expected the name or address of a host, got ''\n"
        "GPU_EXPORTER_PORT: expected a port from 0 to 65535, got 65536\n"
        "GPU_EXPORTER_INTERVAL_SECONDS: expected a number above 0, got nan\n"
    ) == done.output


def test_a_snapshot_is_old_after_five_samples() -> None:
    """But not before ten seconds: some calls take long."""
    assert (10, 10, 75) == tuple(Settings(interval=each).stale_after for each in (0.1, 2, 15))


def test_options_offer_what_settings_know() -> None:
    """The command has an option for each setting, and the same choice of names."""
    options = {option.name: option for option in gpu_exporter.params}

    assert set(Settings.__dataclass_fields__) == set(options)
    assert [each.value for each in Names] == list(options["names"].type.choices)  # type: ignore[attr-defined]
