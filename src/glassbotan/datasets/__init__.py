"""Snapshots with the motion that simulation measured, ready to learn from or to score against."""

from glassbotan.datasets.labelled import LabelledSnapshot, load_labelled
from glassbotan.datasets.merged import load_all_labelled

__all__ = ["LabelledSnapshot", "load_all_labelled", "load_labelled"]
