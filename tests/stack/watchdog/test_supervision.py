"""A real watchdog with real programs over real sockets: what exits, hangs, ignores, floods and forks."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from llmdash.metrics import watchdog as catalogue
from tests.live.process import free_port
from tests.stack.watchdog.running import Watchdog, is_alive, pids_in, python, until

#: Quick, so that a test takes no longer than it must.
QUICK = {"backoff_seconds": 0.05, "stop_grace_seconds": 20}
CHECKED = {**QUICK, "interval_seconds": 0.05, "timeout_seconds": 2, "failures": 2}
SLEEPS = "import time\nwhile True: time.sleep(1000)"

#: A server whose folder tells it how to answer: well, badly (a file `bad`), or never (`silent`).
SERVER = """
import http.server, os, sys, time
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        while os.path.exists("silent"):
            time.sleep(0.01)
        self.send_response(500 if os.path.exists("bad") else 200)
        self.end_headers()
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""

#: Writes its own id, then starts one child in its group, one in a session of its own, and one whose
#: parent ends at once (a daemon); each writes its id and ignores SIGTERM.
FAMILY = """
import os, signal, sys, time
def stay():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with open(sys.argv[1], "a") as file: file.write(f"{os.getpid()}\\n")
    while True: time.sleep(1000)
if not os.fork(): stay()
if not os.fork(): os.setsid(); stay()
child = os.fork()
if not child:
    os.setsid()
    if os.fork(): os._exit(0)
    stay()
os.waitpid(child, 0)
with open(sys.argv[1], "a") as file: file.write(f"{os.getpid()}\\n")
while True:
    time.sleep(0.01)
    if os.path.exists("leave"): sys.exit(3)
"""


def server(folder: Path, **more: Any) -> dict[str, Any]:
    port = free_port()
    return {
        "command": python(SERVER, port),
        "folder": str(folder),
        "health": f"http://127.0.0.1:{port}/health",
        **CHECKED,
        **more,
    }


def test_what_exits_is_started_again(tmp_path: Path) -> None:
    """With a pause that doubles, counted as an exit, until ten restarts in the window do not help."""
    program = {"command": python("raise SystemExit(3)"), **QUICK, "max_restarts": 3}
    with Watchdog(tmp_path, crashing=program, steady={"command": python(SLEEPS), **QUICK}) as dog:
        gave_up = dog.saw("gave up", program="crashing")
        mine = [event for event in dog.events if event.get("program") == "crashing"]
        restarts = dog.value("watchdog_restarts_total", program="crashing", reason="exit")
        status, health = dog.get("/health")
        steady = dog.value("watchdog_up", program="steady")

    assert "3 restarts in 3600 s did not help (exit)" == gave_up["reason"]
    assert ["exit status 3"] * 4 == [e["reason"] for e in mine if e["event"] == "exited"]
    assert [0.05, 0.1, 0.2] == [e["in_seconds"] for e in mine if e["event"] == "restart planned"]
    assert 4 == len({event["pid"] for event in mine if event["event"] == "started"})
    assert (3, 1) == (restarts, steady)
    assert (503, {"phase": "given up", "up": False}) == (status, json.loads(health)["programs"]["crashing"])  # fmt: skip


def test_it_ends_when_it_has_given_up_on_all(tmp_path: Path) -> None:
    """With 1, so that whoever started it notices."""
    nothing = {"command": ["no-such-program"], **QUICK, "max_restarts": 1}
    nowhere = {"command": python(SLEEPS), "folder": "no-such-folder", **QUICK, "max_restarts": 1}
    with Watchdog(tmp_path, nothing=nothing, nowhere=nowhere) as dog:
        dog.saw("ended", reason="gave up on every program")
        said = {event["reason"] for event in dog.events if event["event"] == "start failed"}

        assert 1 == dog.process.wait()
        assert {"No such file or directory: no-such-program", f"No such file or directory: {tmp_path / 'no-such-folder'}"} == said  # fmt: skip


def test_what_answers_badly_is_started_again(tmp_path: Path) -> None:
    """After two bad answers in a row, as unhealthy, with its failures counted."""
    with Watchdog(tmp_path, engine=server(tmp_path)) as dog:
        first = dog.saw("healthy")["pid"]
        until(lambda: dog.value("watchdog_up", program="engine") == 1, "up")
        (tmp_path / "bad").touch()
        failed = dog.saw("health check failed")
        stopping = dog.saw("stopping")
        dog.saw("restart planned")
        (tmp_path / "bad").unlink()
        second = dog.saw("healthy")["pid"]

        assert ("status 500", "unhealthy") == (failed["reason"], stopping["reason"])
        assert 1 == dog.value("watchdog_restarts_total", program="engine", reason="unhealthy")
        failures = dog.value("watchdog_health_check_failures_total", program="engine")
        assert failures is not None
        assert 2 <= failures
        assert (False, True) == (is_alive(first), is_alive(second))


def test_what_hangs_is_started_again(tmp_path: Path) -> None:
    """Silence is no failure in a row, but too long without a healthy answer is a hang."""
    program = server(tmp_path, timeout_seconds=0.3, hang_seconds=2)
    with Watchdog(tmp_path, engine=program) as dog:
        first = dog.saw("healthy")["pid"]
        (tmp_path / "silent").touch()
        dog.saw("health check failed", reason="no answer within 0.3 s")
        stopping = dog.saw("stopping")
        dog.saw("restart planned", reason="hang")
        (tmp_path / "silent").unlink()
        dog.saw("healthy")

        assert "hang" == stopping["reason"]
        assert not is_alive(first)
        assert 1 == dog.value("watchdog_restarts_total", program="engine", reason="hang")


def test_what_is_stopped_by_a_debugger_hangs(tmp_path: Path) -> None:
    """A process that does not run at all is killed: its SIGTERM would wait for ever."""
    program = server(tmp_path, timeout_seconds=0.3, hang_seconds=2, stop_grace_seconds=0.2)
    with Watchdog(tmp_path, engine=program) as dog:
        pid = dog.saw("healthy")["pid"]
        os.kill(pid, signal.SIGSTOP)
        exited = dog.saw("exited")

        assert (pid, "SIGKILL") == (exited["pid"], exited["reason"])


def test_what_dies_while_it_starts(tmp_path: Path) -> None:
    """An exit within the start grace is an exit; checks that found nobody are not counted."""
    program = server(tmp_path, max_restarts=2)
    program["command"] = python("import time; time.sleep(0.3); raise SystemExit(1)")
    with Watchdog(tmp_path, engine=program, steady={"command": python(SLEEPS)}) as dog:
        dog.saw("gave up", program="engine")

        assert 2 == dog.value("watchdog_restarts_total", program="engine", reason="exit")
        assert 0 == dog.value("watchdog_health_check_failures_total", program="engine")


def test_what_never_answers_is_patiently_waited_for(tmp_path: Path) -> None:
    """Bad answers of a start that is in its grace do not stop it."""
    (tmp_path / "bad").touch()
    with Watchdog(tmp_path, engine=server(tmp_path)) as dog:
        pid = dog.saw("health check failed", reason="status 500")["pid"]
        (tmp_path / "bad").unlink()

        assert pid == dog.saw("healthy")["pid"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_it_forwards_the_end(number: signal.Signals, tmp_path: Path) -> None:
    """Programs get SIGTERM and end as they like; the watchdog ends with 0 after the last of them."""
    code = "import signal, sys\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\nprint('ready', flush=True)\nsignal.pause()"
    programs = {name: {"command": python(code), "output": f"{name}.log", **QUICK} for name in "ab"}
    with Watchdog(tmp_path, **programs) as dog:
        pids = [dog.saw("started")["pid"] for _ in programs]
        until(lambda: all((tmp_path / f"{name}.log").read_text() == "ready\n" for name in "ab"), "ready")  # fmt: skip
        status = dog.end(number)
        dog.saw("ended", reason=number.name)
        reasons = [event["reason"] for event in dog.events if event["event"] == "exited"]

    assert (0, ["exit status 7"] * 2) == (status, reasons)
    assert [False, False] == [is_alive(pid) for pid in pids]


def test_what_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    """After its grace."""
    code = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('ready', flush=True)\nwhile True: time.sleep(1000)"
    program = {"command": python(code), "output": "log", "stop_grace_seconds": 0.2}
    with Watchdog(tmp_path, stubborn=program) as dog:
        pid = dog.saw("started")["pid"]
        until(lambda: (tmp_path / "log").read_text() == "ready\n", "ready")
        status = dog.end()

        assert (0, "SIGKILL") == (status, dog.saw("exited")["reason"])
        assert not is_alive(pid)


def test_who_asks_twice_is_in_a_hurry(tmp_path: Path) -> None:
    """A second signal does not wait for the grace, which is an hour here."""
    code = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('ready', flush=True)\nwhile True: time.sleep(1000)"
    program = {"command": python(code), "output": "log", "stop_grace_seconds": 3600}
    with Watchdog(tmp_path, stubborn=program) as dog:
        dog.saw("started")
        until(lambda: (tmp_path / "log").read_text() == "ready\n", "ready")
        dog.process.send_signal(signal.SIGINT)
        dog.saw("stopping")

        assert (0, "SIGKILL") == (dog.end(signal.SIGINT), dog.saw("exited")["reason"])


@pytest.mark.parametrize("way", ["the watchdog is asked to end", "the watchdog is killed", "the program ends"])  # fmt: skip
def test_nothing_is_left(way: str, tmp_path: Path) -> None:
    """Neither children, nor those in sessions of their own, nor daemons, though all ignore SIGTERM."""
    pids = tmp_path / "pids"
    family = {"command": python(FAMILY, pids), "folder": str(tmp_path), "stop_grace_seconds": 0.2, "backoff_seconds": 0.05, "max_restarts": 1}  # fmt: skip
    with Watchdog(tmp_path, family=family) as dog:
        living = pids_in(pids, 4)

        assert [True] * 4 == [is_alive(pid) for pid in living]
        if way == "the watchdog is asked to end":
            dog.end()
        elif way == "the watchdog is killed":
            dog.process.kill()
        else:
            (tmp_path / "leave").touch()
            # A restart comes only after all of the last start has gone.
            dog.saw("started")
            dog.saw("started")
            assert [False] * 4 == [is_alive(pid) for pid in living]
            dog.saw("ended")
            living = pids_in(pids, 8)
    until(lambda: not any(map(is_alive, living)), f"all of {living} end")


def test_a_keeper_that_is_killed_leaves_nothing(tmp_path: Path) -> None:
    """What it held falls to the watchdog, which kills it before it starts the program again."""
    pids = tmp_path / "pids"
    family = {"command": python(FAMILY, pids), "folder": str(tmp_path), **QUICK}
    with Watchdog(tmp_path, family=family, other={"command": python(SLEEPS), **QUICK}) as dog:
        other = dog.saw("started", program="other")["pid"]
        living = pids_in(pids, 4)
        # The program itself has written its id last.
        keeper = int(Path(f"/proc/{living[3]}/stat").read_text().rpartition(")")[2].split()[1])
        os.kill(keeper, signal.SIGKILL)
        dog.saw("restart planned", program="family", reason="exit")

        assert [False] * 4 == [is_alive(pid) for pid in living]
        dog.saw("started", program="family")
        assert is_alive(other)


def test_what_floods_its_output(tmp_path: Path) -> None:
    """Nothing is held back: the watchdog answers, restarts and ends, and no event is lost in it."""
    code = "import os, sys\nwhile True: os.write(1, b'x' * 65536); os.write(2, b'y' * 65536)"
    flood = {"command": python(code), "output": "/dev/null", **QUICK}
    loud = {"command": python("print('hello from a program')"), **QUICK, "max_restarts": 1}
    with Watchdog(tmp_path, flood=flood, loud=loud) as dog:
        pid = dog.saw("started", program="flood")["pid"]
        dog.saw("gave up", program="loud")
        up = dog.value("watchdog_up", program="flood")
        os.kill(pid, signal.SIGKILL)
        dog.saw("exited", program="flood", reason="SIGKILL")
        dog.saw("started", program="flood")

        assert (1, 0) == (up, dog.end())
    assert "hello from a program\n" * 2 == dog.printed.read_text()


def test_a_program_begins_as_from_a_shell(tmp_path: Path) -> None:
    """It leads a session of its own, reads nothing, holds no file of ours, and ignores no signal."""
    code = """
import os, time
masks = [line.split()[1] for line in open("/proc/self/status") if line.startswith(("SigIgn", "SigBlk"))]
# Those from 32 on are the C library's own.
blocked, ignored = [[number for number in range(1, 32) if int(mask, 16) >> number - 1 & 1] for mask in masks]
files = sorted(int(name) for name in os.listdir("/proc/self/fd"))
# One of them lists the folder.
print(os.getsid(0) == os.getpid() == os.getpgid(0), os.read(0, 1), files[:-1], blocked, ignored, flush=True)
os.execv("/bin/sleep", ["sleep", "1000"])
"""
    with Watchdog(tmp_path, plain={"command": python(code), "output": "log", **QUICK}) as dog:
        dog.saw("started")
        until(lambda: (tmp_path / "log").exists() and "\n" in (tmp_path / "log").read_text(), "log")

    # Python itself, in the program, ignores SIGPIPE (13) and SIGXFSZ (25).
    assert "True b'' [0, 1, 2] [] [13, 25]\n" == (tmp_path / "log").read_text()


def test_environments(tmp_path: Path) -> None:
    """A program has the watchdog's own and what its entry adds; no value is in any event."""
    code = "import os\nprint(os.environ['SECRET'], os.environ['HOME'], os.getcwd())"
    (tmp_path / "inner").mkdir()
    program = {
        "command": python(code),
        "folder": "inner",
        "output": "log",
        "environment": {"SECRET": "hush-hush", "HOME": "/nowhere"},
        "max_restarts": 1,
        **QUICK,
    }
    with Watchdog(tmp_path, teller=program) as dog:
        dog.saw("ended")

    assert f"hush-hush /nowhere {tmp_path / 'inner'}\n" * 2 == (tmp_path / "log").read_text()
    assert "hush" not in json.dumps(dog.events)


def test_metrics_are_those_of_the_catalogue(tmp_path: Path) -> None:
    """Each family is there from the start, with its labels; `/health` says that all is well."""
    with Watchdog(tmp_path, quiet={"command": python(SLEEPS)}) as dog:
        dog.saw("started")
        page = dog.get("/metrics")[1]
        started = dog.value("watchdog_last_start_time_seconds", program="quiet")
        zero = {dog.value("watchdog_restarts_total", program="quiet", reason=reason) for reason in catalogue.REASONS}  # fmt: skip
        health = dog.get("/health")
        other = dog.get("/")

    missing = [metric.name for metric in catalogue.METRICS if f"# TYPE {metric.name} {metric.kind}\n" not in page]  # fmt: skip
    assert [] == missing
    assert {0} == zero
    assert started is not None
    assert 1.7e9 < started
    assert (200, {"status": "ok", "programs": {"quiet": {"phase": "running", "up": True}}}) == (health[0], json.loads(health[1]))  # fmt: skip
    assert 404 == other[0]


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    """Nothing is started where the watchdog cannot be seen."""
    with Watchdog(tmp_path, quiet={"command": python(SLEEPS)}) as first:
        path = tmp_path / "second.yaml"
        path.write_text(f"listen: {first.address}\nprograms: {{a: {{command: sleep 9}}}}")
        from click.testing import CliRunner

        from llmstack.cli import main

        refused = CliRunner().invoke(main, ["watchdog", str(path)])

    assert 1 == refused.exit_code
    assert f"Error: listen {first.address}: Address already in use; another watchdog may run" in refused.output  # fmt: skip
