"""Files of every version of the format decode to what they always did."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import io
import json
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

import lplrcli
from lplrcli.container.reader import open_container
from lplrcli.model.definitions import format_folder
from lplrcli.pipeline.factors import decode_factor

GOLDEN = sorted((Path(__file__).parent.parent / "testdata" / "golden").glob("v*/*.lplr"))
NATURAL = {"normal": np.float32} | dict.fromkeys(("uniform", "deadzone", "trellis"), np.float64)


def reference_decoder():
    spec = importlib.util.spec_from_file_location("decode", format_folder() / "decode.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


decode = reference_decoder()


def expectation(path):
    return json.loads(path.with_suffix(".json").read_text())


def test_there_are_golden_files():
    assert len(GOLDEN) > 30


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_reference_decoder_prints_what_is_stored(path):
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), mock.patch("sys.argv", ["decode", str(path)]):
        assert decode.main() == 0
    assert json.loads(printed.getvalue()) == expectation(path)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
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
                factor = getattr(factorization, side)
                values = decode_factor(factor, np.dtype(NATURAL[factor.quantizer]))
                found = hashlib.sha256(values.astype(values.dtype.newbyteorder("<")).tobytes())
                assert found.hexdigest() == hashes["values_sha256"]


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_both_decoders_give_the_same_matrix(path):
    for i, reference in enumerate(decode.decode_file(path)):
        with lplrcli.open(path, i) as matrix:
            values = np.asarray(matrix)
        kind = values.dtype.kind
        if kind in "biu" or values.dtype == np.float64:
            assert values.dtype == reference.array.dtype
        expected = reference.array
        if values.dtype.name == "bfloat16":
            expected = expected.view(values.dtype)
        # Sums in another order: an integer may round to its neighbour, a float in its last digits.
        scale = max(float(np.abs(expected.astype(np.float64)).max()), 1e-300)
        distance = np.abs(values.astype(np.float64) - expected.astype(np.float64)).max()
        step = {"f": 1e-5, "V": 1e-2}.get(kind, 0.0) * scale
        if values.dtype.name in ("float16", "bfloat16"):
            step = 1e-2 * scale
        assert distance <= max(step, 1.0 if kind in "biu" else 0.0)
