"""How good predictions are: scores by time and species, and tables of them."""

from glassbotan.evaluation.scores import Row, Scores

__all__ = ["Row", "Scores"]
