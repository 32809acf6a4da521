"""Colours and markers of models."""

from hypothesis import given
from hypothesis import strategies as st

from glassbotan.figures.marks import model_marks

NAMES = st.lists(
    st.sampled_from(["botan", "caged", "linear", "node-only", *"abcdefghij"]), unique=True
)


@given(NAMES)
def test_every_model_has_a_mark_of_its_own_and_bundled_ones_always_the_same(names):
    marks = model_marks(names)
    assert list(marks) == names
    assert len(set(marks.values())) == len(names)
    alone = model_marks(["botan", "node-only", "linear", "caged"])
    assert len({mark.colour for mark in alone.values()}) == 4
    assert all(marks[name] == alone[name] for name in names if name in alone)


def test_the_first_of_several_results_of_a_bundled_model_has_its_mark():
    own = model_marks(["botan"])["botan"]
    marks = model_marks(["x", "botan (new)", "botan (old)"])
    assert marks["botan (new)"] == own
    assert len(set(marks.values())) == 3
    assert own not in model_marks(["x", "botanical", "botan-2023-bonds-1"]).values()


def test_more_models_than_marks_begin_again():
    assert len(set(model_marks([str(k) for k in range(60)]).values())) == 26
