"""Valid files changed as structures, checksums made right again: product and reference agree.

What the one refuses the other does too, and what both take they decode to the same codes and
values. The changes are those of the fuzzer, `container.CHANGES`; here Hypothesis draws them.
"""

from __future__ import annotations

import io
import warnings

import numpy as np
import pytest
from container import CHANGES, DAMAGE, seeds
from hypothesis import given, settings
from hypothesis import strategies as st
from lplr_samples import Draft
from messages import check_refusal
from reference import decode, decoded

from lplrcli.container.reader import open_container
from lplrcli.errors import MemoryLimitError, NotLplrError, UnsupportedVersionError
from lplrcli.pipeline.decode.factors import decode_factor
from lplrcli.pipeline.decode.reconstruction import Reconstruction
from lplrcli.pipeline.integrity.verify import verify

SMALL = 1 << 11
SEEDS = list(seeds())


def mutated_bytes(rng):
    """What libFuzzer's mutations of bytes are to the harness."""

    def mutate(raw, most):
        changed = bytearray(raw or b"\0")
        at = rng.randrange(len(changed))
        kind = rng.randrange(4)
        if kind == 0:
            changed[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            changed[at] = rng.choice((0, 1, 127, 128, 255))
        elif kind == 2:
            del changed[at]
        else:
            changed.insert(at, rng.randrange(256))
        return bytes(changed[:most])

    return mutate


def changed_file(raw, rng, count):
    draft = Draft(raw)
    draft.major, draft.minor = raw[8], raw[10]
    for _ in range(count):
        try:
            rng.choice(CHANGES)(draft, rng, mutated_bytes(rng))
        except DAMAGE:  # an earlier change has broken what this one needs
            break
    return draft.build()


def entries_of(raw):
    """Entries that a file describes, 0 if it does not get so far."""
    try:
        with open_container(io.BytesIO(raw), "a.lplr") as container:
            found = [container.metadata(i) for i in range(container.count)]
    except ValueError:
        return 0
    sizes = [[document["matrix"]["shape"]] for document in found]
    for document, of_matrix in zip(found, sizes, strict=True):
        parts = document["factors"].values()
        of_matrix += [(part["length"], part["components"]) for part in parts]
    return max(a * b for of_matrix in sizes for a, b in of_matrix)


def agree(raw, references):
    """Codes are the same; so are values and the matrix, to rounding."""
    with open_container(io.BytesIO(raw), "a.lplr") as container:
        assert container.count == len(references)
        for i, reference in enumerate(references):
            factorization = container.factorization(i)
            assert set(factorization.parts) == set(reference.factors)
            for name, part in factorization.parts.items():
                expected = reference.factors[name].values
                values = decode_factor(part, np.dtype(np.float64))
                if part.transform == "identity":
                    np.testing.assert_array_equal(values, expected)
                else:
                    scale = np.abs(expected).max(initial=0)
                    np.testing.assert_allclose(values, expected, rtol=0, atol=1e-9 * scale)
            found = np.concatenate(list(Reconstruction(factorization).blocks()))
            expected = reference.array
            assert found.size == expected.size
            if found.dtype != np.float64:
                continue
            expected = expected.reshape(found.shape)
            whole = np.isfinite(found) & np.isfinite(expected)
            scale = np.abs(np.where(whole, expected, 0)).max(initial=0)
            np.testing.assert_allclose(found[whole], expected[whole], rtol=0, atol=1e-9 * scale)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("mutated")


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(SEEDS), st.randoms(use_true_random=False), st.integers(1, 3))
def test_product_and_reference_agree_on_changed_files(folder, raw, rng, count):
    changed = changed_file(raw, rng, count)
    if entries_of(changed) > SMALL:
        return
    try:
        verification = verify(io.BytesIO(changed), "a.lplr")
    except MemoryLimitError as error:
        check_refusal(error)
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            references = decoded(changed, folder)
    except decode.LplrError as error:
        assert verification.damage, str(error)
    else:
        assert verification.ok, str(verification.damage[0])
        agree(changed, references)
    for error in verification.damage:
        check_refusal(error)
        assert error.path == "a.lplr"
        whole_file = isinstance(error, NotLplrError | UnsupportedVersionError)
        assert error.section or whole_file or "file header" in str(error), str(error)
        # What is not there has no place.
        assert error.offset is not None or whole_file or "missing" in error.message, str(error)


def test_sound_files_agree(folder):
    for raw in SEEDS:
        assert verify(io.BytesIO(raw), "a.lplr").ok
        agree(raw, decoded(raw, folder))
