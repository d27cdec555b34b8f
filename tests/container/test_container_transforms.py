"""Transforms and contexts around an entry in a file: what is refused, and what comes back."""

from __future__ import annotations

import dataclasses
import io
import math
import re

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lplr_samples import Draft, factor, factorization, read_all, written
from rans_samples import SLOPE, random_codes, rans_factor, side_for, tables_for
from reference import decode, decoded

from lplrcli.container.reader import open_container
from lplrcli.errors import CorruptSectionError
from lplrcli.pipeline.decode.factors import decode_factor
from lplrcli.pipeline.decode.reconstruction import Reconstruction
from lplrcli.runtime.format_files import format_folder

OTHER = [30] * 231
TOLERANCE = 2.0**-40


def transformed(transform="dct", grid=(6, 4), chunk_length=8, components=3):
    """A file whose left factor is transformed on a grid."""
    length = math.prod(grid)
    f = factorization((length, 9), (1,) * components, "factors", "trellis")
    options = {"chunk_length": chunk_length, "grid": grid, "context": 2, "most": 4}
    left = rans_factor(length, components, transform=transform, **options)
    return dataclasses.replace(f, left=left)


def refused_by_both(raw, words, folder):
    with pytest.raises(CorruptSectionError, match=words):
        read_all(raw)
    with pytest.raises(decode.LplrError):
        decoded(raw, folder)


@pytest.mark.parametrize("transform", ["identity", "dct", "cdf97", "cdf97-tensor"])
def test_a_registered_transform_is_kept(transform, tmp_path):
    f = transformed(transform)
    (found,) = read_all(written(f))
    assert found.left.transform == transform and tuple(found.left.grid) == (6, 4)
    (matrix,) = decoded(written(f), tmp_path)
    assert matrix.metadata["factors"]["left"]["transform"] == transform


@pytest.mark.parametrize("name", ["dst", "DCT", "cdf53", "", None])
def test_an_unknown_transform_is_refused(name, tmp_path):
    draft = Draft(written(transformed()))
    draft.edit_json(lambda d: d["factors"]["left"].update(transform=name))
    refused_by_both(draft.build(), "factors.left.transform", tmp_path)


@pytest.mark.parametrize(
    ("grid", "chunk_length", "sound"),
    [
        ((6, 4), 8, True), ((6, 4), 16, True), ((6, 4), 24, True), ((6, 4), 32, True),
        ((4, 6), 8, False), ((4, 6), 16, False), ((4, 6), 24, True), ((4, 6), 40, True),
        ((2, 2, 6), 8, False), ((2, 2, 6), 16, False), ((2, 2, 6), 24, True),
        ((24,), 8, True), ((24, 1), 8, True), ((1, 24), 16, False), ((1, 24), 24, True),
    ],
)  # fmt: skip
def test_a_chunk_of_a_transformed_factor_holds_whole_layers(grid, chunk_length, sound, tmp_path):
    draft = Draft(written(transformed("identity", grid, chunk_length)))
    assert decoded(draft.build(), tmp_path) and read_all(draft.build())
    for transform in ("dct", "cdf97", "cdf97-tensor"):
        draft.edit_json(lambda d, t=transform: d["factors"]["left"].update(transform=t))
        if sound:
            assert decoded(draft.build(), tmp_path) and read_all(draft.build())
        else:
            refused_by_both(draft.build(), "factors.left.chunk_length.*whole layers", tmp_path)


def test_the_writer_refuses_chunks_of_parts_of_layers():
    with pytest.raises(CorruptSectionError, match="whole layers"):
        written(transformed("dct", (4, 6), 8))


@pytest.mark.parametrize("transform", ["dct", "cdf97", "cdf97-tensor"])
@pytest.mark.parametrize("name", ["left", "right", "residual"])
def test_a_transform_is_refused_in_a_file_of_0_1(transform, name, tmp_path):
    draft = Draft(written(factorization(mode="factors+residual")))
    draft.edit_json(lambda d: d["factors"][name].update(transform=transform))
    assert read_all(draft.build()) and decoded(draft.build(), tmp_path)
    draft.as_first_version()
    refused_by_both(draft.build(), rf"factors.{name}.transform.*0\.1", tmp_path)


@pytest.mark.parametrize("kind", [5, 255])
def test_another_kind_of_context_is_refused(kind, tmp_path):
    draft = Draft(written(transformed()))
    draft.edit_table(lambda raw: raw[:1] + bytes([kind]) + raw[2:])
    refused_by_both(draft.build(), "context", tmp_path)


GRIDS = st.lists(st.integers(1, 11), min_size=1, max_size=4).filter(lambda g: math.prod(g) <= 700)


@settings(max_examples=60, deadline=None)
@given(
    GRIDS, st.integers(1, 6), st.integers(0, 29), st.sampled_from([0, 3, 8]), st.integers(0, 9999)
)
def test_contexts_around_an_entry(grid, components, most, machine, seed):
    options = {"classes": 2, "weights": (OTHER, SLOPE), "seed": seed}
    tables = tables_for(components, machine, 2, **options)
    rows = math.prod(grid)
    codes = random_codes(tables, components, rows, most, seed, grid)
    payload = naive.rans_encode_chunk(codes, tables, grid)
    read, _ = decode.entropy_tables(tables, components, "trellis" if machine else "deadzone", "")
    assert np.array_equal(decode.rans(payload, rows, read, "", grid), codes)


def close(found, coefficients, expected):
    """Whether entries of one chunk are within the tolerance of the specification."""
    allowed = TOLERANCE * np.linalg.norm(coefficients.astype(np.float64), axis=1)
    return bool((np.linalg.norm(found - expected, axis=1) <= allowed).all())


@st.composite
def transformed_factors(draw, length=None):
    """A factor on a grid, in chunks of whole layers, of either coding."""
    grid = draw(GRIDS)
    layer, total = math.prod(grid[1:]), math.prod(grid)
    unit = layer * 8 // math.gcd(layer, 8)
    few = draw(st.integers(1, 3)) * unit
    chunk_length = draw(st.sampled_from([few, -(-total // 8) * 8]))
    components = draw(st.integers(1, min(5, total)))
    transform = draw(st.sampled_from(["dct", "cdf97", "cdf97-tensor"]))
    quantizer = draw(st.sampled_from(["uniform", "normal", "deadzone", "trellis"]))
    if quantizer in ("uniform", "normal"):
        found = factor(total, (4,) * components, quantizer, chunk_length, tuple(grid))
        return dataclasses.replace(found, transform=transform)
    options = {"context": draw(st.integers(0, 2)), "seed": draw(st.integers(0, 999))}
    return rans_factor(
        *(total, components, quantizer, chunk_length),
        most=draw(st.integers(0, 20)), grid=tuple(grid), transform=transform, **options,
    )  # fmt: skip


@settings(deadline=None)
@given(transformed_factors(), st.sampled_from(["float32", "float64", "float16", "int16", "uint8"]))
def test_both_decoders_transform_alike(tmp_path_factory, left, dtype):
    f = factorization((left.length, 9), (1,) * left.components, "factors", left.quantizer, dtype)
    if left.components > min(f.shape):
        return
    if left.quantizer in ("uniform", "normal"):
        right = factor(9, (4,) * left.components, left.quantizer, 16)
        f = dataclasses.replace(f, right=right)
    f = dataclasses.replace(f, left=left)
    raw = written(f)
    (matrix,) = decoded(raw, tmp_path_factory.mktemp("transforms"))
    with open_container(io.BytesIO(raw), "x") as container:
        kept = container.factorization(0).left
        codes = dataclasses.replace(kept, transform="identity")
        coefficients = decode_factor(codes, np.dtype(np.float64))
        reference = matrix.factors["left"]
        assert np.array_equal(coefficients, reference.coefficients)
        entries = decode_factor(kept, np.dtype(np.float64))
        for start in range(0, left.length, left.chunk_length):
            part = np.s_[:, start : start + left.chunk_length]
            assert close(entries[part], coefficients[part], reference.values[part])
        # A range decodes as a part of the whole.
        some = decode_factor(kept, np.dtype(np.float64), left.length // 3, left.length)
        assert np.array_equal(some, entries[:, left.length // 3 :])
        rows = np.concatenate(list(Reconstruction(container.factorization(0)).blocks()))
    expected = matrix.array.astype(np.float64)
    scale = np.abs(reference.values).max(initial=0) * np.abs(matrix.factors["right"].values).max()
    step = {"float16": 2e-3, "float32": 1e-5, "float64": 1e-11}.get(dtype)
    allowed = 1 if step is None else step * max(scale * left.components, 1e-300)
    assert np.abs(rows.astype(np.float64) - expected).max() <= allowed


@settings(max_examples=40, deadline=None)
@given(
    GRIDS.filter(lambda g: len(g) > 1), st.data(), st.sampled_from(["float32", "float64", "int16"])
)
def test_a_residual_may_be_the_whole_array(tmp_path_factory, grid, data, dtype):
    unfold = data.draw(st.integers(1, len(grid) - 1))
    shape = math.prod(grid[:unfold]), math.prod(grid[unfold:])
    total, layer = math.prod(grid), math.prod(grid[1:])
    chunk_length = data.draw(st.sampled_from([layer * 8, -(-total // 8) * 8]))
    transform = data.draw(st.sampled_from(["dct", "cdf97", "cdf97-tensor"]))
    options = {"grid": tuple(grid), "transform": transform, "context": 2, "most": 9}
    residual = rans_factor(total, 1, "deadzone", chunk_length, **options)
    mode = data.draw(st.sampled_from(["direct", "factors+residual"]))
    f = factorization(shape, (1,), mode, "deadzone", dtype)
    f = dataclasses.replace(f, residual=residual, array_shape=tuple(grid), unfold=unfold)
    raw = written(f)
    (matrix,) = decoded(raw, tmp_path_factory.mktemp("fields"))
    assert matrix.array.shape == tuple(grid)
    with open_container(io.BytesIO(raw), "x") as container:
        rows = np.concatenate(list(Reconstruction(container.factorization(0)).blocks()))
    expected = matrix.array.astype(np.float64).reshape(shape)
    norm = np.linalg.norm(matrix.factors["residual"].coefficients) + np.abs(expected).max()
    step = {"float32": 1e-6, "float64": 1e-12}.get(dtype)
    distance = np.abs(rows.astype(np.float64) - expected).max()
    assert distance <= (1 if step is None else step * max(norm, 1e-300))


def test_the_dct_is_the_sum_that_the_specification_has():
    for extents in ((1,), (2,), (7,), (12,), (5, 6), (3, 1, 4)):
        coefficients = np.random.default_rng(1).standard_normal((2, math.prod(extents)))
        expected = coefficients.reshape(2, *extents)
        for axis, extent in enumerate(extents):
            k, j = np.arange(extent), np.arange(extent)[:, None]
            basis = np.cos(np.pi * (2 * j + 1) * k / (2 * extent)) * math.sqrt(2 / extent)
            basis[:, 0] = math.sqrt(1 / extent)
            expected = np.moveaxis(np.tensordot(basis, expected, (1, axis + 1)), 0, axis + 1)
        record = {"transform": "dct", "grid": list(extents)}
        found = decode.inverse_transform(coefficients, record)
        assert close(found, coefficients, expected.reshape(2, -1))


@pytest.mark.parametrize("extent", [8, 9, 15, 16, 17, 100])
def test_a_constant_is_in_the_low_part_of_a_wavelet(extent):
    # Steps leave a constant a constant: only gains change it.
    grid, middle = [extent], -(-extent // 2)
    coefficients = np.zeros((1, extent))
    extents = [extent]
    while extents[-1] >= 8 and len(extents) <= 6:
        extents.append(-(-extents[-1] // 2))
    low = 1.230174104914001  # of a constant, by lifting alone
    assert extents[1] == middle
    gains = [gain * low for gain, _ in decode.GAINS[: len(extents) - 1]]
    coefficients[0, : extents[-1]] = math.prod(gains)
    found = decode.inverse_transform(coefficients, {"transform": "cdf97", "grid": grid})
    np.testing.assert_allclose(found, 1, rtol=1e-9)


def test_the_constants_of_the_wavelet_are_those_of_the_specification():
    text = (format_folder() / "SPEC.md").read_text(encoding="utf-8")
    section = text[text.index("### `cdf97`") : text.index("## The decoded matrix")]
    steps = re.findall(r"(?m)^\| \d \| (?:even|odd) \| x\[j\] (.) ([0-9.]+) ·", section)
    signs = {"−": 1, "+": -1}
    assert tuple(signs[sign] * float(number) for sign, number in steps) == decode.LIFTING
    gains = re.findall(r"(?m)^\| \d \| ([0-9.]+) \| ([0-9.]+) \|$", section)
    assert tuple((float(low), float(high)) for low, high in gains) == decode.GAINS


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_one_component_without_a_transform_is_rounded_once(dtype, tmp_path):
    residual = rans_factor(600, 1, "deadzone", chunk_length=64, most=20)
    side = side_for(1, (1 + 2.0**-52) * 2.0**-20, [0], (0, 0, 0))  # next to ties
    residual = dataclasses.replace(residual, side=side)
    f = factorization((120, 5), mode="direct", quantizer="deadzone", dtype=dtype)
    raw = written(dataclasses.replace(f, residual=residual))
    (matrix,) = decoded(raw, tmp_path)
    with open_container(io.BytesIO(raw), "x") as container:
        rows = np.concatenate(list(Reconstruction(container.factorization(0)).blocks()))
    assert np.array_equal(rows, matrix.array)
