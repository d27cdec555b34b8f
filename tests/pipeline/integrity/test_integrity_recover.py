"""`recover`: what is left is what the whole file decodes to, and only what must be is lost."""

from __future__ import annotations

import io
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lplr_samples import Draft, factor, factorization, with_basis, written
from rans_samples import rans_factor
from test_golden import FOLDER, GOLDEN, decode

from lplrcli.container.byte_layout import CHUNK_TAGS
from lplrcli.container.reader import open_container
from lplrcli.container.salvage import salvage_container
from lplrcli.errors import (
    ContainerError,
    CorruptSectionError,
    NotLplrError,
    PlanError,
    UnsupportedVersionError,
)
from lplrcli.pipeline.decode.reconstruction import Reconstruction, entry_dtype
from lplrcli.pipeline.integrity.recover import Recovery

N, D = 45, 13


def residual_in_row_order():
    f = factorization((N, D), (2, 3), "factors+residual", dtype="float64")
    return replace(f, residual=factor(N * D, [2], "normal", 64))


def transformed():
    f = factorization((48, 10), (1,) * 3, "factors", "trellis")
    options = {"transform": "dct", "grid": (6, 8), "context": 2}
    return replace(f, left=rans_factor(48, 3, "trellis", 16, seed=5, **options))


SAMPLES = {
    "packed": factorization((N, D), (3, 1, 2)),
    "rans": factorization((N, D), (1,) * 4, "factors", "trellis"),
    "residual": residual_in_row_order(),
    "residual by columns": factorization((70, 5), (1,) * 4, "factors+residual", "deadzone"),
    "direct": factorization((70, 5), mode="direct", quantizer="trellis", dtype="float16"),
    "direct packed": factorization((N, D), mode="direct", dtype="int8"),
    "means": factorization((N, D), (1,) * 4, "factors", "trellis", means=("row", "column")),
    "bool": factorization((N, D), (2, 2), dtype="bool"),
    "int64": factorization((N, D), (2, 2), dtype="int64"),
    "transformed": transformed(),
    "bases": with_basis(),
}
RAW = {name: written(sample) for name, sample in SAMPLES.items()}


def sections_of(raw):
    with open_container(io.BytesIO(raw), "x") as container:
        return container.sections


def decoded(raw, i=0):
    with open_container(io.BytesIO(raw), "x") as container:
        return np.concatenate(list(Reconstruction(container.factorization(i)).blocks()))


WHOLE = {name: decoded(raw) for name, raw in RAW.items()}


def recovered(raw, i=0, threads=1, **options):
    with salvage_container(io.BytesIO(raw), "x.lplr") as salvage:
        return _held(Recovery(salvage.factorization(i), "x.lplr", threads, **options))


def _held(recovery):
    recovery.values = recovery.array().reshape(recovery.losses.shape)
    return recovery


def mask_of(name, lost):
    """Entries that depend on lost chunks, worked out from the specification alone."""
    sample = SAMPLES[name]
    n, d = sample.shape
    mask = np.zeros((n, d), bool)
    for tag, ordinal in lost:
        side = {"LEFT": "left", "RGHT": "right", "RESD": "residual", "MROW": "mean_row"}.get(tag)
        if tag in ("LBAS", "RBAS"):
            mask[:] = True
            continue
        part = sample.parts[side or "mean_column"]
        start = ordinal * part.chunk_length
        stop = start + part.chunk_length
        if tag in ("RGHT", "MROW"):
            mask[:, start:stop] = True
        elif tag == "RESD" and part.components == 1:
            mask.reshape(-1)[start:stop] = True
        else:
            mask[start:stop] = True
    return mask


def check(name, raw, lost, threads=1):
    """What is recovered of a damaged copy of a sample that lost these chunks."""
    mask = mask_of(name, lost)
    if mask.all():
        with pytest.raises(CorruptSectionError, match="nothing of the matrix is left"):
            recovered(raw, threads=threads)
        return
    recovery = recovered(raw, threads=threads)
    whole = WHOLE[name]
    if not lost:
        assert recovery.whole and recovery.dtype == whole.dtype
    expected = whole.astype(recovery.dtype)
    assert recovery.values[~mask].tobytes() == expected[~mask].tobytes()
    assert np.isnan(recovery.values[mask].astype(np.float64)).all()
    found = np.zeros(mask.shape, bool)
    for each in recovery.losses.rectangles:
        found[slice(*each.rows), slice(*each.columns)] = True
    assert (found == mask).all()
    assert recovery.losses.entries == mask.sum()
    told = {
        (each.chunks.section, number) for each in recovery.lost for number in each.chunks.numbers
    }
    assert told == set(lost)


EACH = pytest.mark.parametrize("name", SAMPLES)


@EACH
def test_each_section_damaged_in_turn(name):
    raw = RAW[name]
    for section in sections_of(raw):
        spoilt = bytearray(raw)
        spoilt[section.offset + section.length // 2] ^= 8
        if section.tag in ("META", "COMP"):
            with pytest.raises(CorruptSectionError, match=f"section {section.tag}: wrong payload"):
                recovered(bytes(spoilt))
        else:
            lost = [] if section.tag in ("INDX", "LEND") else [(section.tag, section.ordinal)]
            check(name, bytes(spoilt), lost)


@EACH
def test_a_file_cut_at_every_boundary(name):
    raw, sections = RAW[name], sections_of(RAW[name])
    for kept, section in enumerate(sections):
        for length in (section.header_offset, section.offset, section.end - 1):
            if section.tag in ("META", "COMP"):
                with pytest.raises(ContainerError):
                    recovered(raw[:length])
                continue
            lost = [(s.tag, s.ordinal) for s in sections[kept:] if s.tag not in ("INDX", "LEND")]
            check(name, raw[:length], lost)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_overwritten_bytes(data):
    name = data.draw(st.sampled_from(list(SAMPLES)))
    raw, sections = RAW[name], sections_of(RAW[name])
    (tables,) = (s for s in sections if s.tag == "COMP")
    spoilt = bytearray(raw)
    for _ in range(data.draw(st.integers(1, 3))):
        # Behind the heads, without which there is no matrix, in file header and index too.
        at = data.draw(st.integers(tables.end, len(raw) - 1) | st.integers(0, 31))
        size = data.draw(st.integers(1, 90))
        stop = min(at + size, 32 if at < 32 else len(raw))
        spoilt[at:stop] = data.draw(st.binary(min_size=stop - at, max_size=stop - at))
    index_whole = _is_whole(raw, spoilt, next(s for s in sections if s.tag == "INDX"))
    header_lost = {
        s.offset
        for s in sections
        if raw[s.header_offset : s.offset] != bytes(spoilt[s.header_offset : s.offset])
    }
    index_found = index_whole and (
        not header_lost & {s.offset for s in sections if s.tag == "INDX"}
    )
    lost = [
        (s.tag, s.ordinal)
        for s in sections
        if s.tag not in ("META", "COMP", "INDX", "LEND")
        and (not _is_whole(raw, spoilt, s) or (s.offset in header_lost and not index_found))
    ]
    if bytes(spoilt[8:10]) != raw[8:10] or bytes(spoilt[10:12]) != raw[10:12]:
        # A version number may be valid by chance only if its checksum is.
        assert bytes(spoilt[:32]) != raw[:32]
    check(name, bytes(spoilt), lost, threads=data.draw(st.sampled_from([1, 2])))


def _is_whole(raw, spoilt, section):
    return bytes(spoilt[section.offset : section.end]) == raw[section.offset : section.end]


def test_bytes_missing_in_the_middle():
    raw, sections = RAW["packed"], sections_of(RAW["packed"])
    third = next(s for s in sections if (s.tag, s.ordinal) == ("LEFT", 2))
    # A lost block of a disk: sections after it lie elsewhere, yet where sections may.
    check("packed", raw[: third.header_offset] + raw[third.header_offset + 64 :], [("LEFT", 2)])


def test_headers_and_padding_do_not_matter_where_the_index_is_whole():
    spoilt = bytearray(RAW["rans"])
    for section in sections_of(RAW["rans"])[:-2]:
        spoilt[section.header_offset : section.offset] = b"?" * 32
    check("rans", bytes(spoilt), [])


def test_an_index_is_found_though_the_end_is_lost():
    raw, sections = RAW["rans"], sections_of(RAW["rans"])
    spoilt = bytearray(raw[: sections[-1].header_offset]) + b"trailing bytes"
    for section in sections[:-2]:
        spoilt[section.header_offset] ^= 1
    check("rans", bytes(spoilt), [])


def test_a_chunk_with_a_right_checksum_that_does_not_decode_is_lost():
    draft = Draft(RAW["rans"])
    draft["LEFT"].payload = bytes(3) + b"\1" * 13 + draft["LEFT"].payload[16:]
    recovery = recovered(draft.build())
    assert recovery.losses.rows == ((0, 8),) and not recovery.losses.columns


def test_other_matrices_are_recovered():
    samples = [SAMPLES["packed"], SAMPLES["rans"], SAMPLES["means"]]
    raw = written(*samples)
    spoilt = bytearray(raw)
    with open_container(io.BytesIO(raw), "x") as container:
        (second,) = (s for s in container.sections if s.tag == "META" and s.matrix == 1)
        spoilt[second.offset] ^= 1
    for raw in (bytes(spoilt), bytes(spoilt[:-8])):
        with pytest.raises(CorruptSectionError, match="META"):
            recovered(raw, 1)
        for i, name in ((0, "packed"), (2, "means")):
            found = recovered(raw, i)
            assert found.whole and found.values.tobytes() == WHOLE[name].tobytes()


@pytest.mark.parametrize("name", ["bool", "direct packed", "int64"])
def test_types_without_nan(name):
    raw = bytearray(RAW[name])
    section = next(s for s in sections_of(RAW[name]) if s.tag in ("LEFT", "RESD") and s.ordinal)
    raw[section.offset] ^= 1
    raw = bytes(raw)
    assert recovered(raw).dtype == (np.float64 if name == "int64" else np.float32)
    mask = mask_of(name, [(section.tag, section.ordinal)])
    filled = recovered(raw, fill=1)
    assert filled.dtype == WHOLE[name].dtype
    assert (filled.values[mask] == 1).all()
    assert (filled.values[~mask] == WHOLE[name][~mask]).all()
    for fill in (None, math.nan, 0.5, 1e30, math.inf):
        with pytest.raises(PlanError, match=r"does not hold.*\n.*--fill"):
            recovered(raw, fill=fill, dtype=entry_dtype(SAMPLES[name].dtype))
    with pytest.raises(PlanError, match="float16"):
        recovered(raw, fill=1e30, dtype=np.dtype(np.float16))
    assert recovered(raw, dtype=entry_dtype("bfloat16")).dtype == entry_dtype("bfloat16")


def test_files_that_are_no_damaged_ones_are_refused():
    with pytest.raises(NotLplrError):
        recovered(b"\x93NUMPY" + bytes(500))
    draft = Draft(RAW["packed"])
    draft.major = 9
    with pytest.raises(UnsupportedVersionError):
        recovered(draft.build())


def test_a_matrix_that_claims_more_chunks_than_anyone_could_count():
    draft = Draft(RAW["direct packed"])

    def change(document):
        document["array"]["shape"] = document["matrix"]["shape"] = [2**40, 2**20]
        record = document["factors"]["residual"]
        record.update(length=2**60, grid=[2**60], chunk_length=64)

    draft.edit_json(change)
    with pytest.raises(ContainerError):
        open_container(io.BytesIO(draft.build()), "x").metadata()
    with salvage_container(io.BytesIO(draft.build()), "x") as salvage:
        recovery = Recovery(salvage.factorization(), "x", 1)
    assert recovery.chunks["residual"][1] == 2**54
    assert recovery.losses.entries > 2**59


@pytest.mark.parametrize("path", GOLDEN[::8], ids=lambda path: path.stem)
def test_golden_files_without_their_last_chunk(path):
    """Beside an independent reading of the whole file."""
    raw = bytearray(path.read_bytes())
    references = decode.decode_file(path)
    chunks = [each for each in sections_of(bytes(raw)) if each.tag in CHUNK_TAGS.values()]
    if not chunks:
        pytest.skip("a matrix of zeros has no chunk to lose")
    raw[chunks[-1].end - 1] ^= 16
    i = chunks[-1].matrix
    with salvage_container(io.BytesIO(bytes(raw)), str(path)) as salvage:
        factors = salvage.factorization(i)
        try:
            recovery = Recovery(factors, str(path), fill=0)
        except CorruptSectionError as error:
            assert "nothing of the matrix is left" in str(error)
            return
        found = recovery.array().astype(np.float64)
    reference = references[i].array
    if recovery.dtype.name == "bfloat16":
        reference = reference.view(recovery.dtype)
    expected = reference.astype(np.float64)
    matrix = expected.reshape(factors.shape)
    for each in recovery.losses.rectangles:
        matrix[slice(*each.rows), slice(*each.columns)] = 0
    scale = np.abs(matrix).max()
    step = 1.0 if recovery.dtype.kind in "iub" else 1e-2 * scale
    assert np.abs(found.reshape(factors.shape) - matrix).max() <= step


def test_golden_files_are_there():
    assert FOLDER.is_dir() and len(GOLDEN[::8]) > 15


@pytest.mark.parametrize(
    "path", [next(FOLDER.glob(f"{folder.name}/*.lplr")) for folder in FOLDER.glob("v*")], ids=str
)
def test_files_of_any_version_do_without_their_header(path):
    raw = bytes(32) + path.read_bytes()[32:]
    with salvage_container(io.BytesIO(raw), str(path)) as salvage:
        recovery = Recovery(salvage.factorization(), str(path))
        assert recovery.whole and isinstance(salvage.damage[0], NotLplrError)
        found = recovery.array()
    assert found.reshape(recovery.losses.shape).tobytes() == decoded(path.read_bytes()).tobytes()
