"""The pages for people that a build writes: what sources answer, promises, queries, coverage."""

from llmdash.documents.cookbook import cookbook
from llmdash.documents.coverage import coverage_report
from llmdash.documents.signals_table import signals_table
from llmdash.documents.slos import explanation, slos_page

__all__ = ["cookbook", "coverage_report", "explanation", "signals_table", "slos_page"]
