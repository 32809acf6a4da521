"""A campaign: which ensembles are to be made, from one YAML file."""

from pathlib import Path
from typing import Annotated, Any

from glassbotan.settings import LISTED, Positive, checked, told
from glassbotan.simulation.protocol import Protocol
from glassbotan.yaml_mapping import read_mapping


class Campaign(Protocol):
    """Isoconfigurational ensembles of many snapshots."""

    name: str = told(
        "ensembles",
        "NAME",
        "Of the store, where no other is given; default: the file's.",
        pattern=r"^[\w.-]+$",
    )
    snapshots: tuple[str, ...] = told(
        ...,
        "PATHS",
        "Files, folders, globs or parts of public data sets such as botan-small/train.",
        min_length=1,
    )
    box: Annotated[tuple[Positive, ...], LISTED] | None = told(
        None,
        "LENGTHS",
        "Edges, for files without: 15.05658 or 10,10,12.",
        min_length=1,
        max_length=3,
    )
    temperature: Annotated[tuple[Positive, ...], LISTED] | None = told(
        None, "T", "Every snapshot is run at each; default: the snapshot's own.", min_length=1
    )


def load_campaign(path: str | Path, **changes: Any) -> Campaign:
    """Read and validate a campaign, with other values of some keys.

    Raises
    ------
    InputError
        The file is missing or no YAML mapping, or a key or value is wrong; names the key and, for
        an unknown one, the nearest known.

    """
    content = read_mapping(path, kind="a campaign", expected="of a campaign's keys")
    named = {"name": Path(path).stem, **content, **changes}
    return checked(Campaign, named, source=str(path))
