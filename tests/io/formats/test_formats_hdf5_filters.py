"""Filters of HDF5 datasets: those of hdf5plugin are found, others are named with what to do."""

from __future__ import annotations

import os
import subprocess
import sys

import h5py
import hdf5plugin
import numpy as np
import pytest

from lplrcli.errors import MissingDependencyError
from lplrcli.io import open_source

A = np.random.default_rng(1).standard_normal((60, 9)).astype(np.float32)


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "a.h5")


FILTERS = {
    "blosc": hdf5plugin.Blosc(),
    "bitshuffle": hdf5plugin.Bitshuffle(),
    "lz4": hdf5plugin.LZ4(),
    "zstd": hdf5plugin.Zstd(),
    "zfp": hdf5plugin.Zfp(reversible=True),
    "blosc2": hdf5plugin.Blosc2(),
}


@pytest.mark.parametrize("installed", [True, False])
def test_filters_of_hdf5plugin(tmp_path, installed):
    for name, compression in FILTERS.items():
        with h5py.File(tmp_path / name, "w") as file:
            file.create_dataset("x", data=A, chunks=(8, 9), compression=compression)
    code = """
import sys
import numpy as np
from lplrcli.errors import MissingDependencyError
from lplrcli.io import open_source
installed, *names = sys.argv[1:]
if not eval(installed):
    sys.modules["hdf5plugin"] = None
for name in names:
    try:
        with open_source(name) as source:
            print(float(sum(source.map_blocks(lambda b: b.values.sum(dtype=float)))))
    except MissingDependencyError as error:
        assert f"({name})" in str(error) and "lplrcli[hdf5plugin]" in str(error), error
        print("missing")
"""
    run = subprocess.run(
        [sys.executable, "-c", code, str(installed), *FILTERS],
        capture_output=True,
        check=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    found = run.stdout.split()
    if installed:
        np.testing.assert_allclose(np.array(found, float), [A.sum(dtype=float)] * len(FILTERS))
    else:
        assert found == ["missing"] * len(FILTERS)


def test_a_filter_nobody_has(path):
    with h5py.File(path, "w") as file:
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_chunk((4, 4))
        plist.set_filter(40000, h5py.h5z.FLAG_OPTIONAL, ())
        space = h5py.h5s.create_simple((8, 8))
        h5py.h5d.create(file.id, b"x", h5py.h5t.NATIVE_FLOAT, space, plist)
    with pytest.raises(MissingDependencyError, match=r"40000 \(unknown\)"):
        open_source(path)


def test_built_in_filters_need_no_plugin(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=A, compression="gzip", shuffle=True, fletcher32=True)
    code = (
        "import sys; from lplrcli.io import open_source; open_source(sys.argv[1]).close();"
        "assert 'hdf5plugin' not in sys.modules and 'scipy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code, path], check=True)
