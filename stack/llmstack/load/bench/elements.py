"""Elements of a page: built as a tree, so that names and messages of servers are never markup."""

from __future__ import annotations

from xml.etree.ElementTree import Element, tostring

Content = Element | str


def element(tag: str, *content: Content, **attributes: object) -> Element:
    """Return an element.

    Args:
        tag: its name.
        content: texts and elements, in order.
        attributes: numbers are shortened; `class_` is class, and `_` in a name is `-`.
    """
    made = Element(tag, {_name(name): _shown(value) for name, value in attributes.items()})
    last: Element | None = None
    for each in content:
        if isinstance(each, Element):
            made.append(each)
            last = each
        elif last is None:
            made.text = (made.text or "") + each
        else:
            last.tail = (last.tail or "") + each
    return made


def markup(made: Element) -> str:
    """Return an element as HTML."""
    return tostring(made, encoding="unicode", method="html")


def _name(name: str) -> str:
    return name.rstrip("_").replace("_", "-") if name not in ("viewBox",) else name


def _shown(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
