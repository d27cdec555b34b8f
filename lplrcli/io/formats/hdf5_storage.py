"""Check that everything a dataset of HDF5 says to hold is really stored somewhere.

The library gives fill values, and no error, for the sources of a virtual dataset that it does not
find, and zeros for external files that are too short. Such values are no data.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from pathlib import Path

import h5py

from lplrcli.errors import InputError
from lplrcli.io.formats.hdf5_library import H5_ERRORS
from lplrcli.io.handles.unfolding import shorten

_SAME_FILE = "."
_BLOCK_NUMBER = re.compile(r"(?<!%)(%%)*%\d*b")
"""Place of a number in the name of a source. The extent of such a dataset ends with the sources
that the library finds."""


def require_storage(dataset: h5py.Dataset, name: str) -> None:
    """Refuse a dataset of which a part is stored nowhere, and has no value that is defined.

    Parameters
    ----------
    dataset : h5py.Dataset
        Dataset of an open file.
    name : str
        Name of the file, for messages.

    Raises
    ------
    InputError
        A source of a virtual dataset, an external file or a chunk without a fill value is missing;
        the message names it.
    """
    _require(dataset, name, set())


def _require(dataset: h5py.Dataset, name: str, seen: set[tuple[str, str]]) -> None:
    where = (str(dataset.file.filename), str(dataset.name))
    if where in seen:
        return
    seen.add(where)
    if dataset.is_virtual:
        _require_sources(dataset, name, seen)
        return
    plist = dataset.id.get_create_plist()
    if plist.get_external_count():
        _require_external(dataset, plist, name)
    elif _fill_is_undefined(plist):
        _require_allocated(dataset, name)


def _require_sources(dataset: h5py.Dataset, name: str, seen: set[tuple[str, str]]) -> None:
    """Check the sources of a virtual dataset, and theirs."""
    for file_name, source_name in sorted(_sources(dataset)):
        if file_name == _SAME_FILE:
            _require_in(dataset.file, file_name, source_name, dataset, name, seen)
            continue
        if dataset.file.driver == "fileobj":
            raise _missing(
                dataset,
                name,
                f"source file {shorten(file_name)} is not found from a stream or a URL",
                "Give the virtual file by its path, with its source files beside it.",
            )
        place = _found(file_name, dataset.file.filename, "HDF5_VDS_PREFIX")
        if place is None:
            raise _missing(dataset, name, f"source file {shorten(file_name)} is missing")
        try:
            with h5py.File(place, "r") as source_file:
                _require_in(source_file, file_name, source_name, dataset, name, seen)
        except H5_ERRORS as error:
            if isinstance(error, InputError):
                raise
            what = f"source file {shorten(file_name)} cannot be opened"
            raise _missing(dataset, name, what) from error


def _sources(dataset: h5py.Dataset) -> set[tuple[str, str]]:
    """Names of files and datasets, as the library looks for them."""
    found = {(source.file_name, source.dset_name) for source in dataset.virtual_sources()}
    return {
        (file_name.replace("%%", "%"), source_name.replace("%%", "%"))
        for file_name, source_name in found
        if not _BLOCK_NUMBER.search(file_name) and not _BLOCK_NUMBER.search(source_name)
    }


def _require_in(
    file: h5py.File,
    file_name: str,
    source_name: str,
    dataset: h5py.Dataset,
    name: str,
    seen: set[tuple[str, str]],
) -> None:
    """Check one source dataset in its file."""
    source = file.get(source_name)
    if not isinstance(source, h5py.Dataset):
        where = "" if file_name == _SAME_FILE else f" in source file {shorten(file_name)}"
        raise _missing(dataset, name, f"source dataset {shorten(source_name)}{where} is missing")
    _require(source, name, seen)


def _require_external(dataset: h5py.Dataset, plist: h5py.h5p.PropDCID, name: str) -> None:
    """Check that external files are there, and as long as the dataset needs."""
    needed = dataset.size * dataset.dtype.itemsize
    for at in range(plist.get_external_count()):
        raw, offset, size = plist.get_external(at)
        file_name = os.fsdecode(raw)
        place = _found(file_name, "", "HDF5_EXTFILE_PREFIX")
        if place is None:
            raise _missing(dataset, name, f"external file {shorten(file_name)} is missing")
        part = min(int(size), needed)
        found = Path(place).stat().st_size
        if found < offset + part:
            raise InputError(
                f"external file {shorten(file_name)} of dataset {dataset.name} is cut short",
                path=name,
                found=f"{found} bytes",
                expected=f"at least {offset + part}",
                advice="Copy the whole file again.",
            )
        needed -= part


def _fill_is_undefined(plist: h5py.h5p.PropDCID) -> bool:
    undefined: bool = plist.fill_value_defined() == h5py.h5d.FILL_VALUE_UNDEFINED
    return undefined or bool(plist.get_fill_time() == h5py.h5d.FILL_TIME_NEVER)


def _require_allocated(dataset: h5py.Dataset, name: str) -> None:
    """Check that all chunks are there, or all of the entries where there are no chunks."""
    if dataset.chunks is None:
        missing = (
            dataset.size and dataset.id.get_space_status() == h5py.h5d.SPACE_STATUS_NOT_ALLOCATED
        )
        what = "the entries were never written"
    else:
        sides = zip(dataset.shape, dataset.chunks, strict=True)
        expected = math.prod(-(-extent // side) for extent, side in sides)
        missing = expected - dataset.id.get_num_chunks()
        what = f"{missing} of {expected} chunks were never written"
    if missing > 0:
        raise _missing(dataset, name, f"{what}, and no fill value is defined")


def _found(file_name: str, main_file: str, variable: str) -> str | None:
    """Find a file as the library does: at a prefix, beside the file that names it, or from here."""
    folders = [*os.environ.get(variable, "").split(":"), str(Path(main_file).parent), ""]
    names = [file_name]
    if main_file and Path(file_name).is_absolute():
        names.append(Path(file_name).name)
    for place in _places(names, folders):
        if Path(place).is_file():
            return place
    return None


def _places(names: list[str], folders: list[str]) -> Iterator[str]:
    for file_name in names:
        for folder in folders:
            yield str(Path(folder) / file_name)


def _missing(dataset: h5py.Dataset, name: str, what: str, advice: str | None = None) -> InputError:
    return InputError(
        f"dataset {dataset.name} is not stored in whole: {what}",
        path=name,
        advice=advice or "Put it where the file expects it, or write the dataset again in whole.",
    )
