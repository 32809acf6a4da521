"""glassbotan train: from a recipe to a model."""

from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from glassbotan.cli.options import output_option
from glassbotan.errors import InputError

EXAMPLE = "glassbotan train configs/botan.yaml --output runs/mine --set seed=2"


def train(
    config: Annotated[
        Path, typer.Argument(metavar="RECIPE", help="YAML file; see the folder configs/.")
    ],
    *,
    output: Annotated[
        Path | None, output_option("FOLDER", "Run folder.", show_default="runs/NAME")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the run folder's last checkpoint.")
    ] = False,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Override a key of the recipe, such as stages.0.epochs=10; may be repeated.",
        ),
    ] = None,
) -> None:
    """Train a model by a recipe."""
    from glassbotan.training.config import load_recipe
    from glassbotan.training.launch import rank, told_once

    with told_once():
        recipe = load_recipe(config, _overrides(set_ or []))
    from glassbotan.training.run import train as train_by_recipe

    folder = output or Path("runs") / recipe.name
    model = train_by_recipe(recipe, folder, resume=resume)
    if rank() == 0:
        logs = f"\nlogs: {folder}/stage-*/logs" if recipe.stages else ""
        typer.echo(f"model: {model}{logs}")


def _overrides(pairs: list[str]) -> dict[str, Any]:
    values = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not (key and equals):
            raise InputError(f"--set {pair}: expected KEY=VALUE")
        try:
            values[key] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise InputError(
                f"--set {pair}: the value is not YAML ({' '.join(str(error).split())})"
            ) from None
    return values
