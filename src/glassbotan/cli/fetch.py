"""``glassbotan fetch``: bring a public data set to this machine."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glassbotan.cli.console import write_json
from glassbotan.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

    from glassbotan.datasets.fetch import ListedFile


EXAMPLE = "glassbotan fetch botan-small --only 'validation/*'"


def _complete_name(incomplete: str) -> list[str]:
    from glassbotan.datasets.public import public_datasets

    return [name for name in public_datasets() if name.startswith(incomplete)]


def fetch(
    name: Annotated[
        str | None,
        typer.Argument(
            help="botan-small, botan, glassbench or deepmind.",
            show_default=False,
            autocompletion=_complete_name,
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
        bool,
        typer.Option("--list", help="Say what there is and what is here, and fetch nothing."),
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
    if name is None:
        if not listing:
            raise InputError("name a data set to fetch, or see what there is with --list")
        if json:
            _write_datasets()
        else:
            _show_datasets(output)
    elif listing:
        from glassbotan.datasets.fetch import list_files

        files = list_files(name, into=into, only=tuple(only or ()), mirror=source)
        if json:
            _write_files(files)
        else:
            _show_files(output, files)
    else:
        _fetch(output, name, into=into, only=tuple(only or ()), source=source, url=url)


def _write_datasets() -> None:
    from glassbotan.datasets.public import data_home, public_datasets

    write_json(
        Path("-"),
        [
            {
                "name": dataset.name,
                "title": dataset.title,
                "citation": dataset.citation,
                "licence": dataset.licence,
                "doi": dataset.doi,
                "page": dataset.page,
                "parts": [f"{dataset.name}/{part}" for part in dataset.parts],
                "folder": str(data_home() / dataset.name),
            }
            for dataset in public_datasets().values()
        ],
    )


def _write_files(files: "list[ListedFile]") -> None:
    write_json(
        Path("-"),
        [
            {"path": listed.file.path, "size": listed.file.size, "state": listed.state}
            for listed in files
        ],
    )


def _show_datasets(output: "Console") -> None:
    from glassbotan.datasets.public import data_home, public_datasets

    for dataset in public_datasets().values():
        output.print(f"{dataset.name}\n  {dataset.title}\n  {dataset.citation}")
        output.print(f"  {dataset.page}; licence: {dataset.licence}")
        if dataset.parts:
            parts = ", ".join(f"{dataset.name}/{part}" for part in dataset.parts)
            output.print(f"  names for recipes: {parts}")
    output.print(f"kept in {data_home()}")


def _show_files(output: "Console", files: "list[ListedFile]") -> None:
    from glassbotan.datasets.download import readable

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
