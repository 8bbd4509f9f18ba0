"""YAML as we write it: keys in the order given, one line an expression, a header of ours."""

from __future__ import annotations

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


def to_yaml(data: object) -> str:
    """Return plain data (dicts, lists, strings, numbers) as YAML with our header."""
    text = yaml.dump(
        data,
        Dumper=_Dumper,
        sort_keys=False,
        default_flow_style=False,
        width=2**20,
        allow_unicode=True,
    )
    return HEADER + text
