"""Files that every worker of a cluster opens, and checks that all of them see the same."""

from __future__ import annotations

import platform
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from stat import S_ISDIR
from threading import Lock
from typing import Any

from lplrcli.errors import ClusterError
from lplrcli.io.files.remote import is_url
from lplrcli.io.opening import open_local
from lplrcli.io.sources.local_source import LocalSource
from lplrcli.model.version import __version__


def versions() -> dict[str, str]:
    """Versions of everything here that bytes depend on."""
    return {
        "lplr": __version__,
        "Python": ".".join(platform.python_version_tuple()[:2]),
        **{name: version(name) for name in ("numpy", "numba", "scipy")},
    }


def check_versions(expected: dict[str, str], dask_worker: Any = None) -> str:
    """Check the packages of this worker, and return its address.

    Parameters
    ----------
    expected : dict
        What `versions` gives elsewhere.
    dask_worker : distributed.Worker, optional
        This one; ``Client.run`` gives it under this name, and within a task it is known.

    Raises
    ------
    ClusterError
        A package has another version: bytes could differ.
    """
    from distributed import get_worker

    address, here = str((dask_worker or get_worker()).address), versions()
    for package, version_there in expected.items():
        if here[package] != version_there:
            raise ClusterError(
                f"the worker {address} has another version of {package}, "
                "of which bytes could differ",
                found=here[package],
                expected=version_there,
                advice="Run scheduler, workers and lplr in equal environments.",
            )
    return address


@dataclass(frozen=True)
class Opening:
    """Files, as every worker opens them.

    Attributes
    ----------
    paths : tuple of str
        Absolute paths, or URLs.
    name : str
        What the user calls it, for messages.
    arguments : dict
        Arguments of `lplrcli.io.opening.open_local`.
    lengths : tuple of (int or None), or None
        Bytes of the files where they are known; they must be the same everywhere.
    versions : dict
        Versions of packages in the process that the results go to.
    """

    paths: tuple[str, ...]
    name: str
    arguments: dict[str, Any]
    lengths: tuple[int | None, ...] | None = None
    versions: dict[str, str] = field(default_factory=versions)

    def checked(self, dask_worker: Any = None) -> tuple[int | None, ...]:
        """Bytes of the files as they are seen here; None for URLs and folders.

        Parameters
        ----------
        dask_worker : distributed.Worker, optional
            See `check_versions`.

        Raises
        ------
        ClusterError
            If results would differ here: another version of a package, or no such files, or
            others.
        """
        worker = check_versions(self.versions, dask_worker)
        found = tuple(_length(path, worker) for path in self.paths)
        for path, here, there in zip(self.paths, found, self.lengths or found, strict=True):
            if here != there:
                raise ClusterError(
                    f"the worker {worker} sees another file",
                    path=path,
                    found=f"{here} bytes",
                    expected=f"{there}",
                    advice="Put the file on a file system that all workers share.",
                )
        return found


def _length(path: str, worker: str) -> int | None:
    if is_url(path):
        return None
    try:
        status = Path(path).stat()
    except OSError as error:
        raise ClusterError(
            f"the worker {worker} cannot open it: {error.strerror or error}",
            path=path,
            advice="Put the file on a file system that all workers share, under the same path.",
        ) from error
    return None if S_ISDIR(status.st_mode) else status.st_size


class SharedFile:
    """The matrix in files, opened once in every process that reads it.

    Parameters
    ----------
    opening : Opening
        All that travels from process to process.
    """

    def __init__(self, opening: Opening) -> None:
        self.opening = opening
        self._lock = Lock()
        self._source: LocalSource | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return SharedFile, (self.opening,)

    def source(self) -> LocalSource:
        """The matrix; its files are closed when it is no longer referred to."""
        with self._lock:
            if self._source is None:
                self.opening.checked()
                found = open_local(self.opening.paths, threads=1, **self.opening.arguments)
                found.name = self.opening.name
                self._source = found
            return self._source
