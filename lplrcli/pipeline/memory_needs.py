"""Least memory for compressing, whatever lies in scratch files.

Arrays as long as the matrix may lie in a scratch file, see `lplrcli.runtime.workspace`; what is as
wide as it, and chunks that are coded as one, may not. The multiples here are what was measured,
rounded up; benchmarks/memory.py compares them with the peaks of real runs.
"""

from __future__ import annotations

import math

from lplrcli.model.plan import CompressionPlan
from lplrcli.model.source import BLOCK_BYTES, MatrixSource, working_dtype
from lplrcli.pipeline.decode.memory_needs import BLOCK_COPIES, LIBRARIES
from lplrcli.planning.limits import DIRECT_ENTRIES
from lplrcli.runtime.tree_sum import GROUP
from lplrcli.runtime.workspace import workspace

_ENGINE = 144 << 20
"""Bytes of samples, tables and kernels of the engine that meets targets."""


_BASES = 11
"""Arrays of the shape of the basis, in float64: products, blocks of the QR, what is summed."""

_FIELD_BYTES = 36
"""For each entry of a field that is transformed as a whole."""


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
    blocks = (threads + 1) * BLOCK_COPIES * max(BLOCK_BYTES, row_bytes)
    phases = [0]
    if method in ("lsvd", "dsvd"):
        phases.append(_DECOMPOSITION * 8 * source.shape[0] * columns)
    elif method != "nq" and plan.target.mode != "direct":
        phases.append(_for_directions(source, plan, threads))
    if method == "rate-distortion" and plan.target.mode != "factors":
        phases.append(_for_entries(source, plan, threads))
    code = LIBRARIES + (_ENGINE if method == "rate-distortion" else 0)
    workspace().require(code + blocks + max(phases), source.name, threads)


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
    from lplrcli.pipeline.survey.entry_coders import LARGEST_FIELD

    rows, columns = source.shape
    if rows * columns > DIRECT_ENTRIES:
        return 0
    chunk = chunk_rows(source.shape) * columns * working_dtype(source.dtype).itemsize
    field = rows * columns <= LARGEST_FIELD and plan.target.transform != "none"
    return max((3 * threads + 6) * chunk, _FIELD_BYTES * rows * columns if field else 0)
