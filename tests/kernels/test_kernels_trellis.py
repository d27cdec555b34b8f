"""The trellis quantizer: its paths obey the machine and cost no more than any other."""

from __future__ import annotations

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lplrcli.kernels.trellis import WINDOW, states_after, trellis_codes
from lplrcli.model.rans_constants import LANES, TAPS
from lplrcli.planning.prices import TRELLIS_PRICE, normal_counts, prices

PLAIN = np.zeros((1, 1), np.float32)
RATES = prices(np.array([normal_counts(level, 2) for level in (-2.0, 1.0, 5.0)]), TRELLIS_PRICE)
STEEP = (3.0 * np.abs(np.arange(-4, 5))).astype(np.float32)[None]
"""So dear a tail that integers beyond the kernel's candidates would be cheaper."""

MACHINE = pytest.mark.parametrize("machine", [3, 5, 8])
"""The machines that files are written with: each is a kernel of its own, seconds to compile."""
TABLES = pytest.mark.parametrize("tables", [PLAIN, RATES, STEEP], ids=["plain", "rates", "steep"])


def quantized(values, machine, tables, levels=None, units=None):
    """Codes of all lanes."""
    count = len(values)
    inverse = np.ones(count) if units is None else 1 / np.asarray(units)
    levels = np.zeros(values.shape, np.uint8) if levels is None else levels
    codes = np.full(values.shape, 99, np.int32)
    for lane in range(LANES):
        trellis_codes(machine)(values, lane, inverse, tables, levels, codes, 0, -1)
    return codes


def paths(values, tables, levels, units, codes):
    """Of every lane: its coefficients in units, with their prices, and their codes."""
    for lane in range(LANES):
        path = [
            (float(value) * (1 / units[i]), tables[level])
            for i in range(lane, len(values), LANES)
            for value, level in zip(values[i], levels[i], strict=True)
        ]
        yield path, codes[lane::LANES].ravel().tolist()


def in_reach(value):
    """All integers that could be worth anything: far more than the kernel looks at."""
    return range(min(0, int(value) - 9), max(0, int(value) + 9) + 1)


@st.composite
def chunks(draw):
    """A few components of a few rows, their levels and their units."""
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    shape = draw(st.tuples(st.integers(1, 9), st.integers(1, 5)))
    elements = st.floats(-20, 20, width=np.finfo(dtype).bits)
    values = draw(hnp.arrays(dtype, shape, elements=elements))
    levels = draw(hnp.arrays(np.uint8, shape, elements=st.integers(0, 2)))
    units = draw(hnp.arrays(np.float64, shape[:1], elements=st.sampled_from([1.0, 4.0])))
    return values, levels, units


@MACHINE
@TABLES
@given(case=chunks())
@settings(deadline=None, max_examples=6)
def test_every_lane_takes_the_cheapest_path(machine, tables, case):
    values, levels, units = case
    levels = levels % len(tables)
    codes = quantized(values, machine, tables, levels, units)
    for path, found in paths(values, tables, levels, units, codes):
        cost = naive.trellis_cost(path, machine, found)
        allowed = naive.trellis_least_cost(path, machine, naive.trellis_candidates)
        assert cost <= allowed + 1e-4 * (1 + allowed)  # the kernel sums in float32
        least = naive.trellis_least_cost(path, machine, in_reach)
        assert cost >= least - 1e-9
        if tables is not STEEP:  # rates of a real distribution make no other integer worth it
            assert cost <= least + 1e-4 * (1 + least)


@MACHINE
@TABLES
@pytest.mark.parametrize("deviation", [0.05, 1.0, 300.0, 3e7])
def test_long_paths_obey_the_machine_across_windows(machine, tables, deviation):
    generator = np.random.default_rng(machine)
    values = deviation * generator.standard_normal((5, WINDOW + 5))
    levels = np.zeros(values.shape, np.uint8)
    codes = quantized(values, machine, tables)
    for path, found in paths(values, tables, levels, np.ones(5), codes):
        naive.trellis_cost(path, machine, found)
    # The nearest of a subset lies two integers away at most, the next one four further.
    assert np.abs(values - codes).max() <= 6


@MACHINE
def test_settling_the_path_at_windows_costs_next_to_nothing(machine):
    values = 3 * np.random.default_rng(0).standard_normal((1, 3 * WINDOW))
    whole = quantized(values, machine, RATES[2:])
    parts = [quantized(part, machine, RATES[2:]) for part in np.split(values, 3, axis=1)]
    squares = [np.mean((values - codes) ** 2) for codes in (whole, np.concatenate(parts, axis=1))]
    assert squares[0] == pytest.approx(squares[1], rel=0.01)


@MACHINE
def test_codes_stay_within_what_the_coding_holds(machine):
    values = np.array([[1e300, -1e300, 2.0**31, -(2.0**40), 1e10, 0.0, -1e9, 3.0]])
    codes = quantized(values, machine, RATES)
    assert np.abs(codes.astype(np.int64)).max() < 2**30
    naive.trellis_cost([(0.0, RATES[0])] * 8, machine, codes[0].tolist())
    assert abs(codes[0, 5]) <= 6


@MACHINE
def test_weak_coefficients_all_become_zero(machine):
    values = 0.2 * np.random.default_rng(0).standard_normal((3, 1000))
    assert not quantized(values, machine, RATES).any()


def test_the_machines_are_those_of_the_specification():
    assert {bits: taps for bits, taps in TAPS.items() if bits} == naive.TRELLIS_MACHINES


@MACHINE
@TABLES
@given(data=st.data())
@settings(deadline=None, max_examples=4)
def test_a_path_between_two_states_is_the_cheapest(machine, tables, data):
    states = st.integers(0, 2**machine - 1)
    start, end = data.draw(states), data.draw(st.one_of(states, st.none()))
    rows = data.draw(st.integers(machine, machine + 4))
    values = data.draw(hnp.arrays(np.float64, (1, rows), elements=st.floats(-20, 20)))
    levels = np.zeros(values.shape, np.uint8)
    codes = np.empty(values.shape, np.int32)
    last = -1 if end is None else end
    trellis_codes(machine)(values, 0, np.ones(1), tables, levels, codes, start, last)
    path = [(float(value), tables[0]) for value in values[0]]
    cost = naive.trellis_cost(path, machine, codes[0], start, end)
    least = naive.trellis_least_cost(path, machine, naive.trellis_candidates, start, end)
    assert cost <= least + 1e-4 * (1 + least)


@MACHINE
@pytest.mark.parametrize("beyond", [0, 1, 63, 64, 65])
def test_a_long_path_ends_where_it_has_to(machine, beyond):
    values = 3 * np.random.default_rng(0).standard_normal((1, WINDOW + beyond))
    codes = np.empty(values.shape, np.int32)
    levels = np.zeros(values.shape, np.uint8)
    trellis_codes(machine)(values, 0, np.ones(1), RATES[2:], levels, codes, 5, 3)
    naive.trellis_cost([(0.0, RATES[0])] * values.size, machine, codes[0].tolist(), 5, 3)
    assert np.abs(values - codes)[:, : -2 * machine].max() <= 6


@MACHINE
@pytest.mark.parametrize("shape", [(1, 1), (3, 0), (4, 5), (11, 7)])
def test_states_after_a_chunk(machine, shape):
    values = 9 * np.random.default_rng(1).standard_normal(shape)
    codes = quantized(values, machine, PLAIN)
    states = np.empty(len(codes), np.int64)
    states_after(codes, (machine, *TAPS[machine]), states)
    assert states.tolist() == naive.trellis_states(codes, machine)
