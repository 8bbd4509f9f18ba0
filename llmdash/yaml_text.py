"""YAML as we write it: keys in the order given, one line an expression, a header of ours.

And as we read what others wrote: plain data only, and no key twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

HEADER = "# Built by llmdash; changes made here are lost at the next build.\n"


class _Dumper(yaml.SafeDumper):
    """Indents list items below their key, and shares nothing by reference."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        del indentless
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        del data
        return True


#: Line breaks to YAML 1.1, which PyYAML folds into spaces unless they are escaped.
_ODD_BREAKS = frozenset("\x85\u2028\u2029")


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = '"' if _ODD_BREAKS.intersection(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def to_yaml(data: object) -> str:
    """Return plain data (dicts, lists, strings, numbers) as YAML with our header."""
    return HEADER + _dumped([data])


def to_yaml_documents(documents: Sequence[object]) -> str:
    """Return several documents of plain data as one text, for others to read and to change."""
    return _dumped(documents, starts=True)


def _dumped(documents: Sequence[object], *, starts: bool = False) -> str:
    text: str = yaml.dump_all(
        documents,
        Dumper=_Dumper,
        explicit_start=starts,
        sort_keys=False,
        default_flow_style=False,
        width=2**20,
        allow_unicode=True,
    )
    return text


class YamlError(ValueError):
    """A text that is no YAML; the first wrong line is named."""

    def __init__(self, line: int, problem: str) -> None:
        """State the line, counted from 1, and what is wrong there."""
        self.line, self.problem = line, problem
        super().__init__(f"line {line}: {problem}")


@dataclass(frozen=True)
class Document:
    """One document of a text, and the line that it begins at."""

    line: int
    content: object


class _Loader(yaml.SafeLoader):
    """Makes plain data only, and refuses a key that stands twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        found: set[object] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, str) and key in found:
                problem = f"the key {key} stands twice"
                raise yaml.constructor.ConstructorError(None, None, problem, key_node.start_mark)
            if isinstance(key, str):
                found.add(key)
        return super().construct_mapping(node, deep)


def read_yaml_documents(text: str) -> tuple[Document, ...]:
    """Return the documents of a text that say something.

    Raises:
        YamlError: the text is no YAML, or holds more than plain data.
    """
    try:
        return tuple(_documents(text))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = 1 if mark is None else mark.line + 1
        raise YamlError(line, error.problem or "no YAML") from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise YamlError(line, f"a character that YAML forbids: {error.reason}") from error


def _documents(text: str) -> Iterator[Document]:
    loader = _Loader(text)
    try:
        while loader.check_node():
            node = loader.get_node()
            assert node is not None  # asked before
            content = loader.construct_document(node)
            if content is not None:
                yield Document(node.start_mark.line + 1, content)
    finally:
        loader.dispose()
