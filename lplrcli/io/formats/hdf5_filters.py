"""Filters of HDF5 datasets that the library itself does not bring."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import h5py

from lplrcli.errors import MissingDependencyError

if TYPE_CHECKING:
    from h5py import Dataset

# Registered filter numbers, https://github.com/HDFGroup/hdf5_plugins
NAMES = {
    4: "szip",
    307: "bzip2",
    32000: "lzf",
    32001: "blosc",
    32004: "lz4",
    32008: "bitshuffle",
    32013: "zfp",
    32015: "zstd",
    32017: "sz",
    32018: "fcidecomp",
    32024: "sz3",
    32026: "blosc2",
    32028: "sperr",
}


def require_filters(dataset: Dataset, name: str) -> None:
    """Make every filter of a dataset available.

    Parameters
    ----------
    dataset : h5py.Dataset
    name : str
        Name of the file, for messages.

    Raises
    ------
    MissingDependencyError
        A filter is neither built in nor in hdf5plugin, or hdf5plugin is not installed.
    """
    plist = dataset.id.get_create_plist()
    numbers = [plist.get_filter(i)[0] for i in range(plist.get_nfilters())]
    if all(map(h5py.h5z.filter_avail, numbers)):
        return
    try:
        import_module("hdf5plugin")  # registers its filters with the library
        installed = True
    except ImportError:
        installed = False
    for number in numbers:
        if not h5py.h5z.filter_avail(number):
            raise MissingDependencyError(
                f"dataset {dataset.name} is stored with the HDF5 filter {number} "
                f"({NAMES.get(number, 'unknown')}), which is not installed",
                path=name,
                advice="Store it with another filter, for example with h5repack -f GZIP=4."
                if installed
                else 'Install it with pip install "lplrcli[hdf5plugin]".',
            )
