"""Plays the incidents to all built rules, and writes which alerts fire and when.

`make film` writes `rules/incidents.test.yaml`, which every promtool found must accept, and
`rules/incidents.md`.
"""

from __future__ import annotations

import sys
import time

from tests.film import document, rule_tests
from tests.film.incidents import INCIDENTS
from tests.film.play import play
from tests.prometheus_tools import MAJORS, found_tools, said_against, tools_of_major


def main() -> int:
    """Play, write both files, and fail where another fires than must or versions differ."""
    found = play(tools_of_major(MAJORS[0]).promtool, INCIDENTS)
    played = list(zip(INCIDENTS, found, strict=True))
    rule_tests.FILE.write_text(rule_tests.write_rule_tests(played))
    document.FILE.write_text(document.write_document(played))
    is_well = True
    for incident, one in played:
        for name in sorted(one.names ^ incident.fires):
            what = "fires and must not" if name in one.names else "must fire and does not"
            print(f"{incident.title}: {name} {what}")
            is_well = False
    for tools in found_tools():
        begun = time.monotonic()
        said = said_against(tools.promtool, rule_tests.FILE)
        version = ".".join(map(str, tools.version))
        print(said or f"promtool {version} agrees, in {time.monotonic() - begun:.0f} s")
        is_well = is_well and not said
    return int(not is_well)


if __name__ == "__main__":
    sys.exit(main())
