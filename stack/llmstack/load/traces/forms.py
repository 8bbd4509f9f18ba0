"""The forms of trace that are known, and which of them a file has: told by its content."""

from __future__ import annotations

from llmstack.load.traces.azure import AZURE, AZURE_MULTIMODAL
from llmstack.load.traces.burstgpt import BURSTGPT
from llmstack.load.traces.form import Form, unknown
from llmstack.load.traces.mooncake import BAILIAN, MOONCAKE
from llmstack.load.traces.source import Source

FORMS: tuple[Form, ...] = (AZURE, AZURE_MULTIMODAL, BURSTGPT, MOONCAKE, BAILIAN)


def form_of(source: Source) -> Form:
    """Return the form of a file.

    Raises:
        ConfigurationError: it is of no known one, or cannot be read.
    """
    first = source.first_line()
    for form in FORMS:
        if form.matches(first):
            return form
    raise unknown(source, first, FORMS)
