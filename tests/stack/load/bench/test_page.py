"""The page is whole, stands alone, and says in words what it draws."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from llmstack.load.bench.columns import of_runs
from llmstack.load.bench.documents import comparison_of
from llmstack.load.bench.page import page
from tests.stack.load.bench.benches import document, run
from tests.stack.load.made import answered, failed, results

VOID = {"meta", "br", "hr", "img", "input", "link"}


class Reader(HTMLParser):
    """Holds what a page is made of, and refuses tags that are not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()
        assert [] == self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert tag == self.open.pop()

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def made(**more: Any) -> str:
    runs = [
        results(*(answered(first=first + 0.01 * place, kind=kind) for place in range(20) for kind in ("short_qa", "code_gen")), *others, name=name)
        for number in (1, 2, 3)
        for name, first, others in (("inn", 0.2, ()), ("<barn>", 0.4 + number / 100, (failed(detail="503: <b>full</b> & 'late'"),)))
    ]  # fmt: skip
    for place, one in enumerate(runs):
        one["bench"] = {"round": place // 2 + 1, "seed": 0, "notes": []}
        one["series"] = [{"at": at, "length": 1.0, "answer_tokens": 10 * at} for at in (1.0, 2.0, 3.0)]  # fmt: skip
    found = document(*runs, names=["inn", "<barn>"], **more)
    return page(comparison_of(found), found)


def test_nothing_comes_from_elsewhere() -> None:
    """No address, no script, no style or picture that would be fetched."""
    text = made()
    read = Reader(text)

    assert set() == {"script", "link", "img", "iframe", "object", "a"} & set(read.tags)
    assert [] == [
        name for name, _ in read.attributes if name in ("src", "href", "xlink:href", "data")
    ]
    assert [] == re.findall(r"url\(|@import|https?://(?!inn\b)", text)


def test_names_and_messages_are_no_markup() -> None:
    """A server may call itself and say what it likes."""
    read = Reader(made())

    assert "b" not in read.tags
    assert "barn" not in read.tags
    assert any("503: <b>full</b> & 'late'" in text for text in read.texts)


def test_every_plot_is_said_in_words() -> None:
    """To whoever does not see it: what it is of, and its figures."""
    read = Reader(made())
    said = [value for name, value in read.attributes if name == "aria-label"]

    # Three latencies over percentiles, seven figures, and tokens over time for each server.
    assert 12 == len(said) == read.tags.count("figure") == read.tags.count("figcaption")
    assert all((text and "inn" in text) or "<barn>" in str(text) for text in said)
    assert 2 == sum(str(text).count("tokens/s written over time") for text in said)
    ttft = next(str(text) for text in said if str(text).startswith("TTFT over percentiles"))
    assert re.search(r"inn: p50 2\d\d\.\d ms", ttft)


def test_a_page_has_all_parts() -> None:
    """Tables, differences, kinds, remarks, and how it was measured."""
    text = " ".join(Reader(made()).texts)

    for part in ("Rounds", "Beside inn", "All requests of all rounds", "Kinds of prompts", "Remarks", "How it was measured", "llmstack bench"):  # fmt: skip
        assert part in text
    assert "code_gen, <barn>" in text


def test_it_can_be_read_by_day_and_by_night() -> None:
    """Each colour that a plot has is there twice, and contrasts with the paper as WCAG asks."""
    text = made()
    style = text[text.index("<style>") : text.index("</style>")]
    light, dark = (dict(re.findall(r"--(\w+): (#\w{6})", part)) for part in style.split("@media (prefers-color-scheme: dark)")[:2])  # fmt: skip

    assert light.keys() == dark.keys()
    for colours in (light, dark):
        for name in ("ink", "pale", "s0", "s1", "s2", "s3", "s4", "s5"):
            assert contrast(colours[name], colours["paper"]) >= 4.5, name


def contrast(one: str, other: str) -> float:
    """As https://www.w3.org/TR/WCAG21/#dfn-contrast-ratio has it."""
    bright, pale = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (pale + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_runs_without_rounds_have_a_page_without_intervals() -> None:
    """And nothing is said of differences."""
    one, two = run("inn", first=0.1), run("barn", first=0.9)
    text = " ".join(Reader(page(of_runs([one, two]), one)).texts)

    assert "One round each: how much a figure would vary is not known." in text
    assert "±" not in text
    assert "Beside" not in text


@pytest.mark.parametrize("many", [0, 1])
def test_servers_that_answered_nothing_have_a_page_too(many: int) -> None:
    """With what failed, and no plots of what was not seen."""
    found = document(
        *(
            {**results(failed(), name=name), "bench": {"round": 1, "seed": 0, "notes": []}}
            for name in ("inn", "barn")[:many]
        ),
        names=["inn", "barn"],
    )
    text = " ".join(Reader(page(comparison_of(found), found)).texts)

    assert ("status: 503: full" in text) == bool(many)
