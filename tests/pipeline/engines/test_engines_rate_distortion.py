"""The rate-distortion engine keeps its promises: sizes, errors, exactness, the same bytes."""

from __future__ import annotations

import io
from pathlib import Path

import matrices
import naive
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from ml_dtypes import bfloat16, finfo

import lplrcli
from lplrcli.container.writer import write_container
from lplrcli.errors import TargetUnreachableError

TESTDATA = Path(__file__).parents[3] / "testdata"
MODES = ["factors", "factors+residual", "direct"]
GRANULE = 64
"""A file grows in steps of this many bytes."""


def file_bytes(compressed):
    stream = io.BytesIO()
    write_container(stream, [compressed.factorization])
    return stream.getvalue()


# -- sizes

SIZED = {
    "exponential": lambda: matrices.exponential(400, 300),
    "harmonic, wide": lambda: matrices.harmonic(200, 300, dtype=np.float64),
    "white": lambda: np.random.default_rng(0).standard_normal((350, 250)).astype(np.float32),
    "low rank and noise": lambda: matrices.low_rank(1000, 200, 20),
    "photograph": lambda: np.load(TESTDATA / "img_camera.npy")[100:400, 50:250],
    "embeddings": lambda: np.load(TESTDATA / "embeddings.npy")[:500],
    "attention weights": lambda: np.load(TESTDATA / "minilm_l0_attn_q.npy")[:300, :200],
}


@pytest.fixture(scope="module")
def sized():
    """Matrices, made when first asked for."""
    made = {}
    return lambda name: made.setdefault(name, SIZED[name]())


@pytest.mark.parametrize(
    ("name", "bpc"), list(zip(SIZED, (0.5, 2, 2, 0.5, 0.5, 2, 0.5), strict=True))
)
def test_a_size_is_an_upper_bound_and_is_filled(name, bpc, sized, tmp_path):
    a = sized(name)
    allowed = int(bpc * a.size / 8)
    found = lplrcli.compress(a, bpc=bpc)
    found.save(tmp_path / "a.lplr")
    size = (tmp_path / "a.lplr").stat().st_size
    assert size <= allowed
    # A smaller file may have a smaller error: the least error is taken, not the fullest file.
    assert size >= min(0.97 * allowed, allowed - GRANULE)
    error = naive.relative_error(a, np.asarray(found))
    assert found.report.relative_frobenius_error == pytest.approx(error, rel=1e-5)
    assert error < 1


@pytest.mark.usefixtures("few_states")
@pytest.mark.parametrize("name", ["exponential", "photograph"])
def test_more_bytes_mean_less_error(name, sized):
    a = sized(name)
    errors = [
        lplrcli.compress(a, size=size).report.relative_frobenius_error
        for size in (2500, 5000, 10000)
    ]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.7 * errors[0]


@pytest.mark.usefixtures("few_states")
def test_ratio_size_and_bpc_are_the_same_thing(sized):
    a = sized("exponential")
    files = {
        "ratio": lplrcli.compress(a, ratio=16),
        "bpc": lplrcli.compress(a, bpc=2),
        "size": lplrcli.compress(a, size=a.size // 4),
    }
    assert len({file_bytes(found) for found in files.values()}) == 1


def test_a_size_that_holds_all_of_it_gives_a_lossless_file(sized):
    a = sized("photograph")
    found = lplrcli.compress(a, bpc=8)
    assert found.report.relative_frobenius_error == 0
    np.testing.assert_array_equal(np.asarray(found), a)
    assert found.size.bits_per_coordinate < 8


@pytest.mark.usefixtures("few_states")
@pytest.mark.parametrize("mode", [None, *MODES])
@pytest.mark.parametrize("size", [1, 300])
def test_a_size_below_the_smallest_file_is_refused_and_names_that(mode, size):
    a = matrices.exponential(30, 20)
    with pytest.raises(TargetUnreachableError, match=r"\d+ bytes or more") as caught:
        lplrcli.compress(a, size=size, mode=mode)
    smallest = int(str(caught.value.expected).split()[0])
    found = lplrcli.compress(a, size=smallest, mode=mode)
    assert size < found.size.file_bytes <= smallest


@pytest.mark.usefixtures("few_states")
def test_the_name_of_a_matrix_counts():
    # What the file is made of, not only what is coded.
    for size in (1400, 1449, 1500):
        assert lplrcli.compress(matrices.harmonic(60, 50), size=size).size.file_bytes <= size


# -- errors

DTYPES = [
    *("float16", "float32", "float64", "bfloat16", "bool"),
    *("int8", "uint8", "int16", "int32", "int64", "uint64"),
]
SHAPES = st.one_of(
    st.tuples(st.just(1), st.integers(1, 60)),
    st.tuples(st.integers(1, 60), st.just(1)),
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
)
KINDS = ["white", "decaying", "rank 1", "zero", "sparse", "constant", "one hot", "mixed"]


def drawn(kind, shape, seed):
    """A matrix whose largest entry is 1, or 0."""
    generator = np.random.default_rng(seed)
    a = generator.standard_normal(shape)
    if kind == "decaying":
        a = matrices.with_spectrum(*shape, 2.0 ** -np.arange(min(shape)), seed, np.float64)
    elif kind == "rank 1":
        a = np.outer(a[:, 0], a[0])
    elif kind == "zero":
        a = np.zeros(shape)
    elif kind == "sparse":
        a *= generator.random(shape) < 0.2
    elif kind == "constant":
        a = np.full(shape, a[0, 0])
    elif kind == "one hot":
        a = np.eye(max(shape))[: shape[0], : shape[1]]
    elif kind == "mixed":  # most entries are nothing beside the largest
        a *= 10.0 ** generator.integers(-20, 20, shape)
    return a / (np.abs(a).max() or 1.0)


@st.composite
def any_matrix(draw):
    """Of any type, shape, kind and scale, from among the denormals to the end of the type."""
    a = drawn(draw(st.sampled_from(KINDS)), draw(SHAPES), draw(st.integers(0, 2**32 - 1)))
    name = draw(st.sampled_from(DTYPES))
    dtype = np.dtype(bfloat16 if name == "bfloat16" else name)
    if dtype.kind == "b":
        return a > 0
    if dtype.kind in "iu":
        largest = draw(st.sampled_from([1, 5, 100, int(np.iinfo(dtype).max * 0.99)]))
        a = np.rint(a * largest)
        return (np.abs(a) if dtype.kind == "u" else a).astype(dtype)
    limits = finfo(dtype)
    scale = draw(st.sampled_from([1.0, 1e-30, 1e-10, 1e10, 1e30, float(limits.smallest_subnormal)]))
    return np.clip(a * scale * draw(st.floats(0.5, 99)), limits.min, limits.max).astype(dtype)


def distances(a, decoded):
    """Relative error, and the largest error over the largest entry; no square leaves the range."""
    a, decoded = (np.asarray(x).astype(np.float64) for x in (a, decoded))
    assert np.isfinite(decoded).all()
    if not a.any():
        return (np.inf, np.inf) if decoded.any() else (0.0, 0.0)
    exponent = -int(np.frexp(np.abs(a).max())[1])
    a, decoded = np.ldexp(a, exponent), np.ldexp(decoded, exponent)
    return naive.relative_error(a, decoded), np.abs(a - decoded).max() / np.abs(a).max()


def reopened(found, folder):
    """What is on disk, not what is in memory."""
    found.save(folder / "a.lplr")
    with lplrcli.open(folder / "a.lplr") as again:
        return np.asarray(again)


EXPONENTS = st.floats(-6, -0.05)


@pytest.mark.usefixtures("few_states")
@given(a=any_matrix(), exponent=EXPONENTS)
@settings(deadline=None, max_examples=12)
def test_a_relative_error_is_kept_on_the_decoded_file(a, exponent, tmp_path_factory):
    goal = 10.0**exponent
    found = lplrcli.compress(a, rel_error=goal)
    decoded = reopened(found, tmp_path_factory.getbasetemp())
    assert decoded.dtype == a.dtype
    error, _ = distances(a, decoded)
    assert error <= goal * (1 + 1e-9)
    assert found.report.relative_frobenius_error <= goal


@pytest.mark.usefixtures("few_states")
@given(a=any_matrix(), exponent=EXPONENTS)
@settings(deadline=None, max_examples=12)
def test_the_largest_error_is_kept_on_the_decoded_file(a, exponent, tmp_path_factory):
    wide = a.astype(np.float64)
    largest = float(np.abs(wide).max())
    goal = 10.0**exponent * largest
    assume(goal > 0)
    found = lplrcli.compress(a, max_abs_error=goal)
    decoded = reopened(found, tmp_path_factory.getbasetemp())
    assert np.abs(wide - decoded.astype(np.float64)).max() <= goal
    assert found.report.max_abs_error <= goal


@pytest.mark.usefixtures("few_states")
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("goal", [0.3, 0.01, 1e-4])
def test_errors_are_kept_in_every_mode(mode, goal):
    a = matrices.exponential(90, 60, dtype=np.float64)
    found = lplrcli.compress(a, rel_error=goal, mode=mode)
    assert found.plan.mode == mode
    assert 0.9 * goal <= naive.relative_error(a, np.asarray(found)) <= goal


@pytest.mark.parametrize("mode", [None, "factors+residual", "direct"])
def test_largest_errors_are_kept_in_every_mode(mode):
    a = matrices.low_rank(300, 200, 5, noise=0.05)
    goal = 0.01 * float(np.abs(a).max())
    found = lplrcli.compress(a, max_abs_error=goal, mode=mode)
    assert found.plan.mode == (mode or "factors+residual")
    assert 0.9 * goal <= np.abs(a - np.asarray(found)).max() <= goal


@pytest.mark.usefixtures("few_states")
def test_a_smaller_error_takes_more_bytes():
    a = matrices.harmonic(100, 80)
    sizes = [lplrcli.compress(a, rel_error=e).size.file_bytes for e in (0.3, 0.1, 0.03, 0.01)]
    assert sizes == sorted(sizes)


@pytest.mark.usefixtures("few_states")
@pytest.mark.parametrize("mode", [None, *MODES])
@pytest.mark.parametrize("goal", [1e-8, 1e-13, 1e-300])
def test_errors_at_the_end_of_float64_are_kept_or_refused_in_words(mode, goal):
    # Codes have 29 bits: what is beyond them must not wrap.
    generator = np.random.default_rng(0)
    a = generator.standard_normal((40, 4)) @ generator.standard_normal((4, 30))
    for name in ("rel_error", "max_abs_error"):
        if (name, mode) == ("max_abs_error", "factors"):
            continue
        try:
            found = lplrcli.compress(a, mode=mode, **{name: goal})
        except TargetUnreachableError as refusal:
            assert f"{goal:g}" in str(refusal)
        else:
            error, _ = distances(a, np.asarray(found))
            largest = np.abs(a - np.asarray(found)).max()
            assert (error if name == "rel_error" else largest) <= goal


@pytest.mark.parametrize("goal", [1e-3, 1e-8])
def test_narrow_types_are_rounded_once_so_that_small_errors_are_zero(goal):
    a = np.random.default_rng(0).standard_normal((30, 20)).astype(bfloat16)
    found = lplrcli.compress(a, rel_error=goal)
    assert distances(a, np.asarray(found))[0] <= goal


def test_a_rank_that_allows_no_such_error_is_refused_with_what_it_allows():
    values = 1.0 / np.arange(1, 81)
    a = matrices.with_spectrum(120, 80, values, dtype=np.float64)
    with pytest.raises(TargetUnreachableError) as caught:
        lplrcli.compress(a, rel_error=0.01, rank=10, mode="factors")
    reached = float(str(caught.value.expected).split()[0])
    assert reached == pytest.approx(matrices.tail_error(values, 10), rel=0.2)


@pytest.mark.usefixtures("few_states")
@pytest.mark.parametrize("mode", [None, "factors", "factors+residual"])
def test_a_rank_is_a_limit(mode):
    a = matrices.exponential(200, 150)
    for goal in ({"rel_error": 0.8}, {"bpc": 1.0}):
        found = lplrcli.compress(a, rank=30, mode=mode, **goal)
        assert found.rank <= 30
        assert found.plan.mode in ("factors", "factors+residual")
    # The residual makes up for the rank.
    if mode != "factors":
        found = lplrcli.compress(a, rank=5, rel_error=0.02, mode=mode)
        assert found.rank <= 5
        assert distances(a, np.asarray(found))[0] <= 0.02


# -- no error at all

LATTICES = {
    "bytes": np.load(TESTDATA / "img_camera.npy")[:60, :50],
    "int8": np.random.default_rng(0).integers(-128, 128, (40, 30), np.int8),
    "int32 of all sizes": np.random.default_rng(0).integers(-(2**27), 2**27, (40, 30), np.int32),
    "bool": np.random.default_rng(0).random((40, 30)) < 0.1,
    "one hot": np.eye(50, dtype=np.float32),
    "halves": np.random.default_rng(0).integers(-9, 9, (40, 30)) / 2,
    "float16 eighths": (np.random.default_rng(0).integers(-9, 9, (40, 30)) / 8).astype(np.float16),
    "bfloat16": np.random.default_rng(0).integers(-99, 99, (40, 30)).astype(bfloat16),
    "zero": np.zeros((20, 10)),
    "constant": np.full((20, 10), 0.1),
    "one entry": np.array([[1e-300]]),
    "huge": np.random.default_rng(0).integers(-9, 9, (40, 30)) * 2.0**1000,
    "denormal": np.random.default_rng(0).integers(-9, 9, (40, 30)) * 5e-324,
}


@pytest.mark.parametrize("name", LATTICES)
def test_multiples_of_a_number_can_be_stored_without_error(name, tmp_path):
    a = LATTICES[name]
    found = lplrcli.compress(a, rel_error=0)
    assert found.report.relative_frobenius_error == 0
    decoded = reopened(found, tmp_path)
    assert decoded.dtype == a.dtype
    np.testing.assert_array_equal(decoded.astype(np.float64), a.astype(np.float64))


@pytest.mark.parametrize("rows", [20, 3000])
def test_lossless_files_are_about_as_small_as_the_entropy(rows):
    a = np.random.default_rng(0).binomial(20, 0.5, (rows, 40)).astype(np.uint8)
    shares = np.unique(a, return_counts=True)[1] / a.size
    entropy = -np.sum(shares * np.log2(shares)) * a.size / 8
    found = lplrcli.compress(a, rel_error=0)
    assert found.size.file_bytes <= 1.01 * entropy + 700


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("mode", [None, *MODES])
def test_other_matrices_cannot(dtype, mode):
    a = np.random.default_rng(0).standard_normal((50, 40)).astype(dtype)
    with pytest.raises(TargetUnreachableError, match="without error"):
        lplrcli.compress(a, rel_error=0, mode=mode)


# -- the three modes


@pytest.fixture(scope="module")
def of_mode():
    a = matrices.low_rank(300, 120, 8, noise=0.3, dtype=np.float64)
    return {mode: lplrcli.compress(a, bpc=2, mode=mode) for mode in MODES}


@pytest.mark.parametrize("mode", MODES)
def test_a_mode_that_is_forced_is_taken(mode, of_mode):
    found = of_mode[mode]
    assert found.plan.mode == found.plan.target.mode == mode
    assert (found.rank > 0) == ("factors" in mode)
    assert (found.factorization.residual is not None) == (mode != "factors")
    assert set(found.plan.predictions) == {mode}


def test_the_best_mode_is_chosen():
    a = matrices.low_rank(300, 200, 8, noise=0.3)
    found = {mode: lplrcli.compress(a, bpc=2, mode=mode) for mode in [None, *MODES]}
    errors = {mode: one.report.relative_frobenius_error for mode, one in found.items()}
    assert found[None].plan.mode == "factors+residual"
    assert errors[None] == min(errors.values())
    assert set(found[None].plan.predictions) == set(MODES)
    for mode in MODES:
        assert found[mode].plan.predictions[mode] == pytest.approx(errors[mode], rel=0.15)


def test_white_noise_is_coded_directly():
    a = np.random.default_rng(0).standard_normal((200, 150))
    assert lplrcli.compress(a, bpc=4).plan.mode == "direct"


@pytest.mark.parametrize("mode", MODES)
@given(data=st.data())
@settings(deadline=None, max_examples=25)
def test_slices_are_those_of_the_whole(mode, of_mode, data):
    c = of_mode[mode]
    index = tuple(data.draw(st.slices(n) | st.integers(0, n - 1)) for n in c.shape)
    whole = np.asarray(c)
    expected = whole[index]
    assert np.shape(c[index]) == np.shape(expected)
    np.testing.assert_allclose(c[index], expected, atol=1e-12 * np.abs(whole).max())


@pytest.mark.parametrize("mode", MODES)
def test_products_are_those_of_the_whole(mode, of_mode):
    c, whole = of_mode[mode], np.asarray(of_mode[mode])
    x = np.random.default_rng(0).standard_normal((120, 3))
    y = np.random.default_rng(1).standard_normal((2, 300))
    np.testing.assert_allclose(c @ x, whole @ x, atol=1e-11 * np.abs(whole @ x).max())
    np.testing.assert_allclose(y @ c, y @ whole, atol=1e-11 * np.abs(y @ whole).max())


# -- ordinary extremes

EXTREMES = {
    "constant": np.full((40, 30), 0.1),
    "zero": np.zeros((40, 30), np.float32),
    "rank 1": np.outer(np.arange(1.0, 41), np.sqrt(np.arange(1.0, 31))),
    "one entry": np.array([[0.1]]),
    "one row": np.random.default_rng(0).standard_normal((1, 500)),
    "one column": np.random.default_rng(0).standard_normal((500, 1)),
    "one entry that is not zero": np.where(np.arange(1200).reshape(40, 30) == 77, 1e-9, 0.0),
}


@pytest.mark.usefixtures("few_states")
@pytest.mark.parametrize("mode", [None, *MODES])
@pytest.mark.parametrize("name", EXTREMES)
def test_extremes_in_every_mode(name, mode):
    a = EXTREMES[name]
    by_error = lplrcli.compress(a, rel_error=0.03, mode=mode)
    assert distances(a, np.asarray(by_error))[0] <= 0.03
    by_size = lplrcli.compress(a, size=1500, mode=mode)
    assert by_size.size.file_bytes <= 1500
    assert distances(a, np.asarray(by_size))[0] <= 1.0001


def test_a_zero_matrix_takes_the_smallest_file_there_is():
    found = lplrcli.compress(np.zeros((400, 300)), bpc=1)
    assert found.report.relative_frobenius_error == 0
    assert found.size.file_bytes < 700


# -- the same bytes, always


def many_blocks():
    """Two blocks of rows and more: something to divide among threads."""
    return matrices.decaying(4400, 120)


@pytest.mark.usefixtures("few_states")
@pytest.mark.parametrize(
    "options",
    [{"rel_error": 0.1}, {"bpc": 1.5, "mode": "factors+residual"}],
    ids=str,
)
def test_threads_change_no_byte(options):
    a = many_blocks()
    assert len({file_bytes(lplrcli.compress(a, threads=t, **options)) for t in (1, 3)}) == 1


@pytest.mark.usefixtures("few_states")
def test_the_seed_decides_where_a_sketch_is_made():
    a = matrices.exponential(30, 1500)
    first, again, other = (file_bytes(lplrcli.compress(a, bpc=1, seed=s)) for s in (1, 1, 2))
    assert first == again != other


@pytest.mark.usefixtures("few_states")
def test_memory_layout_changes_no_byte():
    a = matrices.exponential(200, 150)
    files = [lplrcli.compress(form, rel_error=0.1) for form in (a, np.asfortranarray(a))]
    assert file_bytes(files[0]) == file_bytes(files[1])


@pytest.mark.usefixtures("few_states")
@pytest.mark.parametrize(
    ("dtype", "options"),
    [
        (np.float32, {"bpc": 0.8}),
        (np.float64, {"rel_error": 0.3}),
        (np.float32, {"max_abs_error": 0.05}),
    ],
)
def test_sparse_matrices_are_taken(dtype, options):
    a = sp.random_array((400, 80), density=0.05, rng=0, dtype=dtype)
    dense, sparse = (lplrcli.compress(form, **options) for form in (a.toarray(), a.tocsr()))
    assert sparse.plan.mode == dense.plan.mode
    assert sparse.size.file_bytes == pytest.approx(dense.size.file_bytes, rel=0.02, abs=64)
    assert distances(a.toarray(), np.asarray(sparse))[0] == pytest.approx(
        dense.report.relative_frobenius_error, rel=0.05
    )


def test_a_sparse_pattern_is_stored_without_error():
    a = sp.random_array((300, 100), density=0.03, rng=0, dtype=np.float32)
    a.data[:] = 1
    found = lplrcli.compress(a, rel_error=0)
    np.testing.assert_array_equal(np.asarray(found), a.toarray())
    assert found.size.bits_per_coordinate < 0.5


@pytest.mark.usefixtures("few_states")
def test_a_matrix_too_large_to_hold_its_residual_gives_the_same(monkeypatch):
    # Computed anew for every coding, and sampled from places all over the matrix.
    from lplrcli.pipeline.encode import residual

    a = matrices.low_rank(2000, 60, 4, noise=0.2)
    held = lplrcli.compress(a, bpc=1.5)
    monkeypatch.setattr(residual, "_HELD", 0)
    computed = lplrcli.compress(a, bpc=1.5)
    assert computed.plan.mode == held.plan.mode == "factors+residual"
    assert computed.size.file_bytes <= 1.5 * a.size / 8
    assert computed.report.relative_frobenius_error == pytest.approx(
        held.report.relative_frobenius_error, rel=0.02
    )


def test_fewer_states_serve_larger_matrices(request):
    a = matrices.exponential(200, 150)
    many = lplrcli.compress(a, bpc=1, mode="factors")
    request.getfixturevalue("few_states")
    few = lplrcli.compress(a, bpc=1, mode="factors")
    assert (
        few.factorization.left.coding_parameters[0]
        == 3
        < many.factorization.left.coding_parameters[0]
    )
    ratio = few.report.relative_frobenius_error / many.report.relative_frobenius_error
    assert 1 <= ratio < 1.06
