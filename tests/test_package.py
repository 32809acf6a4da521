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


@pytest.mark.filterwarnings("ignore::glassbotan.models.predictor.OutOfDomainWarning")
def test_things_say_what_they_are_in_a_line():
    snapshot = random_snapshot()
    shown = repr(snapshot)
    assert shown.startswith("<Snapshot snapshot: 60 particles (A 0.")
    assert shown.endswith(", box 5 x 5 x 5>")
    graph = gb.neighbour_graph(snapshot)
    assert (
        repr(graph) == f"<NeighbourGraph: 60 particles, {graph.n_edges} directed edges, cutoff 2>"
    )
    motion = gb.predict(snapshot, "botan")
    assert repr(motion) == "<Motion botan: 60 particles at t = 0.13, 1.3, 13, 130, 412, 1300, 4120>"


def test_models_say_what_they_are_in_a_line():
    predictor = gb.load_predictor("linear")
    shown = repr(predictor.card)
    assert shown.startswith("<Card linear (linear): propensity at t = 0.13 to 4120; A 0.")
    assert repr(predictor) == f"<Predictor of {shown}>"
