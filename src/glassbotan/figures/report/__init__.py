"""One page on a model or a training run: scores, pictures, recipe, data, timings, versions."""

from glassbotan.figures.report.content import Report
from glassbotan.figures.report.gathering import gather
from glassbotan.figures.report.page import report_page

__all__ = ["Report", "gather", "report_page"]
