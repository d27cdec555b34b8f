"""The reference decoder, formats/lplr/decode.py, on entropy-coded factors and broken files."""

from __future__ import annotations

import dataclasses
import json
import re
import struct
from fractions import Fraction

import entropy_cases
import ml_dtypes
import naive
import numpy as np
import pytest
import test_format_fields as fields
from hypothesis import given, settings
from hypothesis import strategies as st
from lplr_samples import Draft, factorization, written
from rans_samples import SLOPE, random_codes, rans_factor, side_for, tables_for
from reference import decode, decoded

from lplrcli.runtime.format_files import format_folder

OTHER = [30] * 231
SPEC = (format_folder() / "SPEC.md").read_text(encoding="utf-8")


def codes_of(factor):
    """Codes of a factor by the slow twin."""
    parts = []
    for i, chunk in enumerate(factor.chunks):
        rows = min(factor.chunk_length, factor.length - i * factor.chunk_length)
        parts.append(
            naive.rans_decode_chunk(chunk, factor.coding_parameters, factor.components, rows)
        )
    return np.concatenate(parts, axis=1)


def exact_values(factor, codes):
    """Values of codes, each rounded once from what SPEC.md says, by fractions."""
    step = struct.unpack_from("<d", factor.quantizer_parameters)[0]
    low, high = (
        np.frombuffer(factor.quantizer_parameters, np.uint8, offset=11).reshape(2, -1).astype(int)
    )
    shifts = struct.unpack_from("<3b", factor.quantizer_parameters, 8)
    values = np.zeros(codes.shape)
    for i, row in enumerate(codes.tolist()):
        index = (low[i] + 256 * high[i] + 2**15) % 2**16 - 2**15
        scale = Fraction(8 + int(index) % 8, 8) * Fraction(2) ** (int(index) // 8)
        unit = float(Fraction(step) * scale)
        for j, q in enumerate(row):
            multiple = Fraction(q)
            if q:
                shift = shifts[min(abs(q), 3) - 1]
                multiple += Fraction(shift if q > 0 else -shift, 256)
            values[i, j] = float(multiple * Fraction(unit))
    return values


MODES = ["factors", "direct", "factors+residual"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("quantizer", "machine"), [("deadzone", 0), *(("trellis", v) for v in range(3, 9))]
)
def test_codes_and_values(mode, quantizer, machine, tmp_path):
    f = factorization((21, 6), (1,) * 5, mode, quantizer, "float64", ("row", "column"))
    for context in (0, 1):
        changes = {}
        for name in decode.CHUNK_TAGS:
            if (old := f.parts.get(name)) is not None:
                shape = old.length, old.components
                options = {"machine": machine, "context": context, "weights": (SLOPE, OTHER)}
                changes[name] = rans_factor(*shape, quantizer, 8, 29, machine, **options)
        f = dataclasses.replace(f, **changes)
        (matrix,) = decoded(written(f), tmp_path)
        for name, factor in changes.items():
            codes = codes_of(factor)
            assert np.abs(codes).max() > 2**16
            found = matrix.factors[name]
            assert np.array_equal(found.codes, codes)
            assert np.array_equal(found.values, exact_values(factor, codes))
        values = {name: matrix.factors[name].values for name in changes}
        expected = np.zeros((21, 6))
        if "left" in values:
            expected += values["left"].T @ values["right"]
        if "residual" in values:
            expected += values["residual"].T
        expected += values["mean_row"]
        expected += values["mean_column"].T
        assert np.array_equal(matrix.array, expected)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 9), st.integers(1, 30), st.integers(0, 29), st.integers(0, 1),
    st.sampled_from([0, 3, 4, 5, 6, 7, 8]), st.integers(0, 9999),
)  # fmt: skip
def test_chunks(components, rows, most, context, machine, seed):
    options = {"classes": 2, "weights": (OTHER, SLOPE), "seed": seed}
    tables = tables_for(components, machine, context, **options)
    codes = random_codes(tables, components, rows, most, seed)
    payload = naive.rans_encode_chunk(codes, tables)
    assert np.array_equal(naive.rans_decode_chunk(payload, tables, components, rows), codes)
    read, rest = decode.entropy_tables(tables, components, "trellis" if machine else "deadzone", "")
    assert rest == b""
    assert np.array_equal(decode.rans(payload, rows, read, ""), codes)


def test_a_chunk_of_one_symbol_takes_no_words():
    tables = tables_for(3, weights=([9],))
    codes = np.zeros((3, 1000), np.int64)
    assert naive.rans_encode_chunk(codes, tables) == struct.pack("<4I", *[2**16] * 4)


EXTREMES = [0, 15, 16, 17, 31, 32, 2**18 - 1, 2**18, 2**19, 2**28, 2**29 - 1]


def test_the_greatest_codes():
    for machine in (0, 3):
        tables = tables_for(1, machine)
        walk = naive.RansWalk(tables, 1)
        codes = []
        for k in [*EXTREMES, *(-k for k in EXTREMES)]:
            codes.append(walk.code(0, k))
            walk.step(0, codes[-1])
        payload = naive.rans_encode_chunk(np.array([codes]), tables)
        read, _ = decode.entropy_tables(tables, 1, "trellis" if machine else "deadzone", "")
        assert decode.rans(payload, len(codes), read, "").tolist() == [codes]
        assert max(map(abs, codes)) == (2**30 - 1 if machine else 2**29 - 1)


@settings(deadline=None)
@given(st.data())
def test_damaged_chunks_are_seen_by_both_or_mean_the_same(data):
    tables = tables_for(5, 4, 1, 2, (SLOPE, [20, 20, 20, 1, 9]), seed=3)
    codes = random_codes(tables_for(5, 4, 1), 5, 12, 0, 1)
    payload = bytearray(naive.rans_encode_chunk(codes, tables))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(payload)))
        payload[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
    read, _ = decode.entropy_tables(tables, 5, "trellis", "")
    try:
        expected = naive.rans_decode_chunk(bytes(payload), tables, 5, 12)
    except ValueError:
        with pytest.raises(decode.LplrError):
            decode.rans(bytes(payload), 12, read, "")
    else:
        assert np.array_equal(decode.rans(bytes(payload), 12, read, ""), expected)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda raw: raw + b"\0\0", "end of the chunk: words are left"),
        (lambda raw: raw[:-2], "words: none is left"),
        (lambda raw: raw[:12] + b"\1" + raw[13:], "end of the chunk: state"),
    ],
)
def test_the_end_of_a_chunk(change, words, tmp_path):
    f = factorization((8, 3), (1,) * 3, "factors", "trellis")
    draft = Draft(written(dataclasses.replace(f, left=rans_factor(8, 3, most=28))))
    assert decoded(draft.build(), tmp_path)
    draft["LEFT"].payload = change(draft["LEFT"].payload)
    with pytest.raises(decode.LplrError, match=words):
        decoded(draft.build(), tmp_path)


def nearest(value, dtype):
    """The number of a floating-point type nearest to a fraction, ties to even, by search."""
    digits, least = {"float16": (11, -24), "bfloat16": (8, -133), "float32": (24, -149)}[dtype]
    if value == 0:
        return 0.0
    exponent = max(least, (abs(value).numerator.bit_length() - value.denominator.bit_length()) - 60)
    while abs(value) / Fraction(2) ** exponent >= 2**digits:
        exponent += 1
    return float(round(value / Fraction(2) ** exponent) * Fraction(2) ** exponent)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_direct_entries_are_rounded_once(dtype, tmp_path):
    # Codes and a step next to ties of the type, where a rounding before would decide wrongly.
    factor = rans_factor(64, 2, "deadzone", chunk_length=64, most=29, seed=8)
    step = (1 + 2.0**-52) * 2.0**-20
    factor = dataclasses.replace(factor, quantizer_parameters=side_for(2, step, [0, -40]))
    f = factorization((64, 2), mode="direct", quantizer="deadzone", dtype=dtype, exponent=-3)
    (matrix,) = decoded(written(dataclasses.replace(f, residual=factor)), tmp_path)
    values = exact_values(factor, codes_of(factor)).T
    expected = [[nearest(Fraction(v) / 8, dtype) for v in row] for row in values.tolist()]
    found = matrix.array.view(ml_dtypes.bfloat16) if dtype == "bfloat16" else matrix.array
    assert np.array_equal(found.astype(np.float64), expected)


def test_rounding_to_odd_comes_before_rounding_to_bfloat16():
    tie = 1 + 2.0**-8
    values = np.array([tie, tie + 2.0**-40, tie - 2.0**-40, -tie - 2.0**-40, 0.0, 2.0**-160])
    odd = decode.to_odd(values)
    assert odd[0] == tie and odd[1] > tie > odd[2] and odd[3] < -tie
    assert odd[4] == 0 and 0 < odd[5] < 2.0**-140


def broken():
    for key, cases in fields.CASES.items():
        for i, (change, _, words) in enumerate(cases):
            yield pytest.param(fields.sample_for(key), change, words, id=f"{key[0]}-{key[1]}-{i}")
    for key, cases in entropy_cases.CASES.items():
        for i, (change, words, base) in enumerate(cases):
            yield pytest.param(entropy_cases.BASE[base], change, words, id=f"{key[0]}-{key[1]}-{i}")


@pytest.mark.parametrize(("base", "change", "words"), list(broken()))
def test_what_the_package_refuses_is_refused(base, change, words, tmp_path):
    draft = Draft(written(base))
    change(draft)
    with pytest.raises(decode.LplrError):
        decoded(draft.build(), tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d["plan"]["target"].update(method="rate-distortion"),
        lambda d: d["plan"]["target"].update(bits=None),
        lambda d: d["plan"]["target"].update(size=5),
        lambda d: d["plan"]["target"].update(mode="direct"),
        lambda d: d["plan"].update(predictions={}),
    ],
)
def test_what_came_with_0_2_is_refused_in_a_file_of_0_1(change, tmp_path):
    draft = Draft(written(factorization()))
    draft.edit_json(change)
    assert decoded(draft.build(), tmp_path)
    draft.as_first_version()
    with pytest.raises(decode.LplrError, match="came with"):
        decoded(draft.build(), tmp_path)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("left.quantizer", "normal"), ("left.coding", "packed"), ("left.table_length", 0),
        ("left.components", 6), ("residual.components", 4), ("residual.length", 60),
    ],
)  # fmt: skip
def test_arithmetic_of_entropy_coded_factors(path, value, tmp_path):
    draft = Draft(written(factorization((12, 5), (1, 1), "factors+residual", "trellis")))
    assert decoded(draft.build(), tmp_path)
    name, key = path.split(".")
    draft.edit_json(lambda d: d["factors"][name].update({key: value}))
    with pytest.raises(decode.LplrError):
        decoded(draft.build(), tmp_path)


def test_means_have_one_component_and_came_with_0_2(tmp_path):
    draft = Draft(written(factorization(means=("row", "column"))))
    assert decoded(draft.build(), tmp_path)
    for name, change in (("mean_row", {"length": 19}), ("mean_column", {"components": 2})):
        spoilt = Draft(draft.build())
        spoilt.edit_json(lambda d, name=name, change=change: d["factors"][name].update(change))
        with pytest.raises(decode.LplrError, match=name):
            decoded(spoilt.build(), tmp_path)
    draft.as_first_version()
    with pytest.raises(decode.LplrError, match=r"came with 0\.2: means"):
        decoded(draft.build(), tmp_path)


def test_files_of_0_1_and_entropy_code_there(tmp_path):
    draft = Draft(written(factorization(mode="factors+residual")))
    (expected,) = decoded(draft.build(), tmp_path)
    draft.as_first_version()
    (found,) = decoded(draft.build(), tmp_path)
    assert np.array_equal(found.array, expected.array)
    draft = Draft(written(factorization((12, 5), (1, 1), "factors", "trellis")))
    draft.as_first_version()
    with pytest.raises(decode.LplrError, match="came with"):
        decoded(draft.build(), tmp_path)


def test_a_residual_of_one_component_is_in_row_order(tmp_path):
    factor = rans_factor(60, 1, "deadzone", chunk_length=16)
    f = factorization((12, 5), mode="direct", quantizer="deadzone", dtype="float64")
    (matrix,) = decoded(written(dataclasses.replace(f, residual=factor)), tmp_path)
    assert np.array_equal(matrix.array, matrix.factors["residual"].values.reshape(12, 5))


def test_grids_are_restored_exactly(tmp_path):
    factor = rans_factor(50, 4, "deadzone", chunk_length=64, most=16)
    factor = dataclasses.replace(
        factor, quantizer_parameters=side_for(4, 2.0**-7, [0] * 4, (0, 0, 0))
    )
    for dtype in ("float32", "float64"):
        f = factorization((50, 4), mode="direct", quantizer="deadzone", dtype=dtype)
        (matrix,) = decoded(written(dataclasses.replace(f, residual=factor)), tmp_path)
        assert np.array_equal(matrix.array, codes_of(factor).T / 128)


def test_values_at_the_limits_of_units(tmp_path):
    for step, index in ((1.0, 8 * 960), (1.0, -8 * 960), (2.0**-960, 0), (2.0**960, 0)):
        factor = rans_factor(50, 1, "trellis", most=29)
        factor = dataclasses.replace(
            factor, quantizer_parameters=side_for(1, step, [index], (-128, 127, -128))
        )
        f = factorization((50, 1), mode="direct", quantizer="trellis", dtype="float64")
        (matrix,) = decoded(written(dataclasses.replace(f, residual=factor)), tmp_path)
        expected = exact_values(factor, codes_of(factor))
        assert np.isfinite(expected).all()
        assert np.array_equal(matrix.factors["residual"].values, expected)


def test_what_is_printed(tmp_path, capsys, monkeypatch):
    path = tmp_path / "a.lplr"
    path.write_bytes(written(factorization((12, 5), (1, 1), "factors+residual", "trellis")))
    monkeypatch.setattr("sys.argv", ["decode", str(path)])
    assert decode.main() == 0
    (matrix,) = json.loads(capsys.readouterr().out)["matrices"]
    assert list(matrix["factors"]) == ["left", "right", "residual"] and matrix["rank"] == 2


def test_the_example_of_the_specification():
    lines = dict(re.findall(r"(?m)^(tables|payload|k|codes)  +(.*)$", SPEC))
    read, _ = decode.entropy_tables(bytes.fromhex(lines["tables"]), 1, "trellis", "")
    codes = [int(code) for code in lines["codes"].split()]
    payload = bytes.fromhex(lines["payload"])
    assert decode.rans(payload, len(codes), read, "").tolist() == [codes]


@pytest.mark.parametrize(("array_shape", "unfold"), [((3, 7, 2, 3), 2), ((21, 3, 2), 1)])
def test_an_array_is_restored_in_its_shape(array_shape, unfold, tmp_path):
    f = factorization((21, 6), mode="factors+residual", quantizer="uniform", bits=(3, 3))
    (matrix,) = decoded(written(f), tmp_path)
    (array,) = decoded(
        written(dataclasses.replace(f, array_shape=array_shape, unfold=unfold)), tmp_path
    )
    assert np.array_equal(array.array, matrix.array.reshape(array_shape))
