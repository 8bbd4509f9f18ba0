"""The built dashboards in a Grafana: one that is there already, or one in a container."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import yaml

#: As in stack/compose.yaml.
IMAGE = "grafana/grafana:12.2.8"
#: Seconds that Docker may take to say whether it has an image.
PATIENCE = 10.0


def image_that_is_here(environment: Mapping[str, str]) -> str:
    """Return the image of Grafana if Docker has it, or nothing: none is fetched for this.

    Args:
        environment: may name another image in GRAFANA_IMAGE.
    """
    image = environment.get("GRAFANA_IMAGE", "").strip() or IMAGE
    command = ["docker", "image", "inspect", "--format", "{{.Id}}", image]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=PATIENCE)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return image if done.returncode == 0 else ""


def container(image: str, folder: Path, port: int) -> tuple[str, ...]:
    """Return the command that runs Grafana on loopback, with what was built, for all to see.

    Args:
        image: of Grafana.
        folder: what was built, as `for_prometheus` has written it.
        port: where it listens.
    """
    settings = {
        "GF_SERVER_HTTP_ADDR": "127.0.0.1",
        "GF_SERVER_HTTP_PORT": str(port),
        "GF_AUTH_ANONYMOUS_ENABLED": "true",
        "GF_AUTH_ANONYMOUS_ORG_ROLE": "Viewer",
        "GF_ANALYTICS_REPORTING_ENABLED": "false",
        "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
    }
    mounts = {
        "grafana/provisioning": "/etc/grafana/provisioning",
        "dashboards": "/etc/grafana/dashboards",
    }
    return (
        *("docker", "run", "--rm", "--init", "--network=host", f"--name=llmdash-demo-{port}"),
        *(f"--env={name}={value}" for name, value in settings.items()),
        *(f"--volume={folder / ours}:{theirs}:ro" for ours, theirs in mounts.items()),
        image,
    )


def for_prometheus(generated: Path, folder: Path, url: str) -> None:
    """Copy what was built, with another Prometheus as its datasource."""
    shutil.copytree(generated, folder)
    for path in (folder / "grafana" / "provisioning" / "datasources").glob("*.yaml"):
        found = yaml.safe_load(path.read_text())
        for datasource in found["datasources"]:
            datasource["url"] = url
        path.write_text(yaml.safe_dump(found, sort_keys=False))


def pushed(folder: Path, url: str) -> str:
    """Push, and return what came of it in a line; where Grafana refuses, the rest goes on.

    A datasource that is there already stays as it is. The token is read from GRAFANA_TOKEN.

    Args:
        folder: what was built, as `for_prometheus` has written it.
        url: the Grafana.
    """
    command = [sys.executable, "-m", "llmdash", "push", "--grafana-url", url]
    command += ["--from", str(folder), "--create-datasource"]
    done = subprocess.run(
        command, capture_output=True, text=True, env=dict(os.environ), check=False
    )
    told = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()
    return f"Grafana at {url}: {told[-1] if told else 'said nothing'}"
