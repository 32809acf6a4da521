"""The networks, the linear baseline, and the weights that come with the package."""

DEFAULT_MODEL = "caged"
"""By which every command and function predicts unless another is named."""
