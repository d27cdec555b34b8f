"""What a factor was turned into: what it takes, what it decodes to, and how tokens are counted."""

from __future__ import annotations

import numpy as np
import pytest

from lplrcli.model.rans_constants import NO_CONTEXT
from lplrcli.pipeline.decode.factors import decode_factor
from lplrcli.pipeline.encode.coded_coefficients import CodedCoefficients, count_codes
from lplrcli.quantize import SteppedQuantizer
from lplrcli.transform.component_layout import Layout

RNG = np.random.default_rng(0)
WIDE = np.dtype(np.float64)


def coded(codes, chunk=1000, step=0.5, classes=None):
    quantizer = SteppedQuantizer(step, np.arange(len(codes)), (3, -5, 7))
    classes = np.zeros(len(codes), np.uint8) if classes is None else classes
    chunks = [codes[:, start : start + chunk] for start in range(0, codes.shape[1], chunk)]
    chunks = [np.ascontiguousarray(part, np.int32) for part in chunks]
    layout = Layout("identity", (codes.shape[1],))
    return CodedCoefficients(quantizer, 0, classes, chunks, 0.0, layout)


CODES = np.rint(2 * RNG.standard_normal((3, 4000))).astype(np.int32)


def test_the_file_decodes_to_what_is_decoded_here():
    found = coded(CODES)
    assert found.length == 4000
    here = found.decoded(WIDE)
    np.testing.assert_array_equal(decode_factor(found.factor(2, 4000), WIDE), here)
    units = found.quantizer.units[:, None]
    shifts = np.array([0, 3, -5, 7])[np.minimum(np.abs(CODES), 3)] / 256
    np.testing.assert_allclose(here, (CODES + np.sign(CODES) * shifts) * units, rtol=1e-12)


def test_the_bits_told_are_about_those_of_the_file():
    found = coded(CODES)
    factor = found.factor(1, 4000)
    told, stored = found.token_bits(), 8 * sum(map(len, factor.chunks))
    assert stored == pytest.approx(told, rel=0.02)
    shares = np.unique(CODES, return_counts=True)[1] / CODES.size
    entropy = -np.sum(shares * np.log2(shares)) * CODES.size
    assert told == pytest.approx(entropy, rel=0.02)


def test_chunks_are_multiples_of_eight_and_no_longer():
    factor = coded(CODES, 1000).factor(1, 4000)
    assert (factor.chunk_length, len(factor.chunks), factor.components) == (1000, 4, 3)
    short = coded(CODES[:, :13], 100).factor(1, 13)
    assert (short.chunk_length, len(short.chunks), short.length) == (16, 1, 13)


def test_threads_change_nothing():
    assert coded(CODES, 500).factor(1, 4000) == coded(CODES, 500).factor(3, 4000)


def test_no_components_make_a_factor_of_none():
    factor = CodedCoefficients.empty(77).factor(1, 77)
    assert (factor.components, factor.length, list(factor.chunks)) == (0, 77, [])
    assert decode_factor(factor, np.dtype(np.float32)).shape == (0, 77)


def test_tokens_are_counted_by_class():
    classes, layout = np.array([0, 1, 0], np.uint8), Layout("identity", (4000,))
    counts = count_codes(CODES, classes, 1, layout, NO_CONTEXT)
    assert counts.shape[:3] == (2, 1, 1)
    assert counts.sum(axis=(1, 2, 3)).tolist() == [8000, 4000]
    # Zeros are the first token.
    assert counts[:, 0, 0, 0].tolist() == [
        int((CODES[[0, 2]] == 0).sum()), int((CODES[1] == 0).sum()),
    ]  # fmt: skip
    assert count_codes(CODES, classes, 1, layout).sum() == CODES.size
