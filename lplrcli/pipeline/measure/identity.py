"""Whether kept entries are those of an original, bit for bit: NaN have no distance."""

from __future__ import annotations

from functools import partial

import numpy as np

from lplrcli.linalg.operands import dense_rows
from lplrcli.linalg.passes import Passes
from lplrcli.model.compressed import Factorization
from lplrcli.model.source import CsrRows, RowBlock
from lplrcli.pipeline.decode.reconstruction import Reconstruction


def is_identical(passes: Passes, factorization: Factorization, threads: int) -> bool:
    """Compare an original with kept entries, in one pass.

    Parameters
    ----------
    passes : Passes
        The original, of the shape of the compressed matrix.
    factorization : Factorization
        The compressed matrix; False unless its entries are kept as they are.
    threads : int
        For decoding.
    """
    kept = factorization.kept
    if kept is None or kept.step is not None or passes.source.dtype.name != factorization.dtype:
        return False
    task = partial(_same, reconstruction=Reconstruction(factorization, threads=threads))
    return all(passes.map_stored("comparison", task))


def _same(block: RowBlock, reconstruction: Reconstruction) -> bool:
    values = block.values
    nothing = np.empty((0, values.shape[0]), reconstruction.working)
    found = reconstruction.product(nothing, block.start)
    if isinstance(values, CsrRows):
        values = dense_rows(values, values.data.dtype)
    return found.tobytes() == np.ascontiguousarray(values, found.dtype).tobytes()
