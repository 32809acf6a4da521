"""The networks, the linear baseline, and the weights that come with the package."""
