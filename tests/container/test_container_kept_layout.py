"""Layout of kept entries: counts, headers of arrays, and what metadata may say of them."""

from __future__ import annotations

import dataclasses

import pytest
from lplr_samples import kept, kept_array, read_all, written

from lplrcli.container.byte_layout import Section
from lplrcli.container.kept_layout import (
    arrays_of,
    check_chunk,
    chunk_record,
    chunks_of,
    pack_counts,
    parse_counts,
    tables_length,
)
from lplrcli.errors import CorruptSectionError

SPARSE = {"form": "sparse", "chunk_rows": 4, "entries": 9}


def test_chunks_and_tables_are_counted():
    assert [chunks_of(SPARSE, rows) for rows in (1, 4, 5, 9)] == [1, 1, 2, 3]
    document = {"factors": {}, "kept": SPARSE, "matrix": {"shape": [9, 3]}}
    assert tables_length(document) == 24
    assert tables_length(document | {"kept": SPARSE | {"form": "dense"}}) == 0
    assert tables_length({"factors": {"left": {"table_length": 7}}}) == 7
    assert chunk_record(SPARSE, 9)["coding"] == "kept-sparse"


def test_counts_come_back_and_fit_the_rows():
    assert parse_counts(pack_counts((5, 4, 0)), SPARSE, (9, 3)) == (5, 4, 0)
    for counts in ((5, 3, 0), (13, 0, 0), (2, 3, 4), (2**63, 0, 0)):
        with pytest.raises(CorruptSectionError, match="wrong number of entries"):
            parse_counts(pack_counts(counts), SPARSE, (9, 3))


def test_arrays_of_a_chunk_are_told_apart():
    chunk = kept_array(b"abc", 1) + kept_array(b"")
    (first, frame), (second, _) = arrays_of("sparse", chunk)
    assert (first, second) == (1, 0) and kept_array(b"abc", 1).endswith(frame)
    check_chunk("dense", Section("KEPT", 0, 0, 0, 64, 0), kept_array(b"abc", 7))
    for raw in (chunk[:-1], chunk + b"\0", chunk[:20], b"", b"\2" + chunk[1:]):
        with pytest.raises(CorruptSectionError, match=r"KEPT.*at byte (6[4-9]|[7-9]\d|1\d\d)"):
            check_chunk("sparse", Section("KEPT", 0, 0, 0, 64, 0), raw)


@pytest.mark.parametrize(
    "change", [{"chunks": []}, {"counts": (1, 2, 3)}, {"entries": 6}, {"step": float("inf")}]
)
def test_the_writer_refuses_what_no_reader_takes(change):
    made = kept("sparse", step=0.5)
    assert read_all(written(made))[0].kept.counts == made.kept.counts
    spoilt = dataclasses.replace(made, kept=dataclasses.replace(made.kept, **change))
    with pytest.raises(CorruptSectionError):
        written(spoilt)


def test_only_files_with_kept_entries_need_1_1():
    plain = dataclasses.replace(kept(), kept=None)
    assert written(kept())[8:12] == b"\1\0\1\0"
    with pytest.raises(CorruptSectionError, match=r"plan.mode|factors"):
        written(plain)
