"""glassbotan simulate: data made here, one file a command."""

import typer

simulate = typer.Typer(
    name="simulate",
    help="Make isoconfigurational ensembles: one snapshot, many trajectories.",
    no_args_is_help=True,
)
EXAMPLE = (
    "glassbotan simulate ensemble data/published/isoconfig_N4096T0.44_401_tc07.npz "
    "--times 0.13,1.3 --trajectories 8 --workers 2 -o ensemble.zarr"
)
