"""The family of errors that llmstack raises; the command prints them without a traceback.

::

    LlmstackError
    ├── ModelError      a model that is not known, or whose config.json does not say what is needed
    ├── BudgetError     GPUs and settings that cannot hold together
    ├── SettingsError   settings of a program that cannot be
    └── RequestError    what a client has sent and nobody can answer
"""

from __future__ import annotations


class LlmstackError(Exception):
    """Something the user can mend; the text says what was found, where, and the remedy."""


class ModelError(LlmstackError):
    """A model that is not known, or whose config.json does not say what is needed."""


class BudgetError(LlmstackError):
    """GPUs and settings that cannot hold together."""


class SettingsError(LlmstackError):
    """Settings of a program that cannot be; the variable is named, a secret never repeated."""


class RequestError(LlmstackError):
    """What a client has sent and nobody can answer."""
