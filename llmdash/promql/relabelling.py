"""What `label_replace` makes of an expression's facts: the labels, and what they tell apart."""

from __future__ import annotations

import re
from dataclasses import replace

from llmdash.errors import PromqlError
from llmdash.promql.facts import Facts
from llmdash.promql.labels import is_label_name
from llmdash.promql.matchers import check_pattern

_PLACE = "label_replace"
#: What a replacement refers to; `$$` is a dollar.
_REFERENCE = re.compile(r"(?<!\$)(?:\$\$)*\$\{?(\w+)", re.ASCII)


def relabelled(facts: Facts, target: str, replacement: str, source: str, pattern: str) -> Facts:
    """Return the facts of an expression with a label made from another one.

    Raises:
        PromqlError: the source is no label of it, or the replacement names no group of the pattern.
    """
    if source:
        # Without one the label is the replacement, on every series.
        facts.labels.require((source,), _PLACE)
    if not is_label_name(target):
        raise PromqlError("a label name", _PLACE, repr(target))
    compiled = check_pattern(pattern, _PLACE)
    for reference in _REFERENCE.findall(replacement):
        number = int(reference) if reference.isdecimal() else compiled.groupindex.get(reference)
        if number is None or number > compiled.groups:
            raise PromqlError("a group of the pattern", _PLACE, f"${reference} with {pattern}")
    labels = facts.labels.add((target,))
    edges = None if target == "le" else facts.edges
    if replacement != "$1" or pattern not in ("(.+)", "(.*)"):
        return replace(facts, labels=labels, edges=edges)
    # The copy tells series apart as well as the label that it was copied from.
    value = facts.labels.value(source)
    if value is not None:
        labels = labels.pin(target, value)
    if edges is not None:
        edges = replace(edges, varies_by=_copied(edges.varies_by, source, target))
    return replace(facts, labels=labels, edges=edges, keep=_copied(facts.keep, source, target))


def _copied(names: frozenset[str], source: str, target: str) -> frozenset[str]:
    return names - {source} | {target} if source in names else names
