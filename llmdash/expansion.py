"""An expression over recordings, said as the same expression over the exporters' own series.

It proves what recordings save: a page asked both ways must show the same. What is asked of a
recording's labels is pushed down to the labels that they were made from, as nothing else in PromQL
chooses among computed series.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from llmdash.errors import PromqlError
from llmdash.promql.facts import ValueType
from llmdash.promql.functions import AGGREGATIONS
from llmdash.promql.matchers import Matcher, Variable
from llmdash.promql.matching import Matching
from llmdash.promql.nodes import (
    Aggregate,
    Binary,
    Call,
    Expr,
    Number,
    Range,
    Selector,
    Taken,
    Text,
)
from llmdash.promql.printer import RULES, Target, to_text
from llmdash.promql.windows import Duration
from llmdash.recordings import Recording, RuleGroup

#: The pattern of a choice of everything: it accepts a label that is absent too.
ANYTHING = ".*"

Rules = Mapping[str, list[tuple[Recording, Duration]]]


def expanded(expression: Expr, groups: Iterable[RuleGroup], target: Target = RULES) -> str | None:
    """Return the expression as PromQL that reads no recording; None where no rule fills any of it.

    A range over a recording becomes a subquery at the interval of its group.

    Raises:
        PromqlError: a condition on a recording's label cannot be told of the series behind it, or
            the target cannot fill in a variable or an interval.
    """
    rules: dict[str, list[tuple[Recording, Duration]]] = {}
    for group in groups:
        for recording in group.recordings:
            rules.setdefault(recording.name, []).append((recording, group.interval))
    return _Expansion(rules, target).text(expression)


@dataclass(frozen=True)
class _Expansion:
    """Prints expressions; `wanted` are conditions on the labels of what is printed."""

    rules: Rules
    target: Target

    def text(self, node: Expr, wanted: Sequence[Matcher] = ()) -> str | None:
        """Return an expression's series that satisfy all conditions; None where none can."""
        if node.facts.type in (ValueType.SCALAR, ValueType.STRING):
            wanted = ()
        elif not isinstance(node, Selector):
            # A label that is not there reads as nothing.
            absent = [matcher for matcher in wanted if not node.labels.has(matcher.label)]
            if not all(matcher.accepts("") for matcher in absent):
                return None
            wanted = [matcher for matcher in wanted if matcher not in absent]
        match node:
            case Number() | Text():
                return to_text(node, self.target)
            case Taken():
                return self.text(node.of, wanted)
            case Selector():
                return self._selector(node, wanted)
            case Range():
                return self._range(node, wanted)
            case Call(function="label_replace"):
                return self._relabelled(node, wanted)
            case Call():
                return self._call(node, wanted)
            case Aggregate():
                return self._aggregate(node, wanted)
            case Binary():
                return self._binary(node, wanted)
        raise TypeError(f"no expansion of {type(node).__name__}")

    # --- selectors -------------------------------------------------------------------------------

    def _selector(self, node: Selector, wanted: Sequence[Matcher]) -> str | None:
        if node.series.name not in self.rules:
            own = self._narrowed(node, wanted)
            return None if own is None else to_text(own, self.target)
        found = self._recorded(node, wanted)
        if found is None or node.ago is None:
            return found
        # Only selectors and subqueries look back.
        interval = self._interval(node)
        return f"last_over_time({found}[{interval}:{interval}] offset {node.ago})"

    def _range(self, node: Range, wanted: Sequence[Matcher]) -> str | None:
        of = node.of
        assert isinstance(of, Selector)  # a Range holds nothing else
        if of.series.name not in self.rules:
            own = self._narrowed(of, wanted)
            return None if own is None else to_text(Range(own, node.length), self.target)
        found = self._recorded(of, wanted)
        if found is None:
            return None
        text = f"{found}[{self.target.window(node.length)}:{self._interval(of)}]"
        return text if of.ago is None else f"{text} offset {of.ago}"

    def _interval(self, node: Selector) -> Duration:
        return min(interval for _, interval in self.rules[node.series.name])

    def _narrowed(self, node: Selector, wanted: Sequence[Matcher]) -> Selector | None:
        """Return an exporter's series with the conditions added that its labels can tell."""
        kept = []
        for matcher in wanted:
            if not node.labels.has(matcher.label):
                if not matcher.accepts(""):
                    return None
                continue
            values = node.series.labels.allowed(matcher.label)
            if values is not None and not any(matcher.accepts(value) for value in values):
                return None
            kept.append(matcher)
        own = [self._filled(matcher) for matcher in node.matchers]
        if _contradict([*own, *kept]):
            return None
        return replace(node, matchers=tuple(own)).where(*kept)

    def _filled(self, matcher: Matcher) -> Matcher:
        if isinstance(matcher.value, Variable):
            return replace(matcher, value=self.target.variable(matcher.value))
        return matcher

    def _recorded(self, node: Selector, wanted: Sequence[Matcher]) -> str | None:
        """Return the union of the rules that can fill a selector, in parentheses."""
        own = [matcher for matcher in map(self._filled, node.matchers) if not _is_any(matcher)]
        conditions = list(dict.fromkeys((*own, *wanted)))
        filling = (self._rule(rule, conditions) for rule, _ in self.rules[node.series.name])
        found = [text for text in filling if text is not None]
        return f"({' or '.join(found)})" if found else None

    def _rule(self, rule: Recording, conditions: Sequence[Matcher]) -> str | None:
        """Return one rule's series that satisfy the conditions, with the labels that it adds."""
        added = dict(rule.labels)
        for matcher in conditions:
            if matcher.label in added and not matcher.accepts(added[matcher.label]):
                return None
        rest = [matcher for matcher in conditions if matcher.label not in added]
        found = self.text(rule.expr, rest)
        if found is None:
            return None
        for label, value in rule.labels:
            # A $ in a replacement begins a group's name.
            literal = value.replace("$", "$$")
            found = _label_replace(found, label, literal, "", "")
        return found

    # --- functions -------------------------------------------------------------------------------

    def _call(self, node: Call, wanted: Sequence[Matcher]) -> str | None:
        if node.function in ("absent", "absent_over_time") and (wanted or self._reads(node)):
            hint = "its labels are those of the selector"
            raise PromqlError("a function that keeps labels", "an expansion", node.function, hint)
        arguments = [self.text(argument, wanted) for argument in node.arguments]
        texts = [argument for argument in arguments if argument is not None]
        if len(texts) < len(arguments):
            return None
        return f"{node.function}({', '.join(texts)})"

    def _reads(self, node: Expr) -> bool:
        """Tell whether an expression reads a recording."""
        inner = (each for each in node.walk() if isinstance(each, Selector))
        return any(each.series.name in self.rules for each in inner)

    def _relabelled(self, node: Call, wanted: Sequence[Matcher]) -> str | None:
        of, *texts = node.arguments
        values = [_value_of(text) for text in texts]
        target, replacement, source, pattern = values
        of_target = [matcher for matcher in wanted if matcher.label == target]
        rest = [matcher for matcher in wanted if matcher.label != target]
        if not of_target:
            found = self.text(of, rest)
            return None if found is None else _label_replace(found, *values)
        if replacement == "$1" and pattern in ("(.+)", "(.*)") and not of.labels.has(target):
            renamed = [replace(matcher, label=source) for matcher in of_target]
            found = self.text(of, [*rest, *renamed])
            return None if found is None else _label_replace(found, *values)
        if "$" in replacement.replace("$$", ""):
            got = f"{target} from {replacement} of {source}"
            raise PromqlError("a label that is copied or written", "an expansion", got)
        # A written label: those that the pattern meets have it, the others keep what they had.
        literal = replacement.replace("$$", "$")
        parts = []
        if all(matcher.accepts(literal) for matcher in of_target):
            parts.append(self.text(of, [*rest, Matcher(source, "=~", pattern)]))
        parts.append(self.text(of, [*rest, *of_target, Matcher(source, "!~", pattern)]))
        found_parts = [_label_replace(part, *values) for part in parts if part is not None]
        return f"({' or '.join(found_parts)})" if found_parts else None

    # --- aggregations and operators --------------------------------------------------------------

    def _aggregate(self, node: Aggregate, wanted: Sequence[Matcher]) -> str | None:
        if wanted and AGGREGATIONS[node.operator].keeps_series:
            hint = "the choice would change which series are the greatest"
            raise PromqlError("a combination by labels", "an expansion", node.operator, hint)
        made = node.facts.labels.names - node.of.facts.labels.names
        asked = sorted(made & {matcher.label for matcher in wanted})
        if asked:
            raise PromqlError("labels of series", "an expansion", f"{asked[0]}, made from values")
        found = self.text(node.of, wanted)
        if found is None:
            return None
        clause = f" without ({', '.join(node.without)})" if node.by is None else ""
        if node.by:
            clause = f" by ({', '.join(node.by)})"
        if node.parameter is not None:
            found = f"{to_text(node.parameter, self.target)}, {found}"
        return f"{node.operator}{clause}{' ' * bool(clause)}({found})"

    def _binary(self, node: Binary, wanted: Sequence[Matcher]) -> str | None:
        of_left, of_right = _shares(node, wanted)
        left, right = self.text(node.left, of_left), self.text(node.right, of_right)
        if node.operator == "or":
            return self._either(node, wanted, left, right)
        if node.operator == "unless" and right is None:
            return left
        if left is None or right is None:
            return None
        return f"({left} {node.operator}{_matched_by(node)} {right})"

    def _either(
        self, node: Binary, wanted: Sequence[Matcher], left: str | None, right: str | None
    ) -> str | None:
        """Return what satisfies the conditions on the left, else on the right."""
        matching = node.matching or Matching()
        met = [each for each in wanted if _is_matched(each.label, matching)]
        if right is not None and len(met) < len(wanted):
            # What the left side has is not taken from the right, chosen or not.
            every = self.text(node.left, met)
            if every is not None:
                right = f"({right} unless{_matched_by(node)} {every})"
        if left is None or right is None:
            return left or right
        return f"({left} or{_matched_by(node)} {right})"


def _shares(node: Binary, wanted: Sequence[Matcher]) -> tuple[list[Matcher], list[Matcher]]:
    """Return the conditions that each side of an operation can satisfy for the result."""
    if ValueType.SCALAR in (node.left.facts.type, node.right.facts.type):
        return list(wanted), list(wanted)  # the scalar has no label to choose by
    if node.operator == "or":
        return list(wanted), list(wanted)
    matching = node.matching or Matching()
    many_right = matching.many == "right"
    left, right = [], []
    for matcher in wanted:
        is_matched = _is_matched(matcher.label, matching)
        copied = matcher.label in matching.include
        # The result has the labels of the many side, else of the left, and copies of the other's.
        if is_matched or (copied == many_right):
            left.append(matcher)
        if is_matched or (copied != many_right):
            right.append(matcher)
    return left, right


def _is_matched(label: str, matching: Matching) -> bool:
    return label not in matching.ignoring if matching.on is None else label in matching.on


def _matched_by(node: Binary) -> str:
    """Return the words after an operator that say how its two sides meet."""
    words, matching = ["bool"] if node.as_state else [], node.matching or Matching()
    if matching.on is not None:
        words.append(f"on ({', '.join(matching.on)})")
    elif matching.ignoring:
        words.append(f"ignoring ({', '.join(matching.ignoring)})")
    if matching.many is not None:
        words.append(f"group_{matching.many} ({', '.join(matching.include)})")
    return "".join(f" {word}" for word in words)


def _label_replace(of: str, label: str, replacement: str, source: str, pattern: str) -> str:
    texts = (to_text(Text(text)) for text in (label, replacement, source, pattern))
    return f"label_replace({of}, {', '.join(texts)})"


def _value_of(text: Expr) -> str:
    assert isinstance(text, Text)  # label_replace takes nothing else
    return text.value


def _contradict(matchers: Sequence[Matcher]) -> bool:
    """Tell whether some label would need two values at once."""
    return any(
        not other.accepts(str(chosen.value))
        for chosen in matchers
        for other in matchers
        if chosen.operator == "=" and chosen.label == other.label
    )


def _is_any(matcher: Matcher) -> bool:
    return matcher.operator == "=~" and matcher.value == ANYTHING
