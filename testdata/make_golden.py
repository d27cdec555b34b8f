"""Make the golden files of the present version of the format.

    python testdata/make_golden.py

What is there is kept, and so are the files of other versions: since version 1.0 no golden file is
ever made again, and .ci/golden refuses a change to one. The expectations come from the reference
decoder, formats/lplr/decode.py, not from the product.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import struct
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from lplrcli.api import CompressedMatrix, append, compress
from lplrcli.container.byte_layout import VERSION, WHOLE_FILE
from lplrcli.container.section_writer import SectionWriter
from lplrcli.container.writer import heads_of, write_container, write_matrix
from lplrcli.model.compressed import Factorization
from lplrcli.pipeline.encode.kept_chunks import keep_sparse
from lplrcli.transform.component_layout import Layout

ROOT = Path(__file__).resolve().parent
DTYPES = (
    *("float16", "float32", "float64", "bfloat16", "bool"),
    *(f"{kind}{width}" for kind in ("int", "uint") for width in (8, 16, 32, 64)),
)
MODES = ("factors", "factors+residual", "direct")

Array = np.ndarray[Any, Any]


def matrix(rows: int, columns: int, seed: int) -> Array:
    """A matrix of decaying spectrum, entries of about 20."""
    generator = np.random.default_rng(seed)
    left, right = generator.standard_normal((rows, 12)), generator.standard_normal((12, columns))
    return 20 * (left * 2.0 ** -np.arange(12)) @ right


def noisy(rows: int, columns: int, seed: int) -> Array:
    """The same in float32 with noise, which a residual has to hold."""
    noise = np.random.default_rng(seed + 1).standard_normal((rows, columns))
    return (matrix(rows, columns, seed) + 3 * noise).astype(np.float32)


def smooth(rows: int, columns: int) -> Array:
    """Columns in which neighbours are alike: contexts pay."""
    steps = np.random.default_rng(7).standard_normal((rows, columns))
    return np.cumsum(steps, axis=0).astype(np.float32)


def field(*extents: int, seed: int = 0) -> Array:
    """A smooth array of several axes with an edge, and a little noise."""
    generator = np.random.default_rng(seed)
    places = np.meshgrid(*(np.linspace(0, 1, extent) for extent in extents), indexing="ij")
    waves = sum(np.sin((3 + i) * place + i) for i, place in enumerate(places))
    edge = 0.5 * (sum(places) > 0.6 * len(extents))
    return np.asarray(waves + edge + 0.01 * generator.standard_normal(extents)).astype(np.float32)


def bumps(grid: tuple[int, ...], columns: int, seed: int = 0) -> Array:
    """A matrix of low rank whose rows are places of a grid, on which columns are smooth."""
    generator = np.random.default_rng(seed)
    places = np.stack(np.meshgrid(*(np.linspace(0, 1, n) for n in grid), indexing="ij"), axis=-1)
    centres = generator.uniform(0, 1, (6, len(grid)))
    squares = np.square(places[..., None, :] - centres).sum(axis=-1).reshape(-1, 6)
    noise = 1e-3 * generator.standard_normal((len(squares), columns))
    weights = generator.standard_normal((6, columns)) * 2.0 ** -np.arange(6)[:, None]
    return np.asarray(np.exp(-4 * squares) @ weights + noise).astype(np.float32)


def chirps(grid: tuple[int, ...], columns: int, seed: int = 0) -> Array:
    """A matrix whose rows are places of a grid, on which columns are sums of products of chirps."""
    generator = np.random.default_rng(seed)
    weights = generator.standard_normal((*[3] * len(grid), columns))
    for axis, extent in enumerate(grid):
        turns = np.outer([0.1, 0.2, 0.3], np.arange(extent) ** 2)
        lines = np.cos(turns + generator.uniform(0, 6, (3, 1)))
        weights = np.moveaxis(np.tensordot(lines, weights, (0, axis)), 0, axis)
    noise = 1e-3 * generator.standard_normal(weights.shape)
    return (weights + noise).reshape(-1, columns).astype(np.float32)


def stored(dtype: str) -> Array:
    """One of the small matrices of every type of entry."""
    array: Array = np.load(ROOT / "dtypes" / f"{dtype}.npy")
    if dtype == "bfloat16":
        import ml_dtypes

        array = array.view(ml_dtypes.bfloat16)
    return array


def of_packed_codes() -> dict[str, bytes]:
    """Name and content of the files whose codes have a fixed width."""
    found: dict[str, bytes] = {}
    for bits in (1, 3, 8, 13, 16):
        found[f"packed-{bits}"] = made(matrix(37, 19, bits).astype(np.float32), 5, bits)
    for method, bits in (("lplr", 3), ("lplr", 11), ("lsvd", 3), ("dsvd", 3), ("nq", 3)):
        array = matrix(29, 17, bits).astype(np.float32)
        rank = None if method == "nq" else 4
        found[f"{method}-{bits}"] = made(array, rank, bits, method=method)
    for dtype in (*DTYPES[:5], "uint8", "int64"):
        found[f"packed-{dtype}"] = made(stored(dtype), 3, 6)
    for name, scale in (("large", 1e290), ("small", 1e-290)):
        found[f"packed-exponent-{name}"] = made(scale * matrix(20, 12, 1), 4, 4)
    found["packed-zero"] = made(np.zeros((7, 5), np.float32), 2, 4)
    found["packed-unfolded"] = made(field(5, 4, 3, 6), 4, 7, unfold=2)
    for sketch in ("srht", "sparse-sign"):
        array = matrix(21, 13, 5).astype(np.float32)
        found[f"packed-{sketch}"] = made(array, 3, 4, sketch=sketch, passes=1)
    for passes in (1, 2):
        array = matrix(30, 20, 6).astype(np.float32)
        found[f"packed-passes-{passes}"] = made(array, 3, 5, passes=passes)
    with small_chunks():
        found["packed-many-chunks"] = made(matrix(41, 23, 3).astype(np.float32), 4, 5)
        found["nq-many-chunks"] = made(matrix(13, 11, 4).astype(np.float32), bits=5, method="nq")
    return found


def of_entropy_codes() -> dict[str, bytes]:
    """Name and content of the files of the rate-distortion engine."""
    found: dict[str, bytes] = {}
    for mode in MODES:
        found[f"{mode}-size"] = made(noisy(30, 20, 1), bpc=8, mode=mode)
        for state_bits in (0, *range(3, 9)) if mode == "factors" else (0, 3, 8):
            name = f"{mode}-{f'trellis-{2**state_bits}' if state_bits else 'deadzone'}"
            with states(state_bits):
                found[name] = made(noisy(24, 17, state_bits), rel_error=0.1, mode=mode)
    for mode in MODES[1:]:
        found[f"{mode}-plain"] = made(noisy(30, 20, 3), max_abs_error=0.7, mode=mode)
        found[f"{mode}-wide-codes"] = made(noisy(20, 15, 4), rel_error=1e-6, mode=mode)
    found["contexts"] = made(smooth(90, 5), rel_error=0.01, mode="direct")
    found["contexts-deadzone"] = made(smooth(90, 5), max_abs_error=0.1, mode="direct")
    found["lossless"] = made(np.round(matrix(30, 20, 6)), rel_error=0)
    fractions = (np.round(matrix(30, 20, 6)) / 255).astype(np.float32)
    found["lossless-fractions"] = made(fractions, rel_error=0)
    for dtype in DTYPES:
        found[f"direct-{dtype}"] = made(stored(dtype), rel_error=0.1, mode="direct")
    array = 1e290 * matrix(20, 15, 1)
    found["factors-exponent-large"] = made(array, rel_error=0.1, mode="factors")
    found["zero"] = made(np.zeros((7, 5), np.float32), bpc=200)
    found["zero-direct"] = made(np.zeros((7, 5), np.uint8), rel_error=0.1, mode="direct")
    found["one-entry"] = made(np.full((1, 1), 2.5), rel_error=0.01)
    found["one-row"] = made(noisy(1, 40, 1), rel_error=0.1)
    found["one-column"] = made(noisy(40, 1, 1), rel_error=0.1)
    with small_chunks():
        for mode in MODES:
            found[f"{mode}-many-chunks"] = made(noisy(41, 23, 7), rel_error=0.3, mode=mode)
    return found


def of_transforms() -> dict[str, bytes]:
    """Name and content of the files whose factors or residual are transformed."""
    found: dict[str, bytes] = {}
    options: dict[str, Any]
    for name, grid in (("1-axis", (90,)), ("2-axes", (14, 11)), ("3-axes", (7, 6, 5))):
        options = {"row_grid": grid, "transform": "dct"}
        array = bumps(grid, 8, len(grid))
        found[f"dct-{name}"] = made(array, rel_error=0.02, mode="factors", **options)
    options = {"row_grid": (90,), "transform": "dct"}
    with states(0):
        array = bumps((90,), 8, 1)
        found["dct-1-axis-deadzone"] = made(array, rel_error=0.02, mode="factors", **options)
    options = {"row_grid": (8, 7), "column_grid": (4, 6), "transform": "dct"}
    found["dct-both-sides"] = made(bumps((8, 7), 24, 4), rel_error=0.02, mode="factors", **options)
    for name, grid in (("2-axes", (15, 12)), ("3-axes", (8, 6, 5))):
        options = {"row_grid": grid, "transform": "klt"}
        found[f"klt-{name}"] = made(chirps(grid, 10), rel_error=0.02, mode="factors", **options)
    options = {"row_grid": (9, 8), "column_grid": (5, 6), "transform": "klt"}
    array = chirps((9, 8), 27) @ chirps((5, 6), 27, 1).T
    found["klt-both-sides"] = made(array, rel_error=0.01, mode="factors+residual", **options)
    for transform in ("cdf97", "cdf97-tensor"):
        with small_layers(transform):
            found[f"{transform}-many-chunks"] = made(field(43, 16), rel_error=0.02, mode="direct")
        with fields_everywhere(transform):
            for name, extents in (("2-axes", (25, 19)), ("3-axes", (9, 5, 10))):
                array = field(*extents)
                found[f"{transform}-{name}"] = made(array, rel_error=0.01, mode="direct")
                with states(0):
                    found[f"{transform}-{name}-deadzone"] = made(
                        array, rel_error=0.02, mode="direct"
                    )
            found[f"{transform}-residual"] = made(
                field(24, 21), rel_error=0.01, mode="factors+residual"
            )
    with fields_everywhere():
        array = field(5, 8, 3, 4)
        found["cdf97-unfolded"] = made(array, rel_error=0.02, mode="direct", unfold=2)
        image = np.clip(np.round(60 * field(19, 23) + 90), 0, 255).astype(np.uint8)
        found["cdf97-uint8"] = made(image, rel_error=0.03, mode="direct")
    with small_layers():
        array = bumps((43, 5), 8, 5)
        found["dct-many-chunks"] = made(array, rel_error=0.02, mode="factors", row_grid=(43, 5))
    return found


def of_means() -> dict[str, bytes]:
    """Name and content of the files in which means are stored apart."""
    found: dict[str, bytes] = {}
    array = noisy(30, 20, 1) + 30 * np.sin(np.arange(20)) + 20 * np.cos(np.arange(30))[:, None]
    array = array.astype(np.float32)
    for mode, center in zip(MODES, ("both", "mean-row", "mean-column"), strict=True):
        found[f"means-{mode}"] = made(array, rel_error=0.03, mode=mode, center=center)
    array = bumps((8, 7), 24, 4) + 5 * bumps((8, 7), 1)
    options: dict[str, Any] = {"row_grid": (8, 7), "column_grid": (4, 6)}
    found["means-dct"] = made(array, rel_error=0.01, center="both", **options)
    with small_chunks():
        array = noisy(41, 23, 7) + 30 * np.sin(np.arange(23)) + 9
        found["means-many-chunks"] = made(
            array.astype(np.float32), rel_error=0.2, mode="factors", center="both", transform="none"
        )
    return found


def of_structure() -> dict[str, bytes]:
    """Name and content of the files that have more than the sections of one matrix."""
    parts = [
        compress(matrix(21, 13, 2).astype(np.float32), 3, 4),
        compress(stored("int16"), rel_error=0.02, mode="direct"),
        compress(np.zeros((7, 5), np.float32), bpc=200),
    ]
    matrices = [part.factorization for part in parts]
    found = {
        "three-matrices": content(matrices, names=["layer/0", None, "bild äöü 像"]),
        "named": content(matrices[:1], names=["weights"], created="2026-02-28T12:34:56.5+01:00"),
    }
    stream = io.BytesIO()
    sections = SectionWriter(stream)
    for tag, number, text in (("nOTe", WHOLE_FILE, b"of the file"), ("oWNS", 0, b"")):
        sections.write(sections.next_section(tag, number, 0, text), text)
    write_matrix(sections, 0, matrices[0], heads_of(matrices[0], user={"by": ["hand", None]}))
    text = b"after it"
    sections.write(sections.next_section("oWNS", 0, 1, text), text)
    sections.finish()
    found["ancillary"] = stream.getvalue()
    with small_chunks():
        array = matrix(60, 12, 8).astype(np.float32)
        noise = noisy(60, 12, 8)
        found["appended-packed"] = grown(compress(array[:20], 4, 5), array[20:])
        first = compress(noise[:20], rel_error=0.2, mode="factors", transform="none")
        found["appended-factors"] = grown(first, noise[20:])
        first = compress(noise[:20], rel_error=0.2, mode="factors+residual", transform="none")
        found["appended-residual"] = grown(first, noise[20:])
    return found


def of_kept_entries() -> dict[str, bytes]:
    """Name and content of the files whose entries are kept as they are."""
    import scipy.sparse as sp

    found: dict[str, bytes] = {}
    generator = np.random.default_rng(11)
    rows, columns = np.mgrid[:40, :30]
    with kept_always():
        for dtype in DTYPES:
            found[f"kept-{dtype}"] = made(stored(dtype), rel_error=0)
        waves = np.rint(60 * field(40, 30) + 90)
        smooth_in_both = 10**12 * (rows + columns) + generator.integers(0, 3, (40, 30))
        steps = {
            "rows": 10**9 * (columns + 1000 * generator.integers(0, 9, (40, 1))),
            "columns": 10**9 * (rows + 1000 * generator.integers(0, 9, (1, 30))),
            "both": smooth_in_both,
        }
        for name, array in steps.items():
            found[f"kept-along-{name}-wide"] = made(array, rel_error=0)
            narrow = (array // 10**9 * 3 if name == "both" else array // 10**9).astype(np.uint8)
            found[f"kept-along-{name}-narrow"] = made(narrow, rel_error=0)
        found["kept-image"] = made(waves.astype(np.uint8), rel_error=0)
        found["kept-epoch"] = made(17 * 10**17 + 10**6 * rows * 30 + columns, rel_error=0)
        large = np.uint64(2**64 - 1) - generator.integers(0, 9, (20, 7)).astype(np.uint64)
        found["kept-large"] = made(large, rel_error=0)
        noise = generator.standard_normal((21, 13))
        noise[::4, ::3] = [[np.nan], [np.inf], [-np.inf], [-0.0], [5e-324], [1e308]]
        noise.view(np.uint64)[1, 1:4] = 0x7FF0000000000001, 0xFFF8000000000ABC, 0x7FFFFFFFFFFFFFFF
        found["kept-not-finite"] = made(noise, max_abs_error=0)
        found["kept-unfolded"] = made(field(5, 4, 3, 6), rel_error=0, unfold=2)
        found["kept-one-entry"] = made(np.full((1, 1), np.nan, np.float32), rel_error=0)
        with small_chunks():
            found["kept-many-chunks"] = made(noisy(41, 23, 7), rel_error=0)
        for dtype in ("float32", "float64", "int16", "uint64", "bool"):
            matrix_of = sp.random(50, 40, 0.05, random_state=3, data_rvs=whole_numbers)
            found[f"kept-sparse-{dtype}"] = made(matrix_of.tocsr().astype(dtype), rel_error=0)
        entries = sp.random(61, 40, 0.1, random_state=4).tocsr()
        found["kept-sparse-empty"] = made(sp.csr_matrix((50, 40), dtype=np.float32), rel_error=0)
        with small_chunks():
            found["kept-sparse-many-chunks"] = made(entries, rel_error=0)
            found["kept-sparse-step"] = made_with_step(entries.astype(np.float32), 0.01)
            found["kept-sparse-step-int32"] = made_with_step(
                (1e6 * entries).astype(np.int32), 300.0
            )
    return found


def whole_numbers(count: int) -> Array:
    """Values of sparse matrices of any type."""
    return np.random.default_rng(count).integers(1, 100, count).astype(np.float64)


def made_with_step(array: Any, step: float) -> bytes:
    """A file of a sparse matrix whose values are multiples of a step."""
    with mock.patch(
        "lplrcli.pipeline.engines.lossless.keep_sparse", partial(keep_sparse, step=step)
    ):
        return made(array, rel_error=0)


def made(array: Array, *arguments: Any, **options: Any) -> bytes:
    """A file of one compressed matrix."""
    return content([compress(array, *arguments, **options).factorization])


def content(factorizations: list[Factorization], **options: Any) -> bytes:
    """A file of some matrices."""
    stream = io.BytesIO()
    write_container(stream, factorizations, **options)
    return stream.getvalue()


def grown(compressed: CompressedMatrix, rows: Array) -> bytes:
    """The file of a matrix to which rows were appended."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.lplr")
        compressed.save(path)
        append(path, rows, rel_error=1)
        return path.read_bytes()


@contextlib.contextmanager
def fields_everywhere(transform: str = "cdf97") -> Any:
    """Code what has no factors, or what they leave, as a field under that transform."""
    names = {"_FIELD_GAIN": -99, "_LEAST_EXTENT": 1, "FIELD_TRANSFORMS": (transform,)}
    with mock.patch.multiple("lplrcli.pipeline.survey.entry_coders", **names):
        yield


@contextlib.contextmanager
def small_layers(transform: str = "cdf97") -> Any:
    """Chunks of 8 layers, or the next number that a chunk may have, where it is transformed."""
    original = Layout.chunk_length

    def chunk_length(layout: Layout, *_: Any) -> int:
        return original(layout, 64, 8)

    with mock.patch.object(Layout, "chunk_length", chunk_length), fields_everywhere(transform):
        yield


def states(state_bits: int) -> contextlib.AbstractContextManager[Any]:
    """Make the engine use this machine for everything."""
    return mock.patch("lplrcli.pipeline.engines.codings._STATE_BITS", ((2**63, state_bits),))


def kept_always() -> contextlib.AbstractContextManager[Any]:
    """Keep entries where multiples of one number would be the lesser file."""
    name = "lplrcli.pipeline.engines.lossless._as_multiples"
    return mock.patch(name, lambda *_: None)


@contextlib.contextmanager
def small_chunks() -> Any:
    """Chunks of 16 rows, where the product would make one."""
    pipeline = "lplrcli.pipeline"
    with (
        mock.patch(f"{pipeline}.engines.packed.chunk_entries", lambda *_: 16),
        mock.patch(f"{pipeline}.engines.paper.chunk_entries", lambda *_: 16),
        mock.patch(f"{pipeline}.encode.factors.chunk_entries", lambda *_: 16),
        mock.patch(f"{pipeline}.encode.residual._CHUNK", 1),
        mock.patch(f"{pipeline}.encode.residual._LEAST_ROWS", 16),
        mock.patch(f"{pipeline}.encode.kept_chunks.CHUNK_BYTES", 1500),
        mock.patch(f"{pipeline}.encode.kept_chunks._CHUNK_ENTRIES", 64),
    ):
        yield


def cases() -> dict[str, bytes]:
    """Name and content of every golden file, those of earlier versions too."""
    coded = of_packed_codes() | of_entropy_codes()
    return coded | of_transforms() | of_means() | of_structure() | of_kept_entries()


def listed(path: Path) -> str:
    """The line of a file in the manifest."""
    return f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"


def main() -> None:
    """Write every file that is not there yet, its expectation, and their lines of the manifest."""
    folder = ROOT / "golden" / "{}.{}".format(*VERSION)
    folder.mkdir(parents=True, exist_ok=True)
    sys.path.insert(0, str(ROOT.parent / "formats" / "lplr"))
    import decode

    for name, raw in cases().items():
        if struct.unpack_from("<HH", raw, 8) != VERSION:
            continue  # what a version brings is what its files are for
        path = folder / f"{name}.lplr"
        if path.exists():
            print(f"{path} exists and is kept")
            continue
        with path.open("xb") as stream:
            stream.write(raw)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), mock.patch("sys.argv", ["decode", str(path)]):
            if decode.main():
                raise SystemExit(f"{path}: refused by the reference decoder")
        with path.with_suffix(".json").open("x") as text:
            text.write(printed.getvalue())
        # Of sums, and of what is transformed, not every digit is told: arrays are kept as they are.
        arrays = {str(i): found.array for i, found in enumerate(decode.decode_file(path))}
        with path.with_suffix(".npz").open("xb") as stream:
            np.savez_compressed(stream, **arrays)
        with (folder / "SHA256SUMS").open("a") as manifest:
            manifest.writelines(listed(path.with_suffix(end)) for end in (".json", ".lplr", ".npz"))


if __name__ == "__main__":
    main()
