"""glassbotan dynamics: how a glass former relaxes, from trajectories."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glassbotan.cli.console import numbers_table, show, write_json
from glassbotan.cli.options import PICTURE, Box, JsonFile, parse_numbers
from glassbotan.errors import InputError
from glassbotan.progress_bar import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.table import Table

    from glassbotan.dynamics import ForceBalance, Relaxation
    from glassbotan.dynamics.estimate import Estimate
    from glassbotan.dynamics.overlap import Susceptibility

EXAMPLE = (
    "glassbotan simulate ensemble data/published/isoconfig_N4096T0.44_401_tc07.npz "
    "--times 0.01..20 --trajectories 8 -o ensemble.zarr && "
    "glassbotan dynamics ensemble.zarr -o relaxation.png"
)


def dynamics(
    data: Annotated[
        list[str],
        typer.Argument(
            help="Stores, files, folders, globs or parts of data sets, with trajectories."
        ),
    ],
    *,
    wave_number: Annotated[
        str,
        typer.Option(
            metavar="NUMBERS",
            help="Of the scattering function: one, or with commas one for each species.",
        ),
    ] = "7.25",
    overlap_length: Annotated[
        float,
        typer.Option(
            metavar="LENGTH", help="Within which a particle counts as still at its place."
        ),
    ] = 0.3,
    potential: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME|FILE",
            help="Tell whether the frames agree with this potential; may be repeated.",
        ),
    ] = None,
    output: Annotated[Path | None, PICTURE] = None,
    json: JsonFile = None,
    box: Box = None,
) -> None:
    """Tell how a glass former relaxes: scattering function, displacement, overlap, chi_4.

    Numbers in brackets are standard errors of the last digits.
    """
    numbers = parse_numbers(wave_number, "--wave-number")
    if not 0 < overlap_length < float("inf"):
        raise InputError(f"--overlap-length {overlap_length}: expected a positive length")

    from glassbotan.datasets.public import resolve_all
    from glassbotan.dynamics import force_balance, relaxation_of
    from glassbotan.dynamics.relaxation_record import balance_record, relaxation_record
    from glassbotan.io.stored_trajectories import open_trajectories
    from glassbotan.provenance import provenance
    from glassbotan.structure.potentials import load_potential

    files = resolve_all(data)
    potentials = {name: load_potential(name) for name in potential or []}
    opened = (open_trajectories(path, box=box) for path in files)
    # Each is read once and forgotten, unless it is looked at again.
    kept = list(opened) if potentials else []
    with shown() as bar:
        results = relaxation_of(
            kept or opened,
            wave_number=numbers or [],
            overlap_length=overlap_length,
            progress=lambda done, _, what="", /, **how: bar(done, len(files), what, **how),
        )
        balances = [
            {
                name: force_balance(
                    [e for e in kept if e.snapshot.temperature == one.temperature], p, progress=bar
                )
                for name, p in potentials.items()
            }
            for one in results
        ]
    if str(json) != "-":
        for result in results:
            for table in _tables(result):
                show(table)
        show(_summary(results))
        for result, balance in zip(results, balances, strict=True):
            if balance:
                show(_balance_table(result, balance))
    origin = provenance(files) if output is not None or json is not None else {}
    if json is not None:
        told = [
            relaxation_record(result)
            | {"potentials": {name: balance_record(b) for name, b in balance.items()}}
            | {"provenance": origin}
            for result, balance in zip(results, balances, strict=True)
        ]
        write_json(json, told)
        if str(json) != "-":
            typer.echo(f"table: {json}")
    if output is not None:
        from glassbotan.figures.relaxation import relaxation_figure
        from glassbotan.figures.style import save_figure

        save_figure(output, relaxation_figure(results), provenance=origin)
        typer.echo(f"relaxation: {output}", err=str(json) == "-")


def _balance_table(result: "Relaxation", balances: "dict[str, ForceBalance]") -> "Table":
    """Return a row for each potential and window."""
    from glassbotan.dynamics.estimate import concise

    first = next(iter(balances.values()))
    verdicts = "; ".join(f"{name}: {b.verdict}" for name, b in balances.items())
    title = (
        f"{_where(result)}: do {first.configurations} frames agree with the potential? {verdicts}\n"
        "residual of the hypervirial theorem: zero within errors where they do"
    )
    headings = ("potential", "pairs", "distances", "residual", "its errors", "first term")
    table = numbers_table(title, headings)
    for name, balance in balances.items():
        for k, window in enumerate(balance.windows):
            table.add_row(
                name,
                *str(window).split(),
                concise(balance.residual.value[k], balance.residual.error[k]),
                f"{balance.deviations[k]:.1f}",
                f"{balance.divergence[k]:.3g}",
            )
    return table


def _tables(result: "Relaxation") -> "Iterator[Table]":
    """Return a table a species, a row a time, and one of all particles together."""
    for one in result.species:
        estimates = {
            "F_s": one.scattering,
            "MSD": one.squared_displacement,
            "alpha_2": one.non_gaussian,
            "Q": one.overlap,
            **_parts(result, one.susceptibility),
        }
        yield _table(f"{one.name}, {one.n_particles} particles", result, estimates)
    if len(result.species) > 1:
        estimates = {"Q": result.overlap, **_parts(result, result.susceptibility)}
        yield _table(f"all {result.n_particles} particles", result, estimates)


def _parts(result: "Relaxation", susceptibility: "Susceptibility") -> "dict[str, Estimate]":
    """Return what is known of chi_4: one snapshot does not tell how snapshots differ."""
    if result.snapshots.max() == 1:
        return {"chi_4 within": susceptibility.isoconfigurational}
    return {
        "chi_4": susceptibility.total,
        "within": susceptibility.isoconfigurational,
        "between": susceptibility.structural,
    }


def _table(group: str, result: "Relaxation", estimates: "dict[str, Estimate]") -> "Table":
    from glassbotan.dynamics.estimate import concise

    # A column of numbers that do not change would only take room.
    counts = {"snapshots": result.snapshots, "trajectories": result.trajectories}
    constant = {name: c for name, c in counts.items() if c.min() == c.max()}
    changing = {name: c for name, c in counts.items() if name not in constant}
    facts = [f"{_where(result)}: {group}", *(f"{name}: {c[0]}" for name, c in constant.items())]
    # A table of few columns is no wider than its title for the particles alone.
    title = "; ".join(facts) if len(estimates) > 4 else facts[0]
    table = numbers_table(title, ["t", *estimates, *changing])
    for k, time in enumerate(result.times):
        cells = [concise(e.value[k], e.error[k]) for e in estimates.values()]
        table.add_row(f"{time:g}", *cells, *(str(c[k]) for c in changing.values()))
    return table


def _summary(results: "list[Relaxation]") -> "Table":
    """Return tau_alpha of every temperature and species."""
    from glassbotan.dynamics.estimate import concise

    table = numbers_table(
        "relaxation time: F_s falls to 1/e",
        ("T", "species", "wave number", "tau_alpha", "last t", "F_s there"),
    )
    for result in results:
        temperature = "-" if result.temperature is None else f"{result.temperature:g}"
        for one in result.species:
            last = concise(one.scattering.value[-1], one.scattering.error[-1])
            time = f"{result.times[-1]:g}"
            numbers = (f"{one.wave_number:g}", one.tau_alpha_text, time, last)
            table.add_row(temperature, one.name, *numbers)
    return table


def _where(result: "Relaxation") -> str:
    known = result.temperature is not None
    return f"T = {result.temperature:g}" if known else "temperature not known"
