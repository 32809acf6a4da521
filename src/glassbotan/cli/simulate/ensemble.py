"""glassbotan simulate ensemble: many trajectories of a snapshot, with velocities drawn anew."""

from pathlib import Path
from typing import Annotated, Any

import typer

from glassbotan.cli.from_model import options_of, settings_of
from glassbotan.cli.options import output_option
from glassbotan.cli.simulate.running import carry_out
from glassbotan.simulation.campaign import Campaign
from glassbotan.simulation.resources import Resources

EXAMPLE = (
    "glassbotan simulate ensemble data/published/isoconfig_N4096T0.44_401_tc07.npz "
    "--times 0.13,1.3 --trajectories 8 --workers 2 -o ensemble.zarr"
)


@options_of(
    Campaign,
    Resources,
    first=("temperature", "trajectories", "times"),
    leave_out=("name", "snapshots", "keep", "resolution", "block"),
    short={"temperature": "-T", "workers": "-w"},
    defaults={"times": "0.1..10"},
)
def ensemble(
    given: dict[str, Any],
    snapshots: Annotated[
        list[str],
        typer.Argument(metavar="SNAPSHOT...", help="Files, folders or parts of public data sets."),
    ],
    *,
    targets_only: Annotated[
        bool,
        typer.Option(
            "--targets-only",
            help="Keep propensity, bond extension and bond breaking, not the positions.",
        ),
    ] = False,
    output: Annotated[Path, output_option("STORE", "A Zarr store: NAME.zarr.")] = Path(
        "ensemble.zarr"
    ),
) -> None:
    """Run an isoconfigurational ensemble from each snapshot.

    The same command goes on with a store that is not complete.
    """
    asked = settings_of(
        Campaign,
        given,
        name=output.stem or "ensemble",
        snapshots=snapshots,
        keep="targets" if targets_only else "positions",
    )
    carry_out(asked, output, settings_of(Resources, given))
