"""``glassbotan fetch``: bring a public data set to this machine."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console


def fetch(
    name: Annotated[
        str | None,
        typer.Argument(help="botan-small, botan, glassbench or deepmind.", show_default=False),
    ] = None,
    *,
    into: Annotated[
        Path | None,
        typer.Option(
            help="Folder that holds a folder for each data set "
            "[default: $GLASSBOTAN_DATA, or data/ in the user's cache]",
            show_default=False,
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="GLOB",
            help="Only files whose path or name matches; may be given again.",
            show_default=False,
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="URL_OR_DIR",
            help="Take the files from a mirror, a base address or a folder with the same layout.",
            show_default=False,
        ),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(help="Address of a data set of one file, if its own has moved."),
    ] = None,
    listing: Annotated[
        bool,
        typer.Option("--list", help="Say what there is and what is here, and fetch nothing."),
    ] = False,
) -> None:
    """Download a public data set, go on where an earlier call stopped, and check every file."""
    from rich.console import Console

    from glassbotan.errors import InputError

    output = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
    if name is None:
        if not listing:
            raise InputError("name a data set to fetch, or see what there is with --list")
        _show_datasets(output)
    elif listing:
        _show_files(output, name, into, tuple(only or ()), source)
    else:
        _fetch(output, name, into=into, only=tuple(only or ()), source=source, url=url)


def _show_datasets(output: "Console") -> None:
    from glassbotan.datasets.public import data_home, public_datasets

    for dataset in public_datasets().values():
        output.print(f"{dataset.name}\n  {dataset.title}\n  {dataset.citation}")
        output.print(f"  {dataset.page}; licence: {dataset.licence}")
        if dataset.parts:
            parts = ", ".join(f"{dataset.name}/{part}" for part in dataset.parts)
            output.print(f"  names for recipes: {parts}")
    output.print(f"kept in {data_home()}")


def _show_files(
    output: "Console", name: str, into: Path | None, only: tuple[str, ...], source: str | None
) -> None:
    from glassbotan.datasets.download import readable
    from glassbotan.datasets.fetch import list_files

    files = list_files(name, into=into, only=only, mirror=source)
    for listed in files:
        size = "?" if listed.file.size is None else readable(listed.file.size)
        output.print(f"{size:>10}  {listed.file.path}  {listed.state}".rstrip())
    total = sum(listed.file.size or 0 for listed in files)
    unknown = sum(listed.file.size is None for listed in files)
    and_unknown = f" and {unknown} of unknown size" if unknown else ""
    output.print(f"{len(files)} files, {readable(total)}{and_unknown}")


def _fetch(
    output: "Console",
    name: str,
    *,
    into: Path | None,
    only: tuple[str, ...],
    source: str | None,
    url: str | None,
) -> None:
    from glassbotan.cli.fetch_progress import shown_progress
    from glassbotan.datasets.fetch import fetch
    from glassbotan.datasets.public import public_dataset

    dataset = public_dataset(name)
    with shown_progress() as observer:
        observer.note(f"{dataset.title}\nplease cite: {dataset.citation}")
        if dataset.note:
            observer.note(dataset.note)
        done = fetch(name, into=into, only=only, mirror=source, url=url, observer=observer)
    checked = len(done.files) - done.new
    output.print(f"{done.new} files fetched, {checked} were here and are intact: {done.folder}")
    for folder in done.unpacked:
        output.print(f"unpacked: {folder}")
    if into is not None:
        output.print(f"recipes find it as {name}/... when GLASSBOTAN_DATA={into.resolve()} is set")
