"""A value out of somebody's file, with its place: what is not as expected is refused there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from llmdash.errors import SloError
from llmdash.promql.labels import nearest


@dataclass(frozen=True)
class Reading:
    """A value and where it stands (`SLO checkout (line 12): spec.timeWindow[0]`)."""

    value: object
    place: str

    def fields(self, known: Sequence[str], hint: str = "") -> Fields:
        """Return the fields of a mapping.

        Raises:
            SloError: it is none, or has a field that is not known here.
        """
        found = self.entries()
        for name in found:
            if name not in known:
                remedy = nearest(name, known) or hint
                raise SloError(self.place, f"one of {', '.join(known)}", name, remedy)
        return Fields(found, self.place)

    def entries(self) -> dict[str, Reading]:
        """Return whatever a mapping holds, by name."""
        if not isinstance(self.value, dict):
            raise self.refused("fields with values")
        for name in self.value:
            if not isinstance(name, str):
                raise SloError(self.place, "names of fields that are text", repr(name), "quote it")
        return {name: Reading(own, self._below(name)) for name, own in self.value.items()}

    def items(self) -> tuple[Reading, ...]:
        """Return the items of a list."""
        if not isinstance(self.value, list):
            raise self.refused("a list")
        return tuple(Reading(own, f"{self.place}[{place}]") for place, own in enumerate(self.value))

    def only(self, what: str, hint: str = "") -> Reading:
        """Return the only item of a list."""
        found = self.items()
        if len(found) != 1:
            raise SloError(self.place, f"one {what}", str(len(found)), hint)
        return found[0]

    def text(self) -> str:
        """Return a text."""
        if not isinstance(self.value, str):
            hint = "quote it" if isinstance(self.value, bool | int | float) else ""
            raise self.refused("a text", hint)
        return self.value

    def number(self) -> float:
        """Return a number."""
        if isinstance(self.value, bool) or not isinstance(self.value, int | float):
            raise self.refused("a number")
        return float(self.value)

    def require(self, expected: object, hint: str = "") -> None:
        """Refuse every other value than one."""
        if self.value != expected or type(self.value) is not type(expected):
            raise self.refused(
                str(expected).lower() if expected in (True, False) else f"{expected}", hint
            )

    def choice(self, of: Sequence[str]) -> str:
        """Return one of several texts."""
        found = self.text()
        if found not in of:
            raise self.refused(f"one of {', '.join(of)}", nearest(found, of))
        return found

    def listed(self) -> tuple[str, ...]:
        """Return the values of a text that lists them with commas; none of an empty one."""
        return tuple(part.strip() for part in self.text().split(",")) if self.text() else ()

    def decimal(self) -> float:
        """Return the number that a text spells."""
        return self._spelled(self.text())

    def decimals(self) -> tuple[float, ...]:
        """Return the numbers that a text lists with commas."""
        return tuple(self._spelled(part) for part in self.listed())

    def whole(self) -> int:
        """Return the whole number that a text spells."""
        text = self.text()
        if not (text.isascii() and text.isdigit()):
            raise self.refused("a whole number")
        return int(text)

    def refused(self, expected: str, hint: str = "") -> SloError:
        """Return the error that says what was expected instead."""
        got = self.value
        shown = (
            str(got).lower() if isinstance(got, bool) else "nothing" if got is None else repr(got)
        )
        return SloError(self.place, expected, shown, hint)

    def _spelled(self, text: str) -> float:
        try:
            return float(text)
        except ValueError:
            raise self.refused("a number") from None

    def _below(self, name: str) -> str:
        # The head of a place ends with a colon, a path goes on with dots.
        return f"{self.place}{'.' if ': ' in self.place else ': '}{name}"


@dataclass(frozen=True)
class Fields:
    """The fields of one mapping; one that is asked for and is not there is refused."""

    of: dict[str, Reading]
    place: str

    def __iter__(self) -> Iterator[str]:
        """Go through the names."""
        return iter(self.of)

    def __contains__(self, name: str) -> bool:
        """Tell whether a field is there."""
        return name in self.of

    def __getitem__(self, name: str) -> Reading:
        """Return a field.

        Raises:
            SloError: it is not there.
        """
        return self.require(name)

    def require(self, name: str, hint: str = "") -> Reading:
        """Return a field; the hint tells a reader what to write where it is not there."""
        if name not in self.of:
            raise SloError(self.place, f"the field {name}", "none", hint)
        return self.of[name]

    def get(self, name: str) -> Reading | None:
        """Return a field, or None."""
        return self.of.get(name)
