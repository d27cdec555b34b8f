"""The table of formats: to add one is to write its module and a line of `FORMATS`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import PurePath
from typing import Any, BinaryIO

from lplrcli.io.formats import magic


@dataclass(frozen=True)
class Format:
    """One line of `FORMATS`.

    Attributes
    ----------
    module : str
        Module in `lplrcli.io.formats` that reads and writes it, imported on first use. It has
        ``open_handle(file, path, name, dataset, request)``, where the format is written
        ``create_sink(stream, shape, unfold, dtype, dataset, gzip)``, and where folders are read
        ``open_folder(path, dataset, request)``.
    title : str
        Its name in messages.
    suffixes : tuple of str
        Ends of file names, in lower case; the first one is given to new files.
    recognises : callable
        Whether a binary file, positioned at its start, is in this format.
    named : bool
        Whether a file may hold several arrays, told apart by their names.
    written : bool
        Whether it is written too.
    recognises_folder : callable, optional
        Whether the path is that of a folder in this format.
    """

    module: str
    title: str
    suffixes: tuple[str, ...]
    recognises: Callable[[BinaryIO], bool]
    named: bool = False
    written: bool = False
    recognises_folder: Callable[[str], bool] | None = None

    def load(self) -> Any:
        """Import the module of the format."""
        return import_module(f"lplrcli.io.formats.{self.module}")


FORMATS: dict[str, Format] = {
    "npy": Format("npy", "NumPy .npy", (".npy",), magic.is_npy, written=True),
    "npz": Format("npz", "NumPy .npz", (".npz",), magic.is_npz, named=True),
    "hdf5": Format(
        "hdf5", "HDF5", (".h5", ".hdf5", ".hdf", ".he5"), magic.is_hdf5, named=True, written=True
    ),
    "zarr": Format(
        "zarr",
        "Zarr",
        (".zarr", ".zarr.zip"),
        magic.is_zipped_zarr,
        named=True,
        recognises_folder=magic.is_zarr_folder,
    ),
    "safetensors": Format(
        "safetensors", "safetensors", (".safetensors",), magic.is_safetensors, named=True
    ),
    "mtx": Format("mtx", "Matrix Market", (".mtx", ".mtx.gz"), magic.is_mtx, written=True),
    "netcdf": Format(
        "netcdf", "netCDF classic", (".nc", ".cdf", ".nc3"), magic.is_netcdf, named=True
    ),
    "mat": Format("mat", "MATLAB 4 and 5", (".mat",), magic.is_mat, named=True),
}
"""Formats recognised by their content, by key, in the order in which they are tried."""

RAW = "raw"
"""Key for files of numbers without a header; never detected: the user says so."""

MIXED = "mixed"
"""Key for several files that are not all in one format."""


def format_of_folder(path: str) -> str | None:
    """Key of the format of a folder; None where the path is no folder of any format."""
    for key, entry in FORMATS.items():
        if entry.recognises_folder is not None and entry.recognises_folder(path):
            return key
    return None


def format_of_suffix(path: str) -> str | None:
    """Key of the format that a file of this name is written in, None where it says none."""
    name = PurePath(path).name.lower()
    for key, entry in FORMATS.items():
        if entry.written and name.endswith(entry.suffixes):
            return key
    return None


def suffix_of_format(format: str) -> str:  # noqa: A002
    """Suffix, with its dot, of a new file in a format of `FORMATS`."""
    return FORMATS[format].suffixes[0]
