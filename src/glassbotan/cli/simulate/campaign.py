"""glassbotan simulate campaign: ensembles of many snapshots, from one YAML file."""

from pathlib import Path
from typing import Annotated, Any

import typer

from glassbotan.cli.from_model import options_of, settings_of
from glassbotan.cli.options import output_option
from glassbotan.cli.simulate.running import carry_out
from glassbotan.simulation.campaign import load_campaign
from glassbotan.simulation.resources import Resources

EXAMPLE = "glassbotan simulate campaign configs/campaign-quick.yaml --workers 2 -o quick.zarr"


@options_of(Resources, short={"workers": "-w"})
def campaign(
    given: dict[str, Any],
    file: Annotated[Path, typer.Argument(metavar="CAMPAIGN", help="A YAML file (see configs/).")],
    *,
    device: Annotated[
        str | None, typer.Option(metavar="NAME", help="Instead of the campaign's: cpu or cuda.")
    ] = None,
    output: Annotated[
        Path | None,
        output_option("STORE", "A Zarr store; default: the campaign's name with .zarr."),
    ] = None,
) -> None:
    """Run ensembles of many snapshots, here or on a cluster.

    It may be stopped and run again at any time: finished work is not done again, and the data do
    not depend on the number of workers or on interruptions.
    """
    changes = {} if device is None else {"device": device}
    loaded = load_campaign(file, **changes)
    carry_out(loaded, output or Path(f"{loaded.name}.zarr"), settings_of(Resources, given))
