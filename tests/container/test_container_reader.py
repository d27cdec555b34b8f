"""An open file: its bytes accounted for, read from many threads, inspected without NumPy."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from lplr_samples import factorization, written

from lplrcli.container.reader import open_container


def test_bytes_are_accounted_for():
    raw = written(factorization(), factorization(mode="direct"))
    container = open_container(io.BytesIO(raw), "x")
    assert (container.count, container.version, container.file_bytes) == (2, (1, 0), len(raw))
    parts = [container.section_bytes(i) for i in (0, 1, None)]
    assert [list(p) for p in parts] == [
        ["META", "COMP", "LEFT", "RGHT"], ["META", "COMP", "RESD"], ["INDX", "LEND"],
    ]  # fmt: skip
    assert 32 + sum(sum(p.values()) for p in parts) == len(raw)
    assert all(s.offset % 64 == 0 for s in container.sections)
    with pytest.raises(IndexError, match="matrices 0 to 1"):
        container.metadata(2)


@pytest.mark.parametrize("kind", ["plain", "unbuffered", "memory", "gzip"])
def test_reads_any_seekable_file_from_many_threads(tmp_path, kind):
    f = factorization((4000, 10))
    raw = written(f)
    (tmp_path / "a.lplr").write_bytes(raw)
    (tmp_path / "a.gz").write_bytes(gzip.compress(raw))
    file = {
        "plain": lambda: (tmp_path / "a.lplr").open("rb"),
        "unbuffered": lambda: (tmp_path / "a.lplr").open("rb", buffering=0),
        "memory": lambda: io.BytesIO(raw),
        "gzip": lambda: gzip.GzipFile(tmp_path / "a.gz"),
    }[kind]()
    with open_container(file, "a") as container, ThreadPoolExecutor(4) as pool:
        chunks = container.factorization().left.chunks
        start = threading.Barrier(4)

        def every(_):
            start.wait()
            return list(chunks)

        assert all(found == f.left.chunks for found in pool.map(every, range(4)))
        assert chunks[-1] == f.left.chunks[-1] and list(chunks[1:3]) == f.left.chunks[1:3]
    assert file.closed


def test_inspection_needs_no_numpy(tmp_path):
    path = tmp_path / "a.lplr"
    path.write_bytes(written(factorization()))
    code = (
        "import sys; from lplrcli.container.reader import open_container\n"
        f"c = open_container(open({str(path)!r}, 'rb'), 'a'); c.metadata(0); c.section_bytes(0)\n"
        "c.close(); assert 'numpy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, env=dict(os.environ))
