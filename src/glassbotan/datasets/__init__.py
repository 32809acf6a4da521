"""Snapshots with the motion that simulation measured, ready to learn from or to score against."""

from glassbotan.datasets.labelled import LabelledSnapshot, load_labelled

__all__ = ["LabelledSnapshot", "load_labelled"]
