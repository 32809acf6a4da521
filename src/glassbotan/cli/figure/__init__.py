"""glassbotan figure: the announcement's pictures, one file a picture."""

import typer

figure = typer.Typer(
    name="figure",
    help="Draw the pictures of the 2023 announcement as PNG, PDF or SVG.",
    no_args_is_help=True,
)
