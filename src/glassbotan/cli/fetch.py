"""``glassbotan fetch``: bring a public data set to this machine."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glassbotan.cli.console import write_json
from glassbotan.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

    from glassbotan.datasets.fetch import ListedFile

LOGGER = logging.getLogger("glassbotan")

EXAMPLE = "glassbotan fetch botan-small --only 'validation/*'"


def _complete_name(incomplete: str) -> list[str]:
    from glassbotan.datasets.public import public_datasets

    return [name for name in public_datasets() if name.startswith(incomplete)]


def fetch(
    name: Annotated[
        str | None,
        typer.Argument(
            help="botan-small, botan, glassbench or deepmind.", autocompletion=_complete_name
        ),
    ] = None,
    *,
    into: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Holds a folder for each data set.",
            show_default="$GLASSBOTAN_DATA, or data/ in the user's cache",
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="GLOB", help="Only files whose path or name matches; may be repeated."
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="URL_OR_FOLDER",
            help="Take the files from a mirror, a base address or a folder with the same layout.",
        ),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="Address of a data set of one file, if its own has moved."
        ),
    ] = None,
    listing: Annotated[
        bool, typer.Option("--list", help="Say what there is and what is here, and fetch nothing.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="With --list: as a JSON list.")] = False,
) -> None:
    """Download a public data set and check every file.

    An interrupted download goes on where it stopped.
    """
    from rich.console import Console

    if json and not listing:
        raise InputError("--json goes with --list; the command itself prints no table")
    output = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
    globs = tuple(only or ())
    if name is None:
        if not listing:
            raise InputError("name a data set to fetch, or see what there is with --list")
        _show_datasets(output, json=json)
        return
    from glassbotan.datasets import fetch as fetching

    if listing:
        files = fetching.list_files(name, into=into, only=globs, mirror=source)
        _show_files(output, files, json=json)
        return
    from glassbotan.datasets.public import public_dataset
    from glassbotan.progress_bar import shown

    dataset = public_dataset(name)
    LOGGER.info("%s\nplease cite: %s", dataset.title, dataset.citation)
    if dataset.note:
        LOGGER.info(dataset.note)
    with shown() as progress:
        done = fetching.fetch(
            name, into=into, only=globs, mirror=source, url=url, progress=progress
        )
    checked = len(done.files) - done.new
    output.print(f"{done.new} files fetched, {checked} were here and are intact: {done.folder}")
    for folder in done.unpacked:
        output.print(f"unpacked: {folder}")
    if into is not None:
        output.print(f"recipes find it as {name}/... when GLASSBOTAN_DATA={into.resolve()} is set")


def _show_datasets(output: "Console", *, json: bool) -> None:
    from glassbotan.datasets.public import data_home, public_datasets

    datasets = public_datasets().values()
    told = ("name", "title", "citation", "licence", "doi", "page")
    if json:
        rows = [
            {
                **{key: getattr(dataset, key) for key in told},
                "parts": [f"{dataset.name}/{part}" for part in dataset.parts],
                "folder": str(data_home() / dataset.name),
            }
            for dataset in datasets
        ]
        write_json(Path("-"), rows)
        return
    for dataset in datasets:
        output.print(f"{dataset.name}\n  {dataset.title}\n  {dataset.citation}")
        output.print(f"  {dataset.page}; licence: {dataset.licence}")
        if dataset.parts:
            parts = ", ".join(f"{dataset.name}/{part}" for part in dataset.parts)
            output.print(f"  names for recipes: {parts}")
    output.print(f"kept in {data_home()}")


def _show_files(output: "Console", files: "list[ListedFile]", *, json: bool) -> None:
    from glassbotan.progress_bar import readable

    if json:
        rows = [{"path": f.file.path, "size": f.file.size, "state": f.state} for f in files]
        write_json(Path("-"), rows)
        return
    for listed in files:
        size = "?" if listed.file.size is None else readable(listed.file.size)
        output.print(f"{size:>10}  {listed.file.path}  {listed.state}".rstrip())
    total = sum(listed.file.size or 0 for listed in files)
    unknown = sum(listed.file.size is None for listed in files)
    and_unknown = f" and {unknown} of unknown size" if unknown else ""
    output.print(f"{len(files)} files, {readable(total)}{and_unknown}")
