"""Which rules are mutated, and the tests that have to notice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from tests.mutate.alerts import AlertCampaign
from tests.mutate.mutators import Mutant
from tests.mutate.recordings import RecordingCampaign
from tests.mutate.trial import GENERATED, ROOT, files_of, rule_file, rule_test, rules_in
from tests.rules.test_slo_limits import PROMISED, cases_of, lasting_test
from tests.rules.test_slo_limits import rule_test as limits_test

#: It plays everything to all rules, which takes too long for each mutant.
FILM = "incidents.test.yaml"
PROMISES = "llmdash-slo.yaml"
#: Its alerts are judged by made cases of all their limits, and by the test of what no count tells.
BURNS = "llmdash-slo-alerts.yaml"
_OF_BURNS = "slo-absence.test.yaml"
#: What is counted of promises, and the tests of it; all else is what is added up of that.
_COUNTED = ("llm_instance:target_answered:state", ":increase5m")
_OF_COUNTS = ("slo-counts.test.yaml", "slo-uptime.test.yaml")
_OF_SUMS = ("slo-period.test.yaml", "slo-hour.test.yaml", "slo-windows.test.yaml")


class Campaign(Protocol):
    """The mutants of a file, and how those are found that no test notices."""

    @property
    def title(self) -> str:
        """What reports call it."""

    def mutants(self) -> list[Mutant]:
        """Return every mutant."""

    def survivors(self, promtool: Path, mutants: Sequence[Mutant]) -> list[Mutant]:
        """Return those that no test notices."""


def alert_campaigns() -> Iterator[Campaign]:
    """Yield a campaign for each subject of alerts."""
    paths = [path for path in sorted((ROOT / "rules").glob("*.test.yaml")) if path.name != FILM]
    for file in sorted(path.name for path in GENERATED.glob("*-alerts.yaml")):
        tests = {path.name: rule_test(path) for path in paths}
        own = {name: test for name, test in tests.items() if file in files_of(test)}
        if file == BURNS:
            own = {_OF_BURNS: tests[_OF_BURNS]}
            cases = [case for slo in PROMISED for case in cases_of(slo)]
            for make in (limits_test, lasting_test):
                made = {**make(cases), "rule_files": [f"../generated/rules/{file}"]}
                own[f"{make.__name__}.test.yaml"] = made
        yield AlertCampaign(file.removesuffix(".yaml"), file, own)


def recording_campaigns() -> Iterator[Campaign]:
    """Yield a campaign for the recordings of each source, and two for those of promises."""
    for test in sorted((ROOT / "rules").glob("recordings-*.test.yaml")):
        names = files_of(rule_test(test))
        if len(names) == 1:
            places = range(len(rules_in(rule_file(names[0]))))
            yield RecordingCampaign(
                names[0].removesuffix(".yaml"), names[0], tuple(places), (test,)
            )
    recorded = [rule["record"] for rule in rules_in(rule_file(PROMISES))]
    counted = tuple(place for place, name in enumerate(recorded) if name.endswith(_COUNTED))
    added = tuple(place for place in range(len(recorded)) if place not in counted)
    yield _of_promises("counts", counted, _OF_COUNTS, added)
    yield _of_promises("sums", added, _OF_SUMS, counted)


def _of_promises(
    part: str, places: tuple[int, ...], tests: tuple[str, ...], left_out: tuple[int, ...]
) -> Campaign:
    paths = tuple(ROOT / "rules" / name for name in tests)
    title = f"{PROMISES.removesuffix('.yaml')}: {part}"
    return RecordingCampaign(title, PROMISES, places, paths, left_out, beside=(BURNS,))


def campaigns() -> Iterator[Campaign]:
    """Yield every campaign, the alerts first."""
    yield from alert_campaigns()
    yield from recording_campaigns()
