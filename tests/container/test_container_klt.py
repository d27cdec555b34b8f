"""Bases of the Karhunen-Loève transform in a file: what is refused, and what comes back."""

from __future__ import annotations

import dataclasses
import io
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from lplr_samples import Draft, factor, factorization, of_bases, read_all, with_basis, written
from rans_samples import rans_factor
from reference import decode, decoded

from lplrcli.container.reader import open_container
from lplrcli.errors import CorruptSectionError
from lplrcli.pipeline.decode.factors import decode_factor
from lplrcli.pipeline.decode.reconstruction import Reconstruction
from lplrcli.transform.klt import certain_vectors

TOLERANCE = 2.0**-32


def refused_by_both(raw, words, folder):
    with pytest.raises(CorruptSectionError, match=words):
        read_all(raw)
    with pytest.raises(decode.LplrError):
        decoded(raw, folder)


def test_bases_are_kept_and_lie_before_the_factors():
    left, right = of_bases(), of_bases((3, 3), vectors=3, seed=1)
    f = factorization((30, 9), (1,) * 3, "factors", "trellis")
    raw = written(dataclasses.replace(f, left=left, right=right))
    (found,) = read_all(raw)
    assert list(found.parts) == ["left", "right", "left_basis", "right_basis"]
    for kept, given_ in ((found.left.basis, left.basis), (found.right.basis, right.basis)):
        assert list(kept.chunks) == given_.chunks
        assert (kept.side, kept.tables) == (given_.side, given_.tables)
    tags = b" ".join(section.tag for section in Draft(raw).sections)
    assert tags == b"META COMP LBAS LBAS RBAS RBAS LEFT RGHT"
    assert list(Draft(raw).json()["factors"]) == ["left_basis", "right_basis", "left", "right"]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=3).map(tuple), st.integers(1, 5),
    st.integers(0, 9), st.sampled_from(["identity", "dct", "cdf97"]),
    st.sampled_from(["deadzone", "trellis"]), st.integers(0, 999),
)  # fmt: skip
def test_both_decoders_transform_alike(
    tmp_path_factory, grid, components, vectors, transform, quantizer, seed
):
    components, vectors = min(components, math.prod(grid)), min(vectors, max(grid))
    left = of_bases(grid, components, vectors, seed, transform, quantizer)
    stored = decode_factor(left.basis, np.dtype(np.float64))
    assume(certain_vectors(stored, grid) == vectors)
    f = factorization((left.length, 9), (1,) * components, "factors", quantizer)
    raw = written(dataclasses.replace(f, left=left))
    (matrix,) = decoded(raw, tmp_path_factory.mktemp("klt"))
    reference = matrix.factors["left"]
    with open_container(io.BytesIO(raw), "x") as container:
        found = container.factorization(0)
        entries = decode_factor(found.left, np.dtype(np.float64))
        distance = np.linalg.norm(entries - reference.values, axis=1)
        assert (distance <= TOLERANCE * np.linalg.norm(reference.coefficients, axis=1)).all()
        # A range decodes as a part of the whole.
        some = decode_factor(found.left, np.dtype(np.float64), left.length // 3, left.length)
        assert np.array_equal(some, entries[:, left.length // 3 :])
        rows = np.concatenate(list(Reconstruction(found).blocks()))
    scale = np.abs(matrix.array).max() + np.abs(reference.values).max()
    np.testing.assert_allclose(rows, matrix.array, atol=1e-5 * scale)


def test_vectors_of_the_reference_decoder_are_those_of_numpy():
    stored = np.random.default_rng(0).standard_normal((9, 16))
    found = decode.axes_of(stored, [6, 5])
    for axis, (vectors, extent) in enumerate(zip(found, (6, 5), strict=True)):
        expected, triangle = np.linalg.qr(stored[:extent, 8 * axis : 8 * axis + extent].T)
        np.testing.assert_allclose(vectors.T, expected * np.sign(np.diagonal(triangle)), atol=1e-9)


def test_a_basis_of_nothing_makes_zeros(tmp_path):
    raw = written(with_basis(vectors=0))
    (matrix,) = decoded(raw, tmp_path)
    assert not matrix.array.any()
    (found,) = read_all(raw)
    assert not decode_factor(found.left, np.dtype(np.float64)).any()


def test_factors_without_components_have_bases_too(tmp_path):
    f = with_basis(components=0, vectors=0)
    (found,) = read_all(written(f))
    assert found.left.basis.components == 0
    assert not decoded(written(f), tmp_path)[0].array.any()


def changed(name, **values):
    return lambda factors: factors[name].update(values)


def swapped(factors):
    """The same bytes, as if they were of the other side."""
    factors["right_basis"] = factors.pop("left_basis")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda factors: factors.pop("left_basis"), "left_basis missing"),
        (swapped, "basis"),
        (changed("left", transform="dct"), "only there"),
        (changed("left", transform="identity"), "only there"),
        (changed("right", transform="klt"), "right_basis missing"),
        (changed("left_basis", chunk_length=16), "left_basis.chunk_length"),
        (changed("left_basis", length=24, grid=[24]), "left_basis.length"),
        (changed("left_basis", length=8, grid=[8]), "left_basis.length"),
        (changed("left_basis", grid=[2, 8]), "left_basis.grid"),
        (changed("left_basis", grid=[16, 1]), "left_basis.grid"),
        (changed("left_basis", components=7), "left_basis.components"),
        (changed("left_basis", transform="klt"), "left_basis.transform"),
        (changed("left_basis", coding="packed", quantizer="normal"), "left_basis.transform"),
        (changed("left_basis", quantizer="normal"), "left_basis.quantizer"),
        (changed("left_basis", table_length=0), "left_basis.table_length"),
        (changed("left", chunk_length=24), "left.chunk_length"),
        (changed("left", grid=[30]), "left_basis"),
        (changed("left", grid=[3, 10]), "left_basis"),
        (changed("left", grid=[5, 3, 2]), "left_basis"),
    ],
)
def test_wrong_metadata_is_refused(change, words, tmp_path):
    draft = Draft(written(with_basis()))
    draft.edit_json(lambda document: change(document["factors"]))
    refused_by_both(draft.build(), words, tmp_path)


def test_a_residual_has_no_basis(tmp_path):
    f = factorization((30, 9), mode="factors+residual", quantizer="trellis")
    residual = rans_factor(270, 1, "trellis", 272, grid=(30, 9))
    draft = Draft(written(dataclasses.replace(f, residual=residual)))
    draft.edit_json(lambda d: d["factors"]["residual"].update(transform="klt"))
    refused_by_both(draft.build(), "factors.residual.transform", tmp_path)
    draft.edit_json(lambda d: d["factors"].update(residual_basis=d["factors"]["residual"]))
    refused_by_both(draft.build(), "residual_basis", tmp_path)


def test_entries_of_a_basis_have_a_limit(tmp_path):
    # The greatest extent allows more vectors than 2**20 entries do.
    draft = Draft(written(with_basis()))

    def enlarge(document):
        document["array"]["shape"] = document["matrix"]["shape"] = [4096, 9]
        factors = document["factors"]
        factors["left"].update(length=4096, grid=[2048, 2], chunk_length=4096)
        basis = {"length": 4096, "grid": [4096], "chunk_length": 2048, "components": 257}
        factors["left_basis"].update(basis)

    draft.edit_json(enlarge)
    with pytest.raises(decode.LplrError, match="left_basis, components: too many"):
        decoded(draft.build(), tmp_path)
    refused_by_both(draft.build(), "left_basis.components.*at most 256", tmp_path)


@pytest.mark.parametrize("tag", ["LBAS", "LEFT"])
def test_sections_that_are_missing_or_too_many_are_refused(tag, tmp_path):
    draft = Draft(written(with_basis()))
    last = max(i for i, section in enumerate(draft.sections) if section.tag == tag.encode())
    extra = dataclasses.replace(draft.sections[last], ordinal=draft.sections[last].ordinal + 1)
    draft.sections.insert(last + 1, extra)
    refused_by_both(draft.build(), tag, tmp_path)
    del draft.sections[last : last + 2]
    refused_by_both(draft.build(), tag, tmp_path)


def test_bases_after_the_factors_are_refused(tmp_path):
    draft = Draft(written(with_basis()))
    order = {b"LBAS": 1}
    draft.sections.sort(key=lambda section: order.get(section.tag, 0))
    refused_by_both(draft.build(), "LBAS", tmp_path)


def test_a_file_of_0_1_has_no_bases(tmp_path):
    draft = Draft(written(with_basis()))
    draft.as_first_version()
    refused_by_both(draft.build(), r"0\.1", tmp_path)


def test_the_writer_refuses_what_no_reader_takes():
    f = with_basis()
    with pytest.raises(CorruptSectionError, match="left_basis missing"):
        written(dataclasses.replace(f, left=dataclasses.replace(f.left, basis=None)))
    with pytest.raises(CorruptSectionError, match="only there"):
        written(dataclasses.replace(f, left=dataclasses.replace(f.left, transform="dct")))
    packed = dataclasses.replace(f.left, basis=factor(16, (4,) * 3, "normal"))
    with pytest.raises(CorruptSectionError, match="left_basis"):
        written(dataclasses.replace(f, left=packed))


@pytest.mark.parametrize("tag", ["LBAS", "COMP"])
def test_any_damaged_byte_is_found(tag, tmp_path):
    draft = Draft(written(with_basis()))
    section = draft[tag]
    for place in (0, len(section.payload) // 2, -1):
        sound = section.payload
        content = bytearray(sound)
        content[place] ^= 1
        raw = draft.build().replace(sound, bytes(content))
        refused_by_both(raw, tag, tmp_path)
