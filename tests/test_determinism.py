"""Equal input, options and version give equal bytes, whatever else differs.

What one engine or one format does at other numbers of threads is tested beside it; here is what
differs from one process to the next: the seed of hashing, threads of BLAS, where the matrix lies,
how much memory is allowed. The reader of a file need not have the processor of its writer: codes
and dequantized factors are the same under kernels of BLAS for another.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import matrices
import numpy as np
import pytest
import scipy.sparse as sp
from threadpoolctl import threadpool_info

import lplrcli
from lplrcli.container.reader import open_container
from lplrcli.container.writer import write_container
from lplrcli.pipeline.decode.factors import decode_factor

GOLDEN = sorted((Path(__file__).parent.parent / "testdata" / "golden").rglob("*.lplr"))[::3]

METHODS = {
    "packed": {"rank": 5, "bits": 3},
    "lplr": {"rank": 5, "bits": 4, "method": "lplr"},
    "lsvd": {"rank": 5, "bits": 4, "method": "lsvd"},
    "nq": {"bits": 2, "method": "nq"},
    "factors": {"bpc": 1.0, "mode": "factors"},
    "residual": {"rel_error": 0.05, "rank": 4, "mode": "factors+residual"},
    "direct": {"max_abs_error": 0.1, "mode": "direct"},
    "transform": {"bpc": 1.0, "mode": "factors", "transform": "dct", "center": "both"},
    "one pass": {"rank": 5, "bits": 3, "passes": 1},
}
SPARSE = {"sparse": {"rank": 5, "bits": 3}, "sparse residual": {"rel_error": 0.3}}


def digests(folder, form, **options):
    """What each method makes of the matrices in a folder, as hexadecimal digests of files."""
    from lplrcli.pipeline.engines import codings

    codings._STATE_BITS = ((2**63, 3),)  # as `few_states`: which trellis does not matter
    a = np.load(Path(folder) / "a.npy", mmap_mode="r" if form == "mapped" else None)
    a = np.asfortranarray(a) if form == "columns" else a
    sparse = sp.load_npz(Path(folder) / "s.npz")
    asked = [(name, a, METHODS[name]) for name in METHODS]
    asked += [(name, sparse, SPARSE[name]) for name in SPARSE]
    return {
        name: digest(lplrcli.compress(matrix, **method, **options))
        for name, matrix, method in asked
    }


def digest(compressed):
    stream = io.BytesIO()
    write_container(stream, [compressed.factorization])
    return hashlib.sha256(stream.getvalue()).hexdigest()


def factors():
    """Digests of what golden files hold, and the processors that BLAS thinks of."""
    found = {str(path): decoded(path) for path in GOLDEN}
    return found, sorted({str(library.get("architecture")) for library in threadpool_info()})


def decoded(path):
    state = hashlib.sha256()
    with path.open("rb") as file, open_container(file, str(path)) as container:
        for i in range(container.count):
            for factor in container.factorization(i).parts.values():
                # What has bases of its own is a product of them: arithmetic of floats.
                if factor.basis is None:
                    state.update(decode_factor(factor, np.dtype(np.float64)).tobytes())
    return state.hexdigest()


def elsewhere(call, **environment):
    """Start a process of another environment that evaluates `call`."""
    code = f"import json, test_determinism; print(json.dumps(test_determinism.{call}))"
    folders = [str(Path(__file__).parent), str(Path(lplrcli.__file__).parent.parent)]
    return subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(folders), **environment},
        stdout=subprocess.PIPE,
    )


def result(process):
    out, _ = process.communicate()
    assert process.returncode == 0
    return json.loads(out)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("matrices")
    np.save(folder / "a.npy", matrices.exponential(150, 100))
    sp.save_npz(folder / "s.npz", sp.random_array((300, 80), density=0.05, rng=0, format="csr"))
    return folder


def test_no_byte_depends_on_the_process_its_threads_or_where_the_matrix_lies(folder):
    # Both at a time, each with all that the other has not.
    one = elsewhere(
        f"digests({str(folder)!r}, 'columns', threads=1)",
        PYTHONHASHSEED="1",
        OPENBLAS_NUM_THREADS="1",
    )
    other = elsewhere(
        f"digests({str(folder)!r}, 'mapped', threads=3, memory_limit=700_000_000)",
        PYTHONHASHSEED="2",
        OPENBLAS_NUM_THREADS="2",
    )
    first, second = result(one), result(other)
    assert len(set(first.values())) == len(METHODS) + len(SPARSE)
    assert first == second


def test_factors_do_not_depend_on_the_processor():
    assert len(GOLDEN) > 30
    found, processors = result(elsewhere("factors()", OPENBLAS_CORETYPE="Prescott"))
    expected, ours = factors()
    if processors == ours:
        pytest.skip("this BLAS has no kernels of another processor")
    assert found == expected
