"""Numbers of the coding ``rans``, against what SPEC.md says of tokens, machines and lines."""

from __future__ import annotations

import naive
import pytest

from lplrcli.model.rans_constants import (
    ABOVE,
    ACROSS,
    ALONG,
    AROUND,
    DIRECT,
    LARGEST,
    NO_CONTEXT,
    TAPS,
    TOKENS,
    TOTAL,
    lines_of,
)


def test_every_integer_up_to_the_largest_has_a_token():
    seen = {naive.rans_token(sign * k)[0] for k in range(DIRECT) for sign in (-1, 1)}
    assert seen == set(range(2 * DIRECT - 1))
    # The machine of a trellis doubles a coefficient and adds up to 7 to it.
    for k in (LARGEST + 7, -LARGEST - 7):
        assert naive.rans_token(k)[0] < TOKENS
    assert max(naive.rans_token(s * (2**29 - 1))[0] for s in (-1, 1)) == TOKENS - 1


def test_a_total_of_frequencies_is_a_power_of_two():
    assert TOTAL & (TOTAL - 1) == 0
    assert TOTAL > TOKENS


def test_kinds_of_context_are_numbered_as_in_a_file():
    assert list(range(5)) == [NO_CONTEXT, ABOVE, AROUND, ACROSS, ALONG]


@pytest.mark.parametrize("bits", [bits for bits in TAPS if bits])
def test_every_state_of_a_machine_is_reached_from_every_other(bits):
    first, branch = TAPS[bits]
    assert TAPS[0] == (0, 0)
    reached = {0}
    for _ in range(bits):
        reached = {
            state >> 1 ^ (first if state & 1 else 0) ^ (branch if parity else 0)
            for state in reached
            for parity in (0, 1)
        }
    assert reached == set(range(2**bits))


@pytest.mark.parametrize(
    ("grid", "expected"), [((7,), None), ((4, 6), (6, 4)), ((2, 3, 5), (5, 3)), ((1, 1), (1, 1))]
)
def test_lines_and_planes_are_the_last_axes(grid, expected):
    width, height = lines_of(grid)
    if expected is None:
        assert width > LARGEST  # one line, however long
        assert height == 1
    else:
        assert (width, height) == expected
