"""Files of every version of the format decode to what they always did."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
import json
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from reference import decode

import lplrcli
from lplrcli.coding import CODINGS
from lplrcli.container.byte_layout import READABLE
from lplrcli.container.kept_layout import arrays_of
from lplrcli.container.reader import open_container
from lplrcli.model.plan import MODES
from lplrcli.pipeline.decode.factors import decode_factor
from lplrcli.runtime.format_files import read_definition

FOLDER = Path(__file__).parents[2] / "testdata" / "golden"
GOLDEN = sorted(FOLDER.glob("*/*.lplr"))
FOREVER = [path for path in GOLDEN if path.parent.name in ("1.0", "1.1")]
ANY = pytest.mark.parametrize("path", GOLDEN, ids=lambda path: f"{path.parent.name}-{path.stem}")
SCHEMA = json.loads(read_definition("metadata.schema.json"))
NATURAL = {"normal": np.float32} | dict.fromkeys(("uniform", "deadzone", "trellis"), np.float64)


DTYPES = {
    *("float16", "float32", "float64", "bfloat16", "bool"),
    *(f"{kind}{width}" for kind in ("int", "uint") for width in (8, 16, 32, 64)),
}


reference = functools.cache(decode.decode_file)  # several tests want the same file


def named(version):
    return ".".join(map(str, version))


def expectation(path):
    return json.loads(path.with_suffix(".json").read_text())


def digest(array):
    return hashlib.sha256(array.astype(array.dtype.newbyteorder("<")).tobytes()).hexdigest()


def codes_of(factor):
    """Of all chunks, in the type in which the reference decoder holds them."""
    coding = CODINGS[factor.coding].of(factor)
    dtype = np.int32 if factor.coding == "rans" else np.uint16
    whole = np.empty((factor.components, factor.length), dtype)
    for number, chunk in enumerate(factor.chunks):
        rows = slice(number * factor.chunk_length, (number + 1) * factor.chunk_length)
        part = whole[:, rows]
        for row, codes in zip(part, coding.decode_chunk(chunk, part.shape[1]), strict=True):
            row[:] = codes
    return whole


def factors_of(paths):
    """Every factor of some files."""
    for path in paths:
        with open_container(path.open("rb"), str(path)) as container:
            for i in range(container.count):
                matrix = container.factorization(i)
                for factor in matrix.parts.values():
                    yield matrix, factor


@pytest.mark.parametrize("version", READABLE)
def test_there_are_golden_files_of_every_version(version):
    assert sum(path.parent.name.removeprefix("v") == named(version) for path in GOLDEN) > 30


def test_no_golden_file_is_of_another_version():
    for path in GOLDEN:
        with open_container(path.open("rb"), str(path)) as container:
            assert path.parent.name.removeprefix("v") == named(container.version)


@pytest.mark.parametrize("folder", ["v0.2", "1.0"])
def test_golden_files_cover_what_the_format_can_do(folder):
    seen = {"machines": set(), "contexts": set(), "shifts": set(), "chunks": set()}
    seen["mean chunks"] = set()
    transforms, means = set(), set()
    modes, dtypes = set(), set()
    for matrix, factor in factors_of(p for p in GOLDEN if p.parent.name == folder):
        modes.add((factor.coding, matrix.plan.mode))
        dtypes.add((factor.coding, matrix.dtype))
        means.add((matrix.plan.mode, matrix.plan.target.center))
        if factor in matrix.means:
            seen["mean chunks"].add(min(len(factor.chunks), 2))
        if factor.coding == "rans" and factor.components:
            seen["machines"].add(factor.coding_parameters[0])
            seen["contexts"].add((factor.quantizer, factor.coding_parameters[1]))
            seen["shifts"].add((factor.quantizer, any(factor.quantizer_parameters[8:11])))
            seen["chunks"].add(min(len(factor.chunks), 2))
            transforms.add((factor.transform, min(len(factor.chunks), 2), len(factor.grid)))
    assert seen["machines"] == {0, 3, 4, 5, 6, 7, 8}
    names = "deadzone", "trellis"
    assert seen["contexts"] == {(name, kind) for name in names for kind in range(5)}
    both = {(name, flag) for name in names for flag in (0, 1)}
    assert seen["shifts"] >= both - {("trellis", 0)}
    assert seen["chunks"] == seen["mean chunks"] == {1, 2}
    assert {mode for mode, center in means if center} == set(MODES)
    assert {center for _, center in means} == {None, "mean-row", "mean-column", "both"}
    assert transforms >= {("dct", 1, axes) for axes in (1, 2, 3)} | {("dct", 2, 2)}
    assert transforms >= {("cdf97", 1, axes) for axes in (2, 3, 4)} | {("cdf97", 2, 2)}
    assert transforms >= {("cdf97-tensor", 1, axes) for axes in (2, 3)} | {("cdf97-tensor", 2, 2)}
    assert transforms >= {("klt", 1, axes) for axes in (2, 3)}
    assert {mode for coding, mode in modes if coding == "rans"} == set(MODES)
    assert {dtype for coding, dtype in dtypes if coding == "rans"} == set(DTYPES)


@ANY
def test_reference_decoder_prints_what_is_stored(path):
    printed = io.StringIO()
    with (
        contextlib.redirect_stdout(printed),
        mock.patch("sys.argv", ["decode", str(path)]),
        mock.patch.object(decode, "decode_file", reference),
    ):
        assert decode.main() == 0
    assert json.loads(printed.getvalue()) == expectation(path)


@ANY
def test_product_decodes_the_same_factors_bit_for_bit(path):
    expected = expectation(path)["matrices"]
    with open_container(path.open("rb"), str(path)) as container:
        assert container.count == len(expected)
        for i, matrix in enumerate(expected):
            factorization = container.factorization(i)
            assert list(factorization.shape) == matrix["matrix"]
            assert factorization.dtype == matrix["dtype"]
            report = factorization.report
            assert report.relative_frobenius_error == matrix["relative_frobenius_error"]
            assert report.max_abs_error == matrix["max_abs_error"]
            for side, hashes in matrix["factors"].items():
                factor = factorization.parts[side]
                assert digest(codes_of(factor)) == hashes["codes_sha256"]
                # Coefficients are exact; what a transform makes of them is not.
                plain = replace(factor, transform="identity")
                values = decode_factor(plain, np.dtype(NATURAL[factor.quantizer]))
                exact = factor.transform == "identity"
                key = "values_sha256" if exact else "coefficients_sha256"
                assert digest(values) == hashes[key]


def kept(path):
    """What the matrices of a file decoded to when it was made, where that was written down."""
    if path.with_suffix(".npz").exists():
        with np.load(path.with_suffix(".npz")) as arrays:
            return [arrays[str(i)] for i in range(len(arrays))]
    return [np.load(path.with_suffix(".npy"))] if path.with_suffix(".npy").exists() else None


def assert_near(found, expected, exact):
    """Check that an array is the one expected: to the last bit, or as near as decoders agree."""
    if found.dtype.name == "bfloat16":
        expected = expected.view(found.dtype)
    if exact:  # not a sum: decoders agree to the last bit
        assert found.tobytes() == expected.astype(found.dtype.newbyteorder("=")).tobytes()
    assert found.shape == expected.shape
    if exact:
        return
    # Sums in another order: an integer may round to its neighbour, a float in its last digits.
    kind, wide = found.dtype.kind, expected.astype(np.float64)
    step = {"f": 1e-5, "V": 1e-2}.get(kind, 0.0) * max(float(np.abs(wide).max()), 1e-300)
    if found.dtype.name in ("float16", "bfloat16"):
        step = 1e-2 * max(float(np.abs(wide).max()), 1e-300)
    assert np.abs(found.astype(np.float64) - wide).max() <= max(step, 1.0 if kind in "biu" else 0)


def is_exact(matrix):
    """Whether a matrix is no sum, so that decoders agree in it to the last bit."""
    if matrix.factorization.kept is not None:
        return True
    residual = matrix.factorization.residual
    exact = matrix.rank == 0 and residual is not None and residual.coding == "rans"
    return exact and residual.transform == "identity" and matrix.factorization.means == (None, None)


@ANY
def test_both_decoders_give_the_same_matrix(path):
    arrays = kept(path)
    for i, matrix in enumerate(reference(path)):
        with lplrcli.open(path, i) as opened:
            found, exact = np.asarray(opened), is_exact(opened)
        if found.dtype.kind in "biu" or found.dtype == np.float64:
            assert found.dtype == matrix.array.dtype
        assert_near(found, matrix.array, exact)
        if arrays is not None:
            assert_near(found, arrays[i].reshape(found.shape), exact)
            mine = matrix.array.view(found.dtype) if found.dtype.kind == "V" else matrix.array
            assert_near(mine, arrays[i].reshape(found.shape), exact)


@pytest.mark.parametrize("path", FOREVER, ids=lambda path: path.stem)
def test_slices_are_those_of_the_whole(path):
    for i, expected in enumerate(kept(path)):
        with lplrcli.open(path, i) as matrix:
            rows, count = matrix.factorization.shape[0], matrix.shape[0]
            lengths = {part.chunk_length for part in matrix.factorization.parts.values()}
            if matrix.factorization.kept is not None:
                lengths = {matrix.factorization.kept.chunk_rows}
            for length in {each for each in lengths if each < rows} or {rows // 2}:
                first = length * count // rows
                some = slice(max(first - 1, 0), first + 1)
                for at in (some, min(first, count - 1), (slice(first // 2, None, 2), some)):
                    if expected[at].size:
                        assert_near(matrix[at], expected[at], is_exact(matrix))


def test_what_a_transformed_file_decodes_to_is_kept():
    found = {path for path in GOLDEN if "coefficients_sha256" in str(expectation(path))}
    assert {path for path in GOLDEN if kept(path) is not None} == found | set(FOREVER)
    assert len(found) > 9


def test_golden_files_of_1_0_cover_every_id():
    plans, seen = [], {name: set() for name in ("dtype", "quantizer", "coding", "transform")}
    counts, unfolds = set(), set()
    for path in (path for path in FOREVER if path.parent.name == "1.0"):
        with open_container(path.open("rb"), str(path)) as container:
            counts.add(container.count)
            for i in range(container.count):
                document = container.metadata(i)
                plans.append(document["plan"] | document["achieved"])
                unfolds.add(document["matrix"]["unfold"])
                seen["dtype"].add(document["array"]["dtype"])
                for factor in document["factors"].values():
                    for name in ("quantizer", "coding", "transform"):
                        seen[name].add(factor[name])
    ids = SCHEMA["definitions"]
    assert seen["dtype"] == set(ids["array"]["properties"]["dtype"]["enum"])
    for name in ("quantizer", "coding", "transform"):
        assert seen[name] == set(ids["factor"]["properties"][name]["enum"])
    for name in ("basis", "sketch"):
        assert {plan[name] for plan in plans} == set(ids["plan"]["properties"][name]["enum"])
    methods = ids["target"]["properties"]["method"]["enum"]
    assert {plan["target"]["method"] for plan in plans} == set(methods)
    assert {plan["mode"] for plan in plans} == set(MODES)
    assert "gaussian-rows" in {plan.get("estimator") for plan in plans}
    assert counts == {1, 3} and unfolds == {1, 2}


def test_golden_files_of_1_1_cover_what_is_kept():
    seen = {"dtype": set(), "layout": set(), "form": set(), "chunks": set(), "step": set()}
    for path in (path for path in FOREVER if path.parent.name == "1.1"):
        with open_container(path.open("rb"), str(path)) as container:
            matrix = container.factorization()
            kept = matrix.kept
            assert matrix.plan.mode == "kept" and matrix.parts == {}
            seen["form"].add(kept.form)
            if kept.form == "dense":
                seen["dtype"].add(matrix.dtype)
            seen["chunks"].add((kept.form, min(len(kept.chunks), 2)))
            seen["step"].add(kept.step is None)
            for chunk in kept.chunks:
                width = np.dtype(matrix.dtype if matrix.dtype != "bfloat16" else "V2").itemsize
                layouts = [layout for layout, _ in arrays_of(kept.form, chunk)]
                seen["layout"].add((kept.form, width > 1, layouts[-1]))
    assert seen["dtype"] == DTYPES and seen["form"] == {"dense", "sparse"}
    assert seen["layout"] >= {("dense", True, layout) for layout in (0, 1, 3, 5, 7)}
    assert seen["layout"] >= {("dense", False, layout) for layout in (0, 2, 4, 6)}
    assert seen["layout"] >= {("sparse", True, 0), ("sparse", True, 1)}
    assert seen["chunks"] == {(form, count) for form in ("dense", "sparse") for count in (1, 2)}
    assert seen["step"] == {True, False}
