"""window_is_sound: a window in a rule holds enough scrapes, and no more than is kept."""

from __future__ import annotations

import pytest

from llmdash.build import Build
from llmdash.checks.window_is_sound import window_is_sound
from tests.checks.examples import build, pack, panel, rule

#: Four scrapes are 52 s.
OF = pack(scrape="13s", retention="17d")


@pytest.mark.parametrize(
    "sound",
    [
        build(rule("rate(inn_guests_total[52s])"), of=OF),
        build(rule("max_over_time(inn_full[17d])"), of=OF),
        build(rule("sum(inn_full)"), of=OF),
        build(rule("inn_full offset 1s"), of=OF),
        build(rule("rate(inn_guests_total[51s]"), of=OF),
        build(panels=(panel("rate(inn_guests_total[$__rate_interval])"),), of=OF),
    ],
)
def test_a_sound_window_is_no_problem(sound: Build) -> None:
    """At both limits a window is sound; panels are Grafana's to fill, and no PromQL is not ours."""
    assert [] == list(window_is_sound(sound))


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("rate(inn_guests_total[51s])", ["a window of 51s is under 4 scrapes of 13s: use 52s"]),
        (
            "avg_over_time(inn_full[18d])",
            ["a window of 18d is over the retention of 17d"],
        ),
        (
            "sum by (room) (rate(inn_words_total[17d1s] offset 7m)) / rate(inn_guests_total[7s])",
            [
                "a window of 408h1s is over the retention of 17d",
                "a window of 7s is under 4 scrapes of 13s: use 52s",
            ],
        ),
        (
            "rate(inn_words_total[11m]) or rate(inn_words_total[500ms])",
            ["a window of 500ms is under 4 scrapes of 13s: use 52s"],
        ),
    ],
)
def test_a_window_too_short_or_too_long_is_found(text: str, messages: list[str]) -> None:
    """Each window is judged, wherever it stands in a rule."""
    place = "rules/inn.yaml: llmdash-inn: llm:guests:sum"

    assert [f"{place}: {message} (window_is_sound)" for message in messages] == [
        str(problem) for problem in window_is_sound(build(rule(text), of=OF))
    ]
