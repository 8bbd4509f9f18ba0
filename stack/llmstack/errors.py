"""The family of errors that llmstack raises; the command prints them without a traceback.

::

    LlmstackError
    ├── ModelError          a model that is not known, or whose config.json says too little
    ├── BudgetError         GPUs and settings that cannot hold together
    ├── SettingsError       an environment that cannot be, with every variable
    ├── RequestError        what a client has sent and nobody can answer
    ├── ConfigurationError  a file that cannot be used, with every problem
    └── ListenError         an address where nothing can be served
"""

from __future__ import annotations


class LlmstackError(Exception):
    """Something the user can mend; the text says what was found, where, and the remedy."""


class ModelError(LlmstackError):
    """A model that is not known, or whose config.json does not say what is needed."""


class BudgetError(LlmstackError):
    """GPUs and settings that cannot hold together."""


class SettingsError(LlmstackError):
    """Settings in the environment that cannot be; a line for each, and no secret is repeated."""


class RequestError(LlmstackError):
    """What a client has sent and nobody can answer."""


class ConfigurationError(LlmstackError):
    """A file that cannot be used; every problem with it is a line."""


class ListenError(LlmstackError):
    """An address where nothing can be served."""
