"""Which axes become rows: those of least error or size, and what was found is not lost."""

from __future__ import annotations

import numpy as np
import pytest

import lplrcli
from lplrcli.errors import PlanError, TargetUnreachableError
from lplrcli.io import open_array
from lplrcli.model.request import CompressionRequest
from lplrcli.pipeline.compress import coded, compress
from lplrcli.pipeline.unfold import best_unfolded

pytestmark = pytest.mark.usefixtures("few_states_throughout")

RNG = np.random.default_rng(0)
# Of low rank if the first two axes are rows, and of no low rank otherwise.
PAIRS = (RNG.standard_normal((12 * 10, 3)) @ RNG.standard_normal((3, 24))).reshape(12, 10, 24)
PAIRS += 0.01 * RNG.standard_normal(PAIRS.shape)


def best(a, **asked):
    return best_unfolded(open_array(a), CompressionRequest(**asked), 1, None)


@pytest.mark.parametrize("asked", [{"rel_error": 0.05}, {"bpc": 3.0}], ids=str)
def test_the_unfolding_of_low_rank_is_chosen(asked):
    for axes, array in ((2, PAIRS), (1, np.moveaxis(PAIRS, 2, 0))):
        source, predictor = best(np.ascontiguousarray(array), transform="none", **asked)
        assert source.unfolding.axes == axes
        assert predictor.survey.passes.source is source


@pytest.mark.parametrize("asked", [{"rel_error": 0.05}, {"bpc": 3.0}], ids=str)
def test_the_choice_is_as_good_as_any_that_is_made(asked):
    found = {axes: lplrcli.compress(PAIRS, unfold=axes, **asked) for axes in (1, 2, "auto")}
    values = {
        axes: one.size_report.file_bytes
        if "rel_error" in asked
        else one.report.relative_frobenius_error
        for axes, one in found.items()
    }
    assert values["auto"] == min(values.values())
    assert np.asarray(found["auto"]).shape == PAIRS.shape


def test_what_was_found_is_handed_on(visits):
    asked = CompressionRequest(rel_error=0.05)
    source, predictor = best_unfolded(open_array(PAIRS), asked, 1, None)
    chosen = len(visits)
    handed = coded(predictor)
    rest = len(visits) - chosen
    fresh = compress(source, asked, threads=1)
    assert rest < len(visits) - chosen - rest
    assert handed.parts == fresh.parts
    # Every unfolding was looked at.
    assert set(visits[:chosen]) == {(12, 240), (120, 24)}


def test_a_matrix_has_no_choice():
    source = open_array(PAIRS[0])
    assert best_unfolded(source, CompressionRequest(bpc=1), 1, None) == (source, None)


@pytest.mark.parametrize(
    ("asked", "words"), [({"rank": 3}, "a size or an error"), ({"bpc": 1, "passes": 4}, "passes")]
)
def test_what_cannot_be_compared_is_refused(asked, words):
    if "passes" in asked:
        asked["rank"] = 2
    with pytest.raises(PlanError, match=words):
        best(PAIRS, **asked)


def test_a_target_that_no_unfolding_reaches_is_refused():
    with pytest.raises(TargetUnreachableError, match="as small"):
        best(PAIRS, size=10)
