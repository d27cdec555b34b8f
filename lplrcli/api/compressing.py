"""An array or files to a compressed matrix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from numpy.typing import DTypeLike

from lplrcli.api.arguments import integer, real, whole
from lplrcli.api.matrix import CompressedMatrix
from lplrcli.api.opening import paths_of
from lplrcli.errors import PlanError
from lplrcli.io import UnfoldingRequest, open_array, open_source
from lplrcli.io.formats.raw import RawLayout
from lplrcli.model.request import CompressionRequest
from lplrcli.pipeline import compress as pipeline
from lplrcli.pipeline.unfold import best_unfolded
from lplrcli.runtime.parallel import usable_cpus
from lplrcli.runtime.workspace import limited_memory

if TYPE_CHECKING:
    from distributed import Client


def compress(
    matrix: Any,
    rank: int | None = None,
    bits: int | None = None,
    *,
    bits_right: int | None = None,
    bpc: float | None = None,
    ratio: float | None = None,
    size: int | None = None,
    rel_error: float | None = None,
    max_abs_error: float | None = None,
    mode: str | None = None,
    transform: str | None = None,
    center: str | None = None,
    passes: int | None = None,
    method: str | None = None,
    sketch: str | None = None,
    oversampling: int | None = None,
    power_iterations: int | None = None,
    seed: int = 0,
    dataset: str | None = None,
    shape: Sequence[int] | None = None,
    dtype: DTypeLike | None = None,
    order: Literal["C", "F"] = "C",
    unfold: int | Literal["auto"] | None = None,
    row_grid: Sequence[int] | None = None,
    column_grid: Sequence[int] | None = None,
    threads: int | None = None,
    memory_limit: int | None = None,
    scheduler: str | Client | None = None,
) -> CompressedMatrix:
    """Compress a matrix, or an array unfolded to one, by low rank and low precision.

    Parameters
    ----------
    matrix : str, path, sequence of them, or array
        A ``.npy``, ``.npz`` (SciPy's sparse ones too), HDF5, Zarr, safetensors, Matrix Market,
        netCDF or MATLAB file, or one of raw numbers; several files are joined along the first axis.
        Or anything with ``shape``, ``dtype`` and row slices: an array, a memory map, an h5py
        dataset, a Zarr array, a SciPy sparse matrix, a dask array. Of two to five dimensions.
    rank : int, optional
        Most components kept. Needed where neither a size nor an error is asked for.
    bits : int, optional
        Bits per factor entry, 1 to 16, 4 by default: the mean over all entries, at most. Not
        together with a size or an error.
    bits_right : int, optional
        For the right factor, if not the same.
    bpc, ratio, size : float, float, int, optional
        Most bits per coordinate, least compression ratio, or most bytes, of the whole file.
    rel_error : float, optional
        Largest relative Frobenius error; 0 for no error at all.
    max_abs_error : float, optional
        Largest absolute error of any entry.
    mode : str, optional
        ``factors``, ``factors+residual`` or ``direct``; the best for the matrix by default.
    transform : str, optional
        Transform of factors and fields over their grids: ``dct``, ``cdf97`` or ``cdf97-tensor``
        where it pays, for factors ``klt`` too, or ``none``; ``auto``, the default, takes the best.
    center : str, optional
        Means stored apart from the factors: ``mean-row`` (the mean over the rows, 1 x d),
        ``mean-column`` (the mean over the columns, n x 1; the mean field where snapshots are
        columns), ``both``, or ``auto``, which looks at every choice first and stores means where
        error or size is predicted to be 3 % less. ``none`` by default; and for no error at all.
    passes : int, optional
        How often the matrix may be read, the measurement included. With 1 or 2 the error is
        estimated (``report.exact`` is False), and a size needs a rank too; an error needs 3 or
        more. With 1 an ``.npy`` file that is a pipe is not copied first.
    method : str, optional
        ``rate-distortion`` or ``packed``, by what is asked; or one of the paper's, ``lplr``,
        ``lsvd``, ``dsvd``, ``nq``.
    sketch : str, optional
        Random matrix that the range finder multiplies with: ``gaussian``, the default, ``srht``
        or ``sparse-sign``.
    oversampling : int, optional
        Columns of the sketch beyond the rank, 8 by default, 3 r + 1 for one pass; for ``packed``
        only.
    power_iterations : int, optional
        Products with AᵀA: 2 by default for the engines, 0 for ``lplr``.
    seed : int
        Seed of the sketch.
    dataset : str, optional
        Which array of a ``.npz``, HDF5, Zarr or safetensors file.
    shape, dtype : sequence of int, dtype or str, optional
        The file is raw numbers without a header: shape and type of the array, such as ``">f4"``.
        Both or neither.
    order : str
        Order of raw numbers: ``C`` where the last axis varies fastest, ``F`` where the first does.
    unfold : int or "auto", optional
        How many of the first axes of an array become the rows of the matrix; 1 by default.
        ``auto`` looks at every choice first, and takes the one with the least predicted error, or
        size; not for a rank alone.
    row_grid, column_grid : sequence of int, optional
        Extents of the grid that the rows, or columns, of a matrix are a flattening of.
    threads : int, optional
        All usable processors by default; the result does not depend on it.
    memory_limit : int, optional
        Bytes that this process may have resident, what it has already included: what exceeds
        them lies in scratch files, and the result does not depend on it. By default three
        quarters of what is free more than it has.
    scheduler : str or distributed.Client, optional
        Dask cluster whose workers read the matrix and do the passes: its address such as
        ``tcp://host:8786``, or a client. For paths that the workers can open, or a dask array,
        which is worked on where its active client computes it by default. The result does not
        depend on it.

    Raises
    ------
    MemoryLimitError
        If more memory is needed than that.
    InputError
        If the matrix cannot be read, is not one, or holds NaN or infinity.
    PlanError
        If the options contradict each other or the shape, or are numbers of another kind.
    TargetUnreachableError
        If the size or the error cannot be reached.
    ClusterError
        If the cluster cannot be used, or loses the same work too often.

    Examples
    --------
    >>> import numpy as np
    >>> import lplrcli
    >>> c = lplrcli.compress(np.ones((100, 50), np.float32), rank=1, bits=2)
    >>> c.shape, c.rank
    ((100, 50), 1)
    """
    threads, memory_limit = whole("threads", threads), whole("memory_limit", memory_limit)
    paths = paths_of(matrix)
    layout = None
    if shape is not None or dtype is not None:
        if paths is None or shape is None or dtype is None:
            raise PlanError("shape and dtype say what a file of raw numbers holds, both together")
        layout = RawLayout.of(shape, dtype, order)
    request = UnfoldingRequest(
        None if unfold == "auto" else integer("unfold", unfold),
        _extents("row_grid", row_grid),
        _extents("column_grid", column_grid),
    )
    opening: dict[str, Any] = {"request": request, "threads": threads, "scheduler": scheduler}
    source = (
        open_array(matrix, **opening)
        if paths is None
        else open_source(paths, dataset=dataset, layout=layout, once=passes == 1, **opening)
    )
    asked = CompressionRequest(
        method=method,
        rank=whole("rank", rank),
        bits=whole("bits", bits),
        bits_right=whole("bits_right", bits_right),
        bpc=real("bpc", bpc),
        ratio=real("ratio", ratio),
        size=whole("size", size),
        rel_error=real("rel_error", rel_error),
        max_abs_error=real("max_abs_error", max_abs_error),
        mode=mode,
        transform=transform,
        center=center,
        passes=whole("passes", passes),
        sketch=sketch,
        oversampling=whole("oversampling", oversampling),
        power_iterations=whole("power_iterations", power_iterations),
        seed=whole("seed", seed) or 0,
    )
    with limited_memory(memory_limit), source:
        predictor = None
        if unfold == "auto":
            source, predictor = best_unfolded(source, asked, threads or usable_cpus(), None)
        return CompressedMatrix(
            pipeline.compress(source, asked, threads=threads, predictor=predictor)
        )


def _extents(name: str, grid: Sequence[int] | None) -> tuple[int, ...] | None:
    if grid is None:
        return None
    return tuple(integer(name, extent) or 0 for extent in grid)
