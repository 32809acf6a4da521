"""Correlations that publications report, to stand beside one's own."""

import csv
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from glassbotan.errors import InputError
from glassbotan.evaluation.circumstances import common_temperature
from glassbotan.evaluation.scores import KOB_ANDERSEN, Scores
from glassbotan.io.tables import open_text

COLUMNS = ("temperature", "time", "aggregate", "method", "pearson_A")
AGGREGATES = ("mean", "all")
MAX_BYTES = 16 * 2**20
TAU_ALPHA = {0.44: 4120.0}
"""Relaxation time of the three-dimensional Kob-Andersen mixture by temperature, as published with
the BOTAN data: Shiba et al., J. Chem. Phys. 158, 084503 (2023)."""
METHODS = ("BOTAN", "CAGE", "SE3")
"""Of those that come with glassbotan, the ones that pictures show unless asked for others."""

_BUNDLED = Path(__file__).with_name("reported_pearson.csv")


@dataclass(frozen=True)
class Reported:
    """A reported Pearson correlation between predicted and simulated propensity of species A.

    Attributes
    ----------
    temperature
        Units of epsilon/k_B.
    time
        Lennard-Jones units.
    aggregate
        ``mean`` (correlation per snapshot, mean over snapshots) or ``all`` (particles of all
        snapshots pooled).
    method
        The name under which it is known.
    pearson_A
        The correlation.

    """

    temperature: float
    time: float
    aggregate: str
    method: str
    pearson_A: float  # noqa: N815 - A is the species


def read_reported(path: str | Path | None = None) -> list[Reported]:
    """Return reported correlations, in the order of their table.

    Parameters
    ----------
    path
        A CSV file with the header ``temperature,time,aggregate,method,pearson_A``. By default the
        facts that come with glassbotan: six methods on the public GlassBench data (Kob-Andersen
        mixture at T = 0.44, 0.50, 0.56, 0.64; doi:10.5281/zenodo.10118191), from the table
        published with EIGNN.

    Raises
    ------
    InputError
        The file cannot be read, or a field is wrong; names file, line and column.

    """
    path = _BUNDLED if path is None else Path(path)
    with open_text(path) as lines:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{path}: is larger than {MAX_BYTES >> 20} MiB; no such table is")
        table = csv.reader(lines, strict=True)
        try:
            header = [name.strip() for name in next(table, [])]
            _check_header(path, header)
            rows = [_row(path, table.line_num, header, row) for row in table if row]
        except csv.Error as error:
            raise InputError(f"{path}: line {table.line_num}: {error}") from None
    if not rows:
        raise InputError(f"{path}: holds no value below its header")
    return rows


def select_reported(
    rows: Sequence[Reported],
    *,
    temperature: float | None = None,
    aggregate: str = "mean",
    methods: Iterable[str] | None = None,
) -> list[Reported]:
    """Return the rows of one temperature (any with None), aggregate and choice of methods.

    Raises
    ------
    InputError
        A method is in none of the rows of this temperature and aggregate; names those that are.

    """
    chosen = [
        row
        for row in rows
        if row.aggregate == aggregate
        and (temperature is None or math.isclose(row.temperature, temperature, rel_tol=1e-3))
    ]
    if methods is None:
        return chosen
    wanted, known = set(methods), {row.method: None for row in chosen}
    unknown = sorted(wanted - known.keys())
    if unknown:
        raise InputError(
            f"no value is reported for the method {unknown[0]!r}; there are "
            f"{', '.join(known) or 'none'}"
        )
    return [row for row in chosen if row.method in wanted]


def reported_beside(
    results: Sequence[Scores], methods: Iterable[str] | None = METHODS
) -> list[Reported]:
    """Return the bundled facts that belong beside results of A: same mixture and temperature.

    ``methods`` None is all of them. Empty for results of other mixtures or several temperatures.

    Raises
    ------
    InputError
        As of ``select_reported``.

    """
    temperature = _of_known_mixture(results)
    if temperature is None:
        return []
    rows = select_reported(read_reported(), temperature=temperature)
    return select_reported(rows, methods=methods) if rows else []


def published_tau_alpha(results: Sequence[Scores]) -> float | None:
    """Return the published relaxation time of the results' mixture at their temperature."""
    temperature = _of_known_mixture(results)
    return None if temperature is None else TAU_ALPHA.get(round(temperature, 3))


def _of_known_mixture(results: Sequence[Scores]) -> float | None:
    known = all(scores.system == KOB_ANDERSEN for scores in results)
    return common_temperature(results) if known else None


def _check_header(path: Path, header: list[str]) -> None:
    if header and header[0].startswith("\ufeff"):  # as spreadsheets write it
        header[0] = header[0].removeprefix("\ufeff")
    if sorted(header) != sorted(COLUMNS):
        raise InputError(
            f"{path}: line 1: the columns are {','.join(header)[:80]!r}; "
            f"expected {','.join(COLUMNS)}"
        )


def _row(path: Path, line: int, header: list[str], row: list[str]) -> Reported:
    if len(row) != len(header):
        raise InputError(f"{path}: line {line}: has {len(row)} columns; expected {len(header)}")
    texts = {name: text.strip() for name, text in zip(header, row, strict=True)}
    values = {name: _number(texts[name]) for name in ("temperature", "time", "pearson_A")}
    for name, right, what in (
        ("aggregate", texts["aggregate"] in AGGREGATES, "mean or all"),
        ("method", texts["method"], "a name"),
        ("temperature", 0 < values["temperature"] < math.inf, "a positive number"),
        ("time", 0 < values["time"] < math.inf, "a positive number"),
        ("pearson_A", -1 <= values["pearson_A"] <= 1, "a correlation from -1 to 1"),
    ):
        if not right:
            raise InputError(
                f"{path}: line {line}: {name} is {texts[name][:40]!r}; expected {what}"
            )
    return Reported(aggregate=texts["aggregate"], method=texts["method"], **values)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
