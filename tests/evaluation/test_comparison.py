"""Measured motion and predictions of one snapshot, whose times may lie in several files."""

import numpy as np
import pytest

import glassbotan as gb
from conftest import REPOSITORY
from glassbotan.evaluation.comparison import compare

EARLY = REPOSITORY / "data" / "published-early.zarr" / "snapshots"


def test_files_of_one_snapshot_are_one_comparison(published):
    comparison = compare([EARLY / "0010", published[0]])
    assert comparison.measured is not None
    assert list(comparison.measured.times) == [0.13, 1.3, 13.0, 130.0, 4120.0]
    for path in (EARLY / "0010", published[0]):
        alone = compare(path).measured
        assert alone is not None
        rows = np.isin(comparison.measured.times, alone.times)
        assert np.array_equal(comparison.measured.propensity[rows], alone.propensity)


def test_files_of_different_snapshots_are_refused(published):
    with pytest.raises(gb.InputError, match="402.*is another snapshot than.*0010"):
        compare([EARLY / "0010", published[1]])
