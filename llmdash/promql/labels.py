"""Label names: which an expression has, which of them have one value only, and which are free.

Target labels come from the scrape, not from the exporter: grouping by one is always allowed and
costs nothing where it is absent.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from llmdash.errors import PromqlError

TARGET_LABELS = frozenset({"job", "instance", "cluster", "namespace", "pod"})

_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


@dataclass(frozen=True)
class Labels:
    """The labels of an expression's series."""

    names: frozenset[str] = frozenset()
    #: Labels that hold one value throughout (an equality matcher, or a variable of one value).
    pinned: frozenset[str] = frozenset()
    #: The exporter adds labels that no catalogue can list (configuration as labels).
    is_open: bool = False
    #: The value of each pinned label; a variable's is its name with a dollar.
    values: frozenset[tuple[str, str]] = frozenset()

    def has(self, name: str) -> bool:
        """Tell whether series may carry this label."""
        return name in self.names or (self.is_open and is_label_name(name))

    def require(self, names: Iterable[str], place: str) -> None:
        """Raise a PromqlError for the first name that the series do not carry."""
        for name in names:
            if not self.has(name):
                raise PromqlError(f"one of {self}", place, name, nearest(name, self.names))

    def keep(self, names: Iterable[str]) -> Labels:
        """Return only these labels, as an aggregation `by` them leaves them."""
        kept = frozenset(names)
        return Labels(kept, self.pinned & kept, values=self._values_of(kept))

    def drop(self, names: Iterable[str]) -> Labels:
        """Return all but these labels, as an aggregation `without` them leaves them."""
        kept = self.names - frozenset(names)
        return Labels(kept, self.pinned & kept, self.is_open, self._values_of(kept))

    def add(self, names: Iterable[str]) -> Labels:
        """Return these labels too; an added label has no single known value."""
        added = frozenset(names)
        known = self._values_of(self.names - added)
        return Labels(self.names | added, self.pinned - added, self.is_open, known)

    def pin(self, label: str, value: str) -> Labels:
        """Return these labels, one of which holds this value in all series."""
        known = self._values_of(self.names - {label}) | {(label, value)}
        return Labels(self.names | {label}, self.pinned | {label}, self.is_open, known)

    def union(self, other: Labels) -> Labels:
        """Return the labels of the series of both; one is pinned where both hold one value."""
        values = self.values & other.values
        pinned = frozenset(name for name, _ in values)
        return Labels(self.names | other.names, pinned, self.is_open or other.is_open, values)

    def value(self, name: str) -> str | None:
        """Return the value of a pinned label as far as it is known, else None."""
        return dict(self.values).get(name)

    def _values_of(self, names: frozenset[str]) -> frozenset[tuple[str, str]]:
        return frozenset(pair for pair in self.values if pair[0] in names)

    @property
    def varying(self) -> frozenset[str]:
        """Labels whose values can differ between two series of one target."""
        return self.names - self.pinned - TARGET_LABELS

    def __str__(self) -> str:
        """List the names, target labels summed up."""
        own = sorted(self.names - TARGET_LABELS)
        targets = self.names & TARGET_LABELS
        if targets == TARGET_LABELS:
            own.append("a target label")
        else:
            own += sorted(targets)
        return ", ".join(own) or "no label"


def is_label_name(name: str) -> bool:
    """Tell whether a matcher or a clause can name this label."""
    return _NAME.fullmatch(name) is not None and name != "__name__"


def nearest(word: str, words: Iterable[str]) -> str:
    """Return a `did you mean` hint, or nothing when no word is near."""
    found = difflib.get_close_matches(word, sorted(words), n=1, cutoff=0.6)
    return f"did you mean {found[0]}?" if found else ""


def with_nearest(message: str, word: str, words: Iterable[str]) -> str:
    """Return the message, with a `did you mean` hint when a word is near."""
    hint = nearest(word, words)
    return f"{message}; {hint}" if hint else message


#: What the values of labels may be; a label that is not named can hold anything.
LabelValues = tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class LabelSet:
    """A metric's own labels, with the closed set of values of those that have one."""

    names: tuple[str, ...] = ()
    values: LabelValues = field(default=())
    is_open: bool = False

    def allowed(self, name: str) -> tuple[str, ...] | None:
        """Return the closed set of a label's values, or None when it is open."""
        return dict(self.values).get(name)
