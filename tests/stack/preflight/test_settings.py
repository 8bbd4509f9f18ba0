"""The environment and the `.env` file, read for a profile."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmstack.errors import ConfigurationError, SettingsError
from llmstack.preflight.images import image
from llmstack.preflight.profiles import profile
from llmstack.preflight.settings import Settings, read_env_file, read_settings

CORE = {"GATEWAY_PORT": ("127.0.0.1", 8080), "PROMETHEUS_PORT": ("127.0.0.1", 9090), "ALERTMANAGER_PORT": ("127.0.0.1", 9093), "GRAFANA_PORT": ("127.0.0.1", 3000)}  # fmt: skip


def test_nothing_is_said() -> None:
    """The defaults of the stack; what is empty is as if it was left out."""
    expected = Settings(
        image=image("vllm/vllm-openai:v0.32.0"), ports={"VLLM_PORT": ("127.0.0.1", 8000), **CORE}
    )

    assert expected == read_settings(profile("vllm"), {"TP_SIZE": "", "MODEL_NAME": " "})


def test_all_is_said() -> None:
    """Each key is read, and a port has the address that its program listens on."""
    found = read_settings(
        profile("vllm"),
        {
            "MODEL_NAME": "Qwen/Qwen3-32B",
            "HF_TOKEN": "hush",
            "MODEL_CACHE_DIR": "/models",
            "TP_SIZE": "2",
            "PP_SIZE": "3",
            "QUANTIZATION": "awq",
            "DTYPE": "half",
            "GPU_MEMORY_UTILIZATION": "0.85",
            "MAX_MODEL_LEN": "8192",
            "VLLM_IMAGE": "vllm/vllm-openai:v0.9.2",
            "VLLM_PORT": "8123",
            "GATEWAY_HOST": "0.0.0.0",
            "GRAFANA_ADMIN_PASSWORD": "secret",
        },
    )
    expected = Settings(
        "Qwen/Qwen3-32B", "hush", Path("/models"), 2, 3, "awq", "half", 0.85, 8192,
        image("vllm/vllm-openai:v0.9.2"),
        {"VLLM_PORT": ("127.0.0.1", 8123), **CORE, "GATEWAY_PORT": ("0.0.0.0", 8080)}, "secret",
    )  # fmt: skip

    assert expected == found
    assert "hush" not in repr(found)
    assert "secret" not in repr(found)


def test_what_cannot_be() -> None:
    """Every value that cannot be is named at once."""
    wrong = {"TP_SIZE": "two", "GPU_MEMORY_UTILIZATION": "90", "MAX_MODEL_LEN": "-1", "GATEWAY_HOST": "http://a", "VLLM_PORT": "80000", "GATEWAY_PORT": "0", "HF_TOKEN": "hush"}  # fmt: skip
    with pytest.raises(SettingsError) as found:
        read_settings(profile("vllm"), wrong)

    assert [
        "VLLM_PORT: expected a port from 1 to 65535, got '80000'",
        "GATEWAY_HOST: expected the name or address of a host, got 'http://a'",
        "GATEWAY_PORT: expected a port from 1 to 65535, got '0'",
        "TP_SIZE: expected a whole number from 1 to 1024, got 'two'",
        "GPU_MEMORY_UTILIZATION: expected a number from 0.01 to 1, got '90'",
        "MAX_MODEL_LEN: expected a whole number from 1 to 1000000000, got '-1'",
    ] == str(found.value).splitlines()


def test_without_an_engine() -> None:
    """A profile that runs none on GPUs asks for no image, whatever the environment says."""
    assert read_settings(profile("sim"), {"VLLM_IMAGE": "mine:1"}).image is None


def test_env_file(tmp_path: Path) -> None:
    """Comments, quotes and `export` as Docker Compose has them."""
    path = tmp_path / ".env"
    path.write_text(
        "# the model\nMODEL_NAME=Qwen/Qwen3-32B   # large\nexport TP_SIZE = 2\n\n"
        "HF_TOKEN='hf#x'\nA=\"b c\" # d\nEMPTY=\nURL=http://h/#x\n"
    )

    assert {
        "MODEL_NAME": "Qwen/Qwen3-32B",
        "TP_SIZE": "2",
        "HF_TOKEN": "hf#x",
        "A": "b c",
        "EMPTY": "",
        "URL": "http://h/#x",
    } == read_env_file(path)


def test_env_files_that_are_none(tmp_path: Path) -> None:
    """Said with the line, and without what stands there: it may be half a secret."""
    path = tmp_path / ".env"
    path.write_text("A=1\nhf_secret\n")
    with pytest.raises(ConfigurationError) as wrong:
        read_env_file(path)
    with pytest.raises(ConfigurationError, match="expected a file of KEY=value"):
        read_env_file(tmp_path)

    assert f"{path}:2: expected KEY=value" == str(wrong.value)
