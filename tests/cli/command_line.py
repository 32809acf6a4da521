"""The real entry point, run within the test's own process, and a small model to run it with."""

import gc
import io
import logging
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import torch

import glassbotan as gb
from conftest import new_model
from glassbotan.cli import main
from glassbotan.models import storage
from glassbotan.models.card import Card
from glassbotan.models.domain import domain_of

TIMES = (4120.0, 13000.0)


class Result(NamedTuple):
    status: int
    out: str
    err: str


def run(*arguments: object) -> Result:
    """Return exit status, standard output and standard error of ``glassbotan ARGUMENTS``."""
    out, err, log = io.StringIO(), io.StringIO(), logging.getLogger("glassbotan")
    level = log.level
    with (
        mock.patch.object(sys, "argv", ["glassbotan", *map(str, arguments)]),
        mock.patch.object(logging.getLogger(), "handlers", []),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            main()
            status = 0
        except SystemExit as stop:
            status = stop.code or 0
        finally:
            log.setLevel(level)
            gc.unfreeze()  # the tests' process goes on
    return Result(status, out.getvalue(), err.getvalue())


def refusal(*arguments: object, status: int = 2) -> str:
    """Return the one line with which the command line refuses; fail where it is another."""
    result = run(*arguments)
    assert result.status == status, result
    assert result.err.count("\n") == 1, result.err
    assert result.err.startswith("glassbotan: error: ")
    assert "Traceback" not in result.err + result.out
    return result.err.removeprefix("glassbotan: error: ").rstrip("\n")


def save_model(
    folder: Path,
    snapshot: gb.Snapshot | None = None,
    *,
    architecture: str = "botan",
    seed: int = 0,
    **card: object,
) -> Path:
    """Write a small untrained model whose domain is, where one is given, that of a snapshot."""
    times = card.pop("times", TIMES)
    settings = {"width": 8, "steps": 2}
    settings |= {k: card.pop(k) for k in ("dimension", "cutoff") if k in card}
    torch.manual_seed(seed)
    network = new_model(architecture, times=times, **settings)
    domain = None if snapshot is None else domain_of([snapshot])
    facts = {"name": folder.name, "domain": domain, "times": list(times), "settings": settings}
    storage.save_model(folder, network, Card(architecture=architecture, **facts, **card))
    return folder
