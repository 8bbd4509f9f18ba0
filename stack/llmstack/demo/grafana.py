"""The built dashboards in a Grafana, with the demonstration's Prometheus as their datasource."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from llmstack.demo.stage import Stage


def pushed(generated: Path, stage: Stage, url: str) -> str:
    """Push, and return what came of it in a line; where Grafana refuses, the rest goes on.

    A datasource that is there already stays as it is. The token is read from GRAFANA_TOKEN.

    Args:
        generated: what `llmdash build` wrote.
        stage: whose Prometheus the datasource asks.
        url: the Grafana.
    """
    folder = stage.folder / "pushed"
    shutil.copytree(generated, folder)
    for path in (folder / "grafana" / "provisioning" / "datasources").glob("*.yaml"):
        found = yaml.safe_load(path.read_text())
        for datasource in found["datasources"]:
            datasource["url"] = stage.ports.url(stage.ports.prometheus)
        path.write_text(yaml.safe_dump(found, sort_keys=False))
    command = [sys.executable, "-m", "llmdash", "push", "--grafana-url", url]
    command += ["--from", str(folder), "--create-datasource"]
    done = subprocess.run(
        command, capture_output=True, text=True, env=dict(os.environ), check=False
    )
    told = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()
    return f"Grafana at {url}: {told[-1] if told else 'said nothing'}"
