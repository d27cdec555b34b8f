"""Files opened for reading: a folder, a stream that is read once, or a seekable file."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from lplrcli.errors import InputError
from lplrcli.io.formats.recognition import recognise
from lplrcli.io.formats.table import FORMATS, MIXED, RAW, format_of_folder
from lplrcli.io.handles.unfolding import ANY_ARRAY, UnfoldingRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import BinaryIO

    from lplrcli.io.formats.raw import RawLayout
    from lplrcli.io.handles.base import Handle
    from lplrcli.io.sources.local_source import LocalSource


def open_local(
    paths: Sequence[str],
    *,
    dataset: str | None,
    layout: RawLayout | None,
    request: UnfoldingRequest,
    threads: int | None = None,
    observer: Callable[[int, int], None] | None = None,
    once: bool = False,
) -> LocalSource:
    """Open the matrix in one file, or in several, for the threads of this process.

    Parameters
    ----------
    paths, dataset, layout, request, threads, observer, once
        See `lplrcli.io.open_source`, which also says what is raised.
    """
    from lplrcli.io.sources.local_source import LocalSource

    if len(paths) == 1:
        handle, name, key = open_file(paths[0], dataset, layout, request, once)
    else:
        handle, name, key = open_several(paths, dataset, layout, request)
    return LocalSource(handle, name=name, format=key, threads=threads, observer=observer)


class Opened(NamedTuple):
    """The array in a file, or in several."""

    handle: Handle
    """Gives the rows."""
    name: str
    """Names the file in messages."""
    format: str
    """Key of the format: one of `FORMATS`, `RAW` or `MIXED`."""


def open_file(
    path: str,
    dataset: str | None,
    layout: RawLayout | None,
    request: UnfoldingRequest,
    once: bool = False,
) -> Opened:
    """Open the array in a file or a folder.

    Parameters
    ----------
    path, dataset, layout, request, once
        See `lplrcli.io.open_source`, which also says what is raised.
    """
    if layout is None:
        folder = format_of_folder(path)
        if folder is not None:
            return Opened(FORMATS[folder].load().open_folder(path, dataset, request), path, folder)
    if once and dataset is None and layout is None:
        from lplrcli.io.formats.npy_stream import open_forward

        file, name, reopenable, forward = open_forward(path, request)
        if forward is not None:
            return Opened(forward, name, "npy")
    else:
        from lplrcli.io.files.seekable import open_seekable

        file, name, reopenable = open_seekable(path)
    try:
        # The handle owns the file and closes it when it has no more use for it.
        return _open_seekable(file, path if reopenable else None, name, dataset, layout, request)
    except BaseException:
        file.close()
        raise


def open_several(
    paths: Sequence[str],
    dataset: str | None,
    layout: RawLayout | None,
    request: UnfoldingRequest,
) -> Opened:
    """Join the arrays of several files along their first axis.

    Parameters
    ----------
    paths, dataset, layout, request
        See `lplrcli.io.open_source`, which also says what is raised.
    """
    from lplrcli.io.handles.concatenated import concatenated

    parts: list[Opened] = []
    try:
        for path in paths:
            # One by one: those opened are closed if another cannot be.
            parts.append(open_file(path, dataset, layout, ANY_ARRAY))  # noqa: PERF401
        names = [part.name for part in parts]
        whole = f"{names[0]} ... {names[-1]}"
        handle = concatenated([part.handle for part in parts], names, whole, request)
    except BaseException:
        for part in parts:
            part.handle.close()
        raise
    formats = {part.format for part in parts}
    return Opened(handle, whole, formats.pop() if len(formats) == 1 else MIXED)


def _open_seekable(
    file: BinaryIO,
    path: str | None,
    name: str,
    dataset: str | None,
    layout: RawLayout | None,
    request: UnfoldingRequest,
) -> Opened:
    """Open the array in a file that can be sought in, and by `path` again if that is given."""
    if layout is not None:
        from lplrcli.io.formats.raw import open_raw

        _refuse_dataset(dataset, "a raw file", name)
        file.seek(0)
        return Opened(open_raw(file, name, layout, request), name, RAW)
    key = recognise(file, name)
    entry = FORMATS[key]
    if not entry.named:
        _refuse_dataset(dataset, entry.title, name)
    file.seek(0)
    return Opened(entry.load().open_handle(file, path, name, dataset, request), name, key)


def _refuse_dataset(dataset: str | None, title: str, name: str) -> None:
    """Raise `InputError` if an array is named in a file that holds one without a name."""
    if dataset is not None:
        named = ", ".join(entry.title for entry in FORMATS.values() if entry.named)
        raise InputError(
            f"{title} holds one matrix without a name, not dataset {dataset!r}",
            path=name,
            advice=f"Leave --dataset out; it is for {named}.",
        )
