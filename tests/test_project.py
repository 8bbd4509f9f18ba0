"""The facts of the project itself: what it depends on, what its files may not hold, what its tools offer."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.prometheus_tools import FINDER, PrometheusTools, read_tools
from tests.requirements import KINDS, require, required_kinds
from tests.summary import summarise

ROOT = Path(__file__).resolve().parents[1]

# Put together here, so that this file does not hold what it forbids.
REGISTRY_HOSTS = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("yarnpkg", "com"),
        ("deb", "debian", "org"),
        ("ftp", "debian", "org"),
        ("security", "debian", "org"),
        ("snapshot", "debian", "org"),
        ("archive", "ubuntu", "com"),
        ("pkg", "dev"),
    )
)


@pytest.fixture(scope="module")
def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.fixture
def folder_of_tools(tmp_path: Path) -> Path:
    """A folder of programs that name a version, as Debian does: prometheus-alertmanager, no amtool."""
    folder = tmp_path / "usr" / "bin"
    folder.mkdir(parents=True)
    for program in ("promtool", "prometheus", "prometheus-alertmanager"):
        script = folder / program
        script.write_text(f"#!/bin/sh\necho '{program}, version 9.11.12+ds1 (branch: none)'\n")
        script.chmod(0o755)
    return folder


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[^A-Za-z0-9._-]", requirement)[0].lower() for requirement in requirements}


def our_files() -> list[Path]:
    """The files that are tracked, or would be with the next commit."""
    # The checkout may belong to somebody else than the one who runs the tests, in a container for instance.
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "-co", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    if listed.returncode != 0:
        pytest.skip("this is not a git checkout")
    files = (ROOT / name for name in sorted(set(listed.stdout.split("\0"))) if name)
    return [file for file in files if file.is_file()]


def test_dependencies_are_five(pyproject: dict[str, Any]) -> None:
    """A dashboard compiler is light: it needs five libraries and nothing else."""
    dependencies = names(pyproject["project"]["dependencies"])

    assert dependencies == {"click", "grafanalib", "promql-parser", "pyyaml", "requests"}


def test_constraints_pin_every_dependency(pyproject: dict[str, Any]) -> None:
    """constraints.txt is name==version and nothing else, and leaves no dependency out."""
    project = pyproject["project"]
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    wanted = names(project["dependencies"] + project["optional-dependencies"]["dev"])

    assert [pin for pin in pins if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+", pin)] == []
    assert {name.replace("_", "-") for name in wanted} <= {
        name.replace("_", "-") for name in names(pins)
    }


def test_no_file_names_a_package_registry() -> None:
    """Where packages come from is the business of the machine, so no file of ours says it."""
    found = [
        f"{file.relative_to(ROOT)}: {host}"
        for file in our_files()
        for host in REGISTRY_HOSTS
        if host.encode() in file.read_bytes()
    ]

    assert found == []


def test_help_lists_every_target() -> None:
    """`make help` has a line for every target, in the order of the Makefile."""
    makefile = (ROOT / "Makefile").read_text()
    targets = re.findall(r"^([a-z][a-z-]*):", makefile, flags=re.MULTILINE)
    printed = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout

    assert [line.split()[0] for line in printed.splitlines()] == targets
    assert all(len(line.split()) > 1 for line in printed.splitlines())


def test_ci_hides_no_skip() -> None:
    """CI turns the skips for want of anything that there is a kind of into failures."""
    script = (ROOT / ".ci" / "run").read_text()
    named = re.findall(r"^export LLMDASH_REQUIRE=(\S+)$", script, flags=re.MULTILINE)

    assert [each.split(",") for each in named] == [list(KINDS)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_thing_skips(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing and not required ends the test as skipped, with its reason."""
    others = ",".join(other for other in KINDS if other != kind)
    monkeypatch.setenv("LLMDASH_REQUIRE", others)

    with pytest.raises(pytest.skip.Exception, match="nothing here"):
        require(kind, "nothing here")


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_thing_fails_where_it_is_required(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is missing and required ends the test as failed, with its reason."""
    monkeypatch.setenv("LLMDASH_REQUIRE", f" {kind} , ")

    with pytest.raises(pytest.fail.Exception, match="nothing here"):
        require(kind, "nothing here")


def test_a_misspelled_requirement_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kind that does not exist is an error: it would require nothing."""
    monkeypatch.setenv("LLMDASH_REQUIRE", "live,promtool3")

    with pytest.raises(ValueError, match="got promtool3"):
        required_kinds()


def test_the_finder_lists_named_folders(folder_of_tools: Path, tmp_path: Path) -> None:
    """`stack/prometheus.sh --found` reads LLMDASH_PROMETHEUS_DIRS and prints tab-separated fields."""
    environment = {**os.environ, "LLMDASH_PROMETHEUS_DIRS": f"{tmp_path / 'missing'}:{tmp_path}"}
    listing = subprocess.run(
        [FINDER, "--found"], env=environment, check=True, capture_output=True, text=True
    ).stdout

    assert read_tools(listing)[-1] == PrometheusTools(
        version=(9, 11, 12),
        promtool=folder_of_tools / "promtool",
        prometheus=folder_of_tools / "prometheus",
        alertmanager=folder_of_tools / "prometheus-alertmanager",
    )


def test_the_finder_says_what_is_missing() -> None:
    """A program that is not there is `-` in the listing, and None to a test."""
    listing = "2.42.0\t/a/promtool\t-\t-\n3.5.3\t/b/promtool\t/b/prometheus\t/b/alertmanager\n"

    assert read_tools(listing) == (
        PrometheusTools((2, 42, 0), Path("/a/promtool"), None, None),
        PrometheusTools(
            (3, 5, 3), Path("/b/promtool"), Path("/b/prometheus"), Path("/b/alertmanager")
        ),
    )


def test_the_summary_counts_by_kind(tmp_path: Path) -> None:
    """The summary counts each kind of test and ends with the totals."""
    report = tmp_path / "test.xml"
    report.write_text(
        """<testsuites><testsuite>
        <testcase classname="a" name="one"/>
        <testcase classname="a" name="two">
          <properties><property name="kind" value="promtool"/></properties><failure/>
        </testcase>
        <testcase classname="a" name="three">
          <properties><property name="kind" value="promtool"/></properties><skipped/>
        </testcase>
        <testcase classname="a" name="four">
          <properties><property name="kind" value="promtool"/></properties>
        </testcase>
        <testcase classname="a" name="four">
          <properties><property name="kind" value="promtool"/></properties><error/>
        </testcase>
        </testsuite></testsuites>"""
    )

    lines, every_report_ran = summarise([report])

    assert [line.split() for line in lines[1:]] == [
        ["test", "promtool", "2", "0", "2", "1"],
        ["test", "unknown", "1", "1", "0", "0"],
        ["1", "passed,", "2", "failed,", "1", "skipped"],
    ]
    assert every_report_ran


@pytest.mark.parametrize(
    "report",
    [None, "<testsuites/>", "<testsuites><testcase><skipped/></testcase></testsuites>"],
    ids=["missing", "empty", "skips only"],
)
def test_a_run_that_tested_nothing_is_noticed(report: str | None, tmp_path: Path) -> None:
    """A report that is missing, is empty or holds skips only is not a passed run."""
    file = tmp_path / "live.xml"
    if report is not None:
        file.write_text(report)

    lines, every_report_ran = summarise([file])

    assert not every_report_ran
    assert any("no test ran" in line for line in lines)
