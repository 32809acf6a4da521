"""glassbotan simulate: data made here, one file a command."""

import typer

simulate = typer.Typer(
    name="simulate",
    help="Make isoconfigurational ensembles: one snapshot, many trajectories.",
    no_args_is_help=True,
)
