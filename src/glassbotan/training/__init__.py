"""Recipes, and the runs that they make."""

from pathlib import Path

from glassbotan.training.config import Recipe, load_recipe

__all__ = ["Recipe", "load_recipe", "train"]


def train(
    config: str | Path | Recipe, folder: str | Path | None = None, *, resume: bool = False
) -> Path:
    """Train by a recipe (or its YAML file) in ``folder`` and return the model folder.

    The default folder is ``runs/NAME`` with the recipe's name. See ``training.run.train``.
    """
    from glassbotan.training.run import train as run

    recipe = config if isinstance(config, Recipe) else load_recipe(config)
    return run(recipe, Path(folder or Path("runs") / recipe.name), resume=resume)
