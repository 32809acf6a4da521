"""Training runs on small made-up glasses: they learn, resume bit for bit, and survive Ctrl-C."""

import csv

import pytest
import torch
import yaml
from conftest import random_snapshot, write_botan_npz

import glassbotan as gb
from glassbotan.training.config import load_recipe


@pytest.fixture
def data(tmp_path, monkeypatch):
    # 64 particles in a box of 4.2: names give the time, and the box is what the files lack.
    monkeypatch.setattr("glassbotan.io.botan_npz.default_box", lambda *_: [4.2] * 3, raising=False)
    for part, seeds in (("train", range(3)), ("validation", range(3, 5))):
        (tmp_path / part).mkdir()
        for seed in seeds:
            snapshot = random_snapshot(64, edge=4.2, seed=seed)
            write_botan_npz(tmp_path / part / f"isoconfig_T0.44_{seed}_tc07.npz", snapshot)
    return tmp_path
