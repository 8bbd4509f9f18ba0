"""YAML that others wrote: plain data with its lines, and what is odd is named by its line."""

from __future__ import annotations

import pytest

from llmdash.yaml_text import Document, YamlError, read_yaml_documents, to_yaml_documents


def test_documents_know_their_lines() -> None:
    """A document begins where it says something; an empty one is none."""
    text = "---\na: 1\n---\n\n---\n# a remark\n\nb: [x, 7.0]\n"

    assert (
        Document(2, {"a": 1}),
        Document(8, {"b": ["x", 7.0]}),
    ) == read_yaml_documents(text)
    assert () == read_yaml_documents("")


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("a: 1\nb: [1\nc: 2\n", 3, "expected ',' or ']', but got ':'"),
        ("a: 1\n---\nb:\n  c: 1\n  d: 2\n  c: 3\n", 6, "the key c stands twice"),
        ("a: b: c", 1, "mapping values are not allowed here"),
        ("a: 1\nb: \x01", 2, "a character that YAML forbids: special characters are not allowed"),
        ("a: *b", 1, "found undefined alias 'b'"),
    ],
)
def test_what_is_no_yaml_is_named_by_its_line(text: str, line: int, problem: str) -> None:
    """The first wrong line, as an editor counts it, and what is wrong there."""
    with pytest.raises(YamlError) as raised:
        read_yaml_documents(text)

    assert (line, problem) == (raised.value.line, raised.value.problem)


def test_only_plain_data_is_read() -> None:
    """A text can name no class and call nothing."""
    with pytest.raises(YamlError, match="line 1: could not determine a constructor for the tag"):
        read_yaml_documents("!!python/object/apply:os.getcwd []")


@pytest.mark.parametrize("text", ["a\x85b", "\x85", "a\u2028b ", "é: \n 'x'", "yes", "0x7", " "])
def test_any_text_reads_back(text: str) -> None:
    """Line breaks of other alphabets too, which would be folded into a space unless escaped."""
    (document,) = read_yaml_documents(to_yaml_documents([{"text": text}]))

    assert {"text": text} == document.content


def test_documents_are_told_apart() -> None:
    """Each begins with a line of its own, and a value that stands in two is written twice."""
    shared = {"name": "inn"}

    assert "---\na:\n  name: inn\n---\nb:\n  name: inn\n" == to_yaml_documents(
        [{"a": shared}, {"b": shared}]
    )
