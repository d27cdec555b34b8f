"""What a command needs in memory at least, whatever it puts into scratch files.

Arrays as long as the matrix may lie in a scratch file, see `lplrcli.runtime.workspace`; what is as
wide as it, and chunks that are coded as one, may not. The multiples here are what was measured,
rounded up; benchmarks/memory.py compares them with the peaks of real runs.
"""

from __future__ import annotations

import math

from lplrcli.container.chunks import lengths_of
from lplrcli.errors import MemoryLimitError
from lplrcli.io.handles.base import BLOCK_BYTES
from lplrcli.model.compressed import Factorization
from lplrcli.model.plan import CompressionPlan
from lplrcli.model.source import MatrixSource, working_dtype
from lplrcli.pipeline.decode.reconstruction import entry_dtype
from lplrcli.planning.targets import DIRECT_ENTRIES
from lplrcli.runtime.available_memory import resident_memory
from lplrcli.runtime.tree_sum import GROUP
from lplrcli.runtime.workspace import workspace

_CODE = 72 << 20
"""Of libraries that are loaded on the way."""

_ENGINE = 144 << 20
"""Of samples, tables and kernels of the engine that meets targets."""

_BLOCKS = 4
"""Copies of each block in flight: as read, converted, its products."""

_BASES = 11
"""Arrays of the shape of the basis, in float64: products, blocks of the QR, what is summed."""

_FIELD_BYTES = 36
"""For each entry of a field that is transformed as a whole."""

_CODE_BYTES = 5
"""Of a chunk of which codes alone are decoded, for each."""

_DECOMPOSITION = 6
"""Copies of the matrix in float64 for its full decomposition."""


def require_for_compressing(source: MatrixSource, plan: CompressionPlan, threads: int) -> None:
    """Refuse, before anything is read, what the memory limit has no room for.

    Parameters
    ----------
    source : MatrixSource
        The matrix.
    plan : CompressionPlan
        What is asked.
    threads : int
        Each works on blocks and chunks of its own.

    Raises
    ------
    MemoryLimitError
        Less memory is allowed than is needed; it says how much that is.
    """
    columns, method = source.shape[1], plan.target.method
    row_bytes = max(working_dtype(source.dtype).itemsize, source.dtype.itemsize) * columns
    blocks = (threads + 1) * _BLOCKS * max(BLOCK_BYTES, row_bytes)
    phases = [0]
    if method in ("lsvd", "dsvd"):
        phases.append(_DECOMPOSITION * 8 * source.shape[0] * columns)
    elif method != "nq" and plan.target.mode != "direct":
        phases.append(_for_directions(source, plan, threads))
    if method == "rate-distortion" and plan.target.mode != "factors":
        phases.append(_for_entries(source, plan, threads))
    code = _CODE + (_ENGINE if method == "rate-distortion" else 0)
    _require(code + blocks + max(phases), source.name, threads)


def _for_directions(source: MatrixSource, plan: CompressionPlan, threads: int) -> int:
    """What the range finder needs."""
    # Imported here: decoding is to start at once.
    from lplrcli.linalg.probe import TEST_ROWS
    from lplrcli.linalg.range_finder import FIRST_BLOCK, gram_columns, gram_is_affordable
    from lplrcli.linalg.single_pass import core_size

    rows, columns = source.shape
    size = min(plan.sketch_size or FIRST_BLOCK, rows, columns)
    if plan.basis == "single-pass":
        # A core on both sides, and what every block in flight adds to the sketches.
        core = core_size(size, columns)
        return 8 * columns * (core + (_BASES + threads) * (size + TEST_ROWS))
    if plan.target.method == "rate-distortion":
        gram = gram_is_affordable(source.shape)
    else:
        gram = plan.target.method == "packed" and columns <= gram_columns(size)
    if not gram:
        return _BASES * 8 * columns * size
    blocks = max(2, rows * columns * source.dtype.itemsize // BLOCK_BYTES)
    return 8 * columns**2 * (threads + 4 + math.ceil(math.log(blocks, GROUP)))


def _for_entries(source: MatrixSource, plan: CompressionPlan, threads: int) -> int:
    """What coding entry by entry needs, after the factors or without them."""
    # Imported here: the memory that the packed engine takes is counted in megabytes.
    from lplrcli.pipeline.encode.residual import chunk_rows
    from lplrcli.pipeline.survey.matrix_survey import LARGEST_FIELD

    rows, columns = source.shape
    if rows * columns > DIRECT_ENTRIES:
        return 0
    chunk = chunk_rows(source.shape) * columns * working_dtype(source.dtype).itemsize
    field = rows * columns <= LARGEST_FIELD and plan.target.transform != "none"
    return max((3 * threads + 6) * chunk, _FIELD_BYTES * rows * columns if field else 0)


def require_for_decoding(factorization: Factorization, threads: int, name: str | None) -> None:
    """Likewise before rows of a compressed matrix are decoded.

    Parameters
    ----------
    factorization : Factorization
        What was compressed.
    threads : int
        Each decodes chunks of its own.
    name : str or None
        Of the file.

    Raises
    ------
    MemoryLimitError
        Less memory is allowed than is needed.
    """
    columns = factorization.shape[1]
    itemsize = working_dtype(entry_dtype(factorization.dtype)).itemsize
    needed = _CODE + (threads + 1) * _BLOCKS * max(BLOCK_BYTES, itemsize * columns)
    if factorization.right is not None:
        needed += 2 * itemsize * columns * factorization.rank
    for factor, copies in ((factorization.left, threads + 2), (factorization.residual, 9)):
        if factor is not None:
            chunk = factor.components * min(factor.chunk_length, factor.length)
            needed += (copies + 2 * threads) * itemsize * chunk
    _require(needed, name, threads)


def require_for_verifying(factorization: Factorization, threads: int, name: str | None) -> None:
    """Likewise before the chunks of a matrix are decoded to codes, one after another.

    Parameters
    ----------
    factorization, threads, name
        As for `require_for_decoding`.

    Raises
    ------
    MemoryLimitError
        Less memory is allowed than is needed.
    """
    most = 0
    for factor in factorization.parts.values():
        codes = factor.components * min(factor.chunk_length, factor.length)
        stored = max(lengths_of(factor.chunks), default=0)
        most = max(most, _CODE_BYTES * codes + 3 * stored)
    _require(_CODE + (threads + 1) * most, name, threads)


def _require(needed: int, name: str | None, threads: int) -> None:
    needed += resident_memory()
    limit = workspace().limit
    if needed > limit:
        fewer = "" if threads == 1 else ", or take fewer threads with -T"
        raise MemoryLimitError(
            "the memory limit is too low",
            path=name,
            found=f"{limit // 10**6} MB",
            expected=f"at least {-(-needed // 10**6)} MB",
            advice=f"Allow more with -M{fewer}.",
        )
