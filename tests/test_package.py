"""What ``import glassbotan as gb`` offers."""

import pytest

import glassbotan as gb
from conftest import random_snapshot


def test_every_name_is_there():
    assert {"predict", "equilibrate", "run_campaign", "motion_of", "map_figure"} <= set(dir(gb))
    for name in gb.__all__:
        assert getattr(gb, name).__name__ == name
    assert gb.__version__
    with pytest.raises(AttributeError, match="no attribute 'predicts'"):
        gb.predicts  # noqa: B018


def test_things_say_what_they_are_in_a_line():
    snapshot = random_snapshot()
    shown = repr(snapshot)
    assert shown.startswith("<Snapshot snapshot: 60 particles (A 0.")
    assert shown.endswith(", box 5 x 5 x 5>")
    graph = gb.neighbour_graph(snapshot)
    assert (
        repr(graph) == f"<NeighbourGraph: 60 particles, {graph.n_edges} directed edges, cutoff 2>"
    )
