"""The pages for people that a build writes: what sources answer, every query, what is shown."""

from llmdash.documents.cookbook import cookbook
from llmdash.documents.coverage import coverage_report
from llmdash.documents.signals_table import signals_table

__all__ = ["cookbook", "coverage_report", "signals_table"]
