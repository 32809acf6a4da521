"""The networks, the linear baseline, and the weights that come with the package."""

DEFAULT_MODEL = "caged"
"""By which a snapshot is predicted unless another is named."""
