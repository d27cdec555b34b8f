"""Files of every version of the format decode to what they always did."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import io
import json
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

import lplrcli
from lplrcli.coding import CODINGS
from lplrcli.container.layout import READABLE
from lplrcli.container.reader import open_container
from lplrcli.model.definitions import format_folder
from lplrcli.model.plan import MODES
from lplrcli.pipeline.factors import decode_factor

FOLDER = Path(__file__).parent.parent / "testdata" / "golden"
GOLDEN = sorted(FOLDER.glob("v*/*.lplr"))
ANY = pytest.mark.parametrize("path", GOLDEN, ids=lambda path: f"{path.parent.name}-{path.stem}")
NATURAL = {"normal": np.float32} | dict.fromkeys(("uniform", "deadzone", "trellis"), np.float64)


DTYPES = {
    *("float16", "float32", "float64", "bfloat16", "bool"),
    *(f"{kind}{width}" for kind in ("int", "uint") for width in (8, 16, 32, 64)),
}


def reference_decoder():
    spec = importlib.util.spec_from_file_location("decode", format_folder() / "decode.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


decode = reference_decoder()


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
    name = "v{}.{}".format(*version)
    assert sum(path.parent.name == name for path in GOLDEN) > 30


def test_no_golden_file_is_of_another_version():
    for path in GOLDEN:
        with open_container(path.open("rb"), str(path)) as container:
            assert path.parent.name == "v{}.{}".format(*container.version)


def test_golden_files_cover_what_the_format_can_do():
    seen = {"machines": set(), "contexts": set(), "shifts": set(), "chunks": set()}
    seen["mean chunks"] = set()
    transforms, means = set(), set()
    modes, dtypes = set(), set()
    for matrix, factor in factors_of(p for p in GOLDEN if p.parent.name == "v0.2"):
        modes.add((factor.coding, matrix.plan.mode))
        dtypes.add((factor.coding, matrix.dtype))
        means.add((matrix.plan.mode, matrix.plan.target.center))
        if factor in matrix.means:
            seen["mean chunks"].add(min(len(factor.chunks), 2))
        if factor.coding == "rans" and factor.components:
            seen["machines"].add(factor.tables[0])
            seen["contexts"].add((factor.quantizer, factor.tables[1]))
            seen["shifts"].add((factor.quantizer, any(factor.side[8:11])))
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
    with contextlib.redirect_stdout(printed), mock.patch("sys.argv", ["decode", str(path)]):
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


@ANY
def test_both_decoders_give_the_same_matrix(path):
    for i, reference in enumerate(decode.decode_file(path)):
        with lplrcli.open(path, i) as matrix:
            values = np.asarray(matrix)
            residual = matrix.factorization.residual
            exact = matrix.rank == 0 and residual is not None and residual.coding == "rans"
            exact = exact and residual.transform == "identity"
            exact = exact and matrix.factorization.means == (None, None)
        kind = values.dtype.kind
        if kind in "biu" or values.dtype == np.float64:
            assert values.dtype == reference.array.dtype
        expected = reference.array
        if values.dtype.name == "bfloat16":
            expected = expected.view(values.dtype)
        if exact:  # not a sum: decoders agree to the last bit
            assert values.tobytes() == expected.astype(values.dtype.newbyteorder("=")).tobytes()
        # Sums in another order: an integer may round to its neighbour, a float in its last digits.
        scale = max(float(np.abs(expected.astype(np.float64)).max()), 1e-300)
        distance = np.abs(values.astype(np.float64) - expected.astype(np.float64)).max()
        step = {"f": 1e-5, "V": 1e-2}.get(kind, 0.0) * scale
        if values.dtype.name in ("float16", "bfloat16"):
            step = 1e-2 * scale
        assert distance <= max(step, 1.0 if kind in "biu" else 0.0)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("v*/*.npy")), ids=lambda path: path.stem)
def test_transformed_files_decode_to_what_they_did(path):
    expected = np.load(path)
    (reference,) = decode.decode_file(path.with_suffix(".lplr"))
    with lplrcli.open(path.with_suffix(".lplr")) as matrix:
        found = np.asarray(matrix)
    scale = np.abs(expected.astype(np.float64)).max()
    for values, step in ((reference.array, 1e-7), (found, 1e-5)):
        assert values.dtype == expected.dtype and values.size == expected.size
        off = np.abs(values.reshape(expected.shape) - expected.astype(np.float64)).max()
        assert off <= (1 if expected.dtype.kind == "u" else step * scale)


def test_what_a_transformed_file_decodes_to_is_kept():
    found = {
        path.with_suffix(".npy")
        for path in GOLDEN
        if "coefficients_sha256" in str(expectation(path))
    }
    assert found == set(FOLDER.glob("v*/*.npy")) and len(found) > 9
