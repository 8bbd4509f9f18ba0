"""The pages for people that a build writes: which source answers what, and every query."""

from llmdash.documents.cookbook import cookbook
from llmdash.documents.signals_table import signals_table

__all__ = ["cookbook", "signals_table"]
