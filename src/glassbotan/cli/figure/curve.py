"""glassbotan figure curve: correlation against time."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glassbotan.cli.drawing import keep
from glassbotan.cli.options import Picture, QuantityName
from glassbotan.dynamics.quantities import BOND_EXTENSION, PROPENSITY
from glassbotan.errors import InputError

if TYPE_CHECKING:
    from glassbotan.evaluation import Scores
    from glassbotan.evaluation.reported import Reported

EXAMPLE = (
    "glassbotan evaluate data/published -m botan -m linear --json scores.json && "
    "glassbotan figure curve scores.json -o curve.png"
)
NONE = "none"


def curve(
    results: Annotated[
        list[Path],
        typer.Argument(help="Files that glassbotan evaluate --json wrote.", show_default=False),
    ],
    output: Picture = Path("curve.png"),
    species: Annotated[
        str | None,
        typer.Option(
            metavar="LETTERS",
            help="Species, or pair of species of bonds; default: A or AA.",
        ),
    ] = None,
    *,
    quantity: QuantityName = PROPENSITY.name,
    bonds: Annotated[
        bool, typer.Option("--bonds", help="Short for --quantity bond_extension.")
    ] = False,
    reported: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|none",
            help="Reported correlations of A, a CSV file; default: those that come with "
            "glassbotan, of the results' temperature.",
        ),
    ] = None,
    methods: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help="Reported methods to show, with commas, or all; default: BOTAN,CAGE,SE3 of those "
            "that come with glassbotan, all of a FILE.",
        ),
    ] = None,
    tau_alpha: Annotated[
        str | None,
        typer.Option(
            metavar="TIME|none",
            help="Relaxation time to mark; default: the published one, where it is known.",
        ),
    ] = None,
) -> None:
    """Draw the Pearson correlation against time, a curve a model, with the noise ceiling."""
    from glassbotan.evaluation.files import read_all_scores
    from glassbotan.figures.curve import curve_figure

    scores = read_all_scores(results)
    quantity = BOND_EXTENSION.name if bonds else quantity
    of_a = quantity == PROPENSITY.name and species in (None, "A")
    figure = curve_figure(
        scores,
        quantity=quantity,
        species=species,
        reported=_reported(scores, reported, methods, of_a=of_a),
        tau_alpha=_tau_alpha(scores, tau_alpha),
    )
    keep(figure, output, "curve", results)


def _reported(
    scores: "list[Scores]", reported: str | None, methods: str | None, *, of_a: bool
) -> "list[Reported]":
    """Return what to show beside the results."""
    from glassbotan.evaluation.reported import METHODS, reported_beside

    chosen = None if methods in (None, "all") else [m.strip() for m in methods.split(",")]
    if reported is not None and reported != NONE:
        if not of_a:
            raise InputError(f"--reported {reported}: holds propensity of A; leave it out here")
        return _from_file(scores, Path(reported), chosen)
    found = []
    if of_a and reported != NONE:
        found = reported_beside(scores, METHODS if methods is None else chosen)
    if methods is not None and not found:
        raise InputError(
            f"--methods {methods}: there are no reported values to choose from; those that come "
            "with glassbotan are of A, Kob-Andersen mixture, T = 0.44, 0.50, 0.56, 0.64"
        )
    return found


def _from_file(scores: "list[Scores]", path: Path, methods: list[str] | None) -> "list[Reported]":
    from glassbotan.evaluation.circumstances import common_temperature
    from glassbotan.evaluation.reported import read_reported, select_reported

    rows = read_reported(path)
    temperature = common_temperature(scores)
    there_are = sorted({row.temperature for row in rows})
    listed = ", ".join(f"{t:g}" for t in there_are)
    if temperature is None and len(there_are) > 1:
        raise InputError(
            f"{path}: has values of T = {listed}, and the results are not of one known "
            "temperature; give a file of one temperature"
        )
    found = select_reported(rows, temperature=temperature)
    if not found:
        raise InputError(
            f"{path}: has no value of aggregate mean at T = {temperature:g}, that of the results; "
            f"it has T = {listed}"
            if temperature is not None
            else f"{path}: has no value of aggregate mean"
        )
    return select_reported(found, methods=methods)


def _tau_alpha(scores: "list[Scores]", given: str | None) -> float | None:
    from glassbotan.evaluation.reported import published_tau_alpha

    if given is None:
        return published_tau_alpha(scores)
    if given == NONE:
        return None
    try:
        time = float(given)
    except ValueError:
        time = 0.0
    if not 0 < time < float("inf"):
        raise InputError(f"--tau-alpha {given!r}: expected one positive time, or none")
    return time
