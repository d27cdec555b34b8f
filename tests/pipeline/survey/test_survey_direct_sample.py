"""Predictions of coding all entries: the steps found, and that each is looked for once."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest

from lplrcli.pipeline.survey.direct_sample import DirectSample

ROWS, COLUMNS = 40, 25
ENTRIES = ROWS * COLUMNS
NORM = 2.0 * math.sqrt(ENTRIES)


def rate_at(step, field):
    """Bits of normal entries of deviation 2; of a field few entries take any at a low rate."""
    ratio = 8.0 / step
    return math.log2(1 + ratio) if field else max(math.log2(ratio), 1e-3)


class Coder:
    """A coder of such entries, which remembers the steps that it was asked for."""

    def __init__(self, transformed=False):
        self.passes = SimpleNamespace(shape=(ROWS, COLUMNS))
        self.layout = SimpleNamespace(transformed=transformed)
        self.tried = []

    def code_sample(self, step, state_bits, factors):
        assert factors is None
        self.tried.append(step)
        return rate_at(step, self.layout.transformed), step**2 / 4


FIELDS = pytest.mark.parametrize("field", [False, True])


@FIELDS
@pytest.mark.parametrize("rate", [0.5, 2.0, 6.0])
def test_a_rate_is_met(field, rate):
    found = DirectSample().at_rate(Coder(field), NORM, rate)
    assert (found.mode, found.step) == ("direct", 0.0)
    assert found.bits == pytest.approx(rate * ENTRIES, rel=0.05)
    assert rate_at(found.residual_step, field) == pytest.approx(rate, rel=0.05)
    assert found.squared_error == pytest.approx(found.residual_step**2 / 4 * ENTRIES)


@FIELDS
@pytest.mark.parametrize("error", [1.0, 1e-2, 1e-6])
def test_an_error_is_met(field, error):
    found = DirectSample().at_error(Coder(field), NORM, error * ENTRIES)
    assert found.squared_error == pytest.approx(error * ENTRIES, rel=0.05)


@FIELDS
def test_what_is_asked_twice_is_answered_once(field):
    sample, coder = DirectSample(), Coder(field)
    first = sample.at_rate(coder, NORM, 2.0), sample.at_error(coder, NORM, 2.0)
    tried = len(coder.tried)
    sample.at_rate(coder, NORM, 3.0)
    assert len(coder.tried) > tried
    tried = len(coder.tried)
    assert (sample.at_rate(coder, NORM, 2.0), sample.at_error(coder, NORM, 2.0)) == first
    assert len(coder.tried) == tried


def test_the_search_for_a_field_goes_on_where_the_last_one_ended():
    for field in (True, False):
        sample, coder = DirectSample(), Coder(field)
        sample.at_rate(coder, NORM, 5.0)
        here, first = coder.tried[-1], coder.tried[0]
        sample.at_rate(coder, NORM, 5.1)
        again = coder.tried[coder.tried.index(here) + 1]
        assert again == pytest.approx(here if field else first, rel=0.02)


def test_a_search_that_leads_nowhere_ends():
    coder = Coder()
    coder.code_sample = lambda step, *_: coder.tried.append(step) or (1.0, 1.0)
    found = DirectSample().at_rate(coder, NORM, 9.0)
    assert found.bits == ENTRIES
    assert len(coder.tried) < 20
