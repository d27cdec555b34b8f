"""dask arrays: what they are like, and their chunks as groups of blocks."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from lplrcli.errors import NotAMatrixError
from lplrcli.io.handles.in_memory import handle_of_array
from lplrcli.io.handles.unfolding import UnfoldingRequest
from lplrcli.io.sources.dask_worker import Description, Span
from lplrcli.io.sources.local_source import LocalSource
from lplrcli.runtime.tree_sum import GROUP

if TYPE_CHECKING:
    from distributed import Client, Future

    from lplrcli.io.sources.dask_cluster import Cluster


def is_dask_array(array: Any) -> bool:
    """Whether it is one, without importing dask for those that are not."""
    module = sys.modules.get("dask.array")
    return module is not None and isinstance(array, module.Array)


def active_client() -> Client | None:
    """The distributed client that computes dask collections at present, if there is one."""
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return None
    try:
        client: Client = distributed.Client.current()
    except ValueError:
        return None
    return client


def check_dask_array(array: Any) -> None:
    """See that its shape is known and its chunks are NumPy's.

    Raises
    ------
    NotAMatrixError
        One of the two does not hold.
    """
    if any(np.isnan(extent) for extent in array.shape):
        raise NotAMatrixError(
            "the shape of the dask array is not known",
            path="array",
            found=f"shape {array.shape}",
            advice="Call its compute_chunk_sizes() first.",
        )
    if not isinstance(array._meta, np.ndarray) or isinstance(array._meta, np.ma.MaskedArray):
        raise NotAMatrixError(
            "the chunks of the dask array are not plain NumPy arrays",
            path="array",
            found=type(array._meta).__name__,
            advice="Convert them with map_blocks first.",
        )


class ArrayRows:
    """Rows of a dask array, computed on the cluster as they are asked for.

    Parameters
    ----------
    cluster : Cluster
    array : dask.array.Array
    request : UnfoldingRequest
        How it becomes a matrix.
    """

    def __init__(self, cluster: Cluster, array: Any, request: UnfoldingRequest) -> None:
        import dask

        check_dask_array(array)
        handle = handle_of_array(array, request)
        self.description = Description.of(LocalSource(handle, name="array", format="array"))
        self._cluster = cluster
        self._array = array
        height = GROUP * handle.block_rows
        columns = handle.shape[1]
        matrix = array.reshape(handle.shape).rechunk((height, columns))
        # Optimised once: what one group needs is then a few tasks.
        (matrix,) = dask.optimize(matrix)
        self._height = height
        self._name = matrix.name
        self._graph = dict(matrix.__dask_graph__())

    def of(self, span: Span) -> Future:
        """The rows of a group, as an array on one worker."""
        from dask.optimization import cull

        key = (self._name, span.start // self._height, 0)
        graph, _ = cull(self._graph, [key])
        (future,) = self._cluster.client.get(graph, [key], sync=False)
        return future

    def unfolded(self, axes: int) -> ArrayRows:
        """The same array with that many leading axes as rows."""
        return ArrayRows(self._cluster, self._array, UnfoldingRequest(axes))
