"""Steps with which no entry is off by more than a bound, tried on entries that are rounded."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lplrcli.io import open_array
from lplrcli.linalg.passes import Passes
from lplrcli.model.plan import CompressionPlan, Target
from lplrcli.pipeline.predict.demand import TargetDemand
from lplrcli.pipeline.predict.plain_steps import finest_step, plain_step
from lplrcli.pipeline.survey.matrix_survey import MatrixSurvey

WHITE = np.random.default_rng(0).standard_normal((40, 30))


def survey(a):
    target = Target("rate-distortion", None, None, None, max_abs_error=1.0)
    plan = CompressionPlan(target, "factors", "gram", None, None, None, 0)
    return MatrixSurvey(Passes(open_array(a)), plan, TargetDemand(target), 1)


@pytest.mark.parametrize(("bound", "step"), [(0.0, 1), (0.4, 1), (1.0, 3), (2.9, 5), (3.0, 7)])
def test_integers_a_bound_apart_are_one_step(bound, step):
    a = np.random.default_rng(0).integers(-99, 99, (30, 20))
    assert plain_step(survey(a), bound) == step
    assert plain_step(survey(a * 0.5), bound / 2) == step / 2
    codes = np.rint(a / step)
    assert np.abs(codes * step - a).max() <= max(bound, 0.5 * (step - 1))


@given(st.floats(-5, 0), st.sampled_from([np.float32, np.float64]))
def test_rounding_to_the_step_and_to_the_type_keeps_the_bound(exponent, dtype):
    bound = 10.0**exponent
    a = WHITE.astype(dtype)
    step = plain_step(survey(a), bound)
    wide = a.astype(np.float64)
    decoded = (np.rint(wide / step) * step).astype(dtype).astype(np.float64)
    assert np.abs(decoded - wide).max() <= bound * (1 + 1e-6)
    assert bound <= step <= 2 * bound


def test_no_error_is_no_step_where_there_is_no_lattice():
    assert plain_step(survey(WHITE), 0.0) is None


@pytest.mark.parametrize("scale", [2.0**100, 2.0**-100])
def test_steps_are_at_the_scale_of_the_passes(scale):
    found, plain = survey(WHITE * scale), survey(WHITE)
    found.passes.scan()
    exponent = found.passes.exponent
    assert exponent != 0
    at_scale = plain_step(found, 0.01 * scale) * 2.0**exponent / scale
    assert at_scale == pytest.approx(plain_step(plain, 0.01), rel=1e-6)


def test_the_finest_step_needs_no_longer_codes_than_there_are():
    step = finest_step(survey(WHITE))
    assert np.abs(WHITE / step).max() == pytest.approx(2.0**28)
    integers = (100 * WHITE).astype(np.int16)
    step = finest_step(survey(integers))
    # What is off by less than a half is restored by rounding.
    assert step / 2 < 0.5
    np.testing.assert_array_equal(np.rint(np.rint(integers / step) * step), integers)
