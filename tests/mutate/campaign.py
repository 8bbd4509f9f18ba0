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
#: Promises rest on whose scrapes count, on what is counted, and on what is added up of that.
ANSWERED, COUNTED = "llm_instance:target_answered:state", ":increase5m"
#: Rules of all sources are alike but for the job; of these the gateway's dies in the tests.
DYING = "gateway"


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
    yield from _of_promises()


def _of_promises() -> Iterator[Campaign]:
    rules = rules_in(rule_file(PROMISES))
    answered = [place for place, rule in enumerate(rules) if rule["record"] == ANSWERED]
    dying = [place for place in answered if rules[place]["labels"]["source"] == DYING]
    counted = [place for place, rule in enumerate(rules) if rule["record"].endswith(COUNTED)]
    added = [place for place in range(len(rules)) if place not in (*answered, *counted)]
    for part, places, names, left_out in (
        ("targets", dying, ["slo-targets", "slo-uptime"], []),
        ("counts", counted, ["slo-counts"], added),
        ("sums", added, ["slo-period", "slo-hour", "slo-windows"], [*answered, *counted]),
    ):
        yield RecordingCampaign(
            f"{PROMISES.removesuffix('.yaml')}: {part}",
            PROMISES,
            tuple(places),
            tuple(ROOT / "rules" / f"{name}.test.yaml" for name in names),
            tuple(left_out),
            beside=(BURNS,),
        )


def campaigns() -> Iterator[Campaign]:
    """Yield every campaign, the alerts first."""
    yield from alert_campaigns()
    yield from recording_campaigns()
