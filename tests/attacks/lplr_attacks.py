"""Hostile ``.lplr`` files: one function an attack, which says what it attacks.

All checksums are right: they find accidents, not forgeries.
"""

from __future__ import annotations

import io
import json
import struct
import zipfile
from dataclasses import replace

from lplr_samples import (
    WHOLE_FILE,
    Draft,
    DraftSection,
    factorization,
    kept,
    kept_array,
    with_basis,
    written,
)
from rans_samples import Tables, rans_factor, side_for

HUGE = 2**62


def draft(*matrices):
    return Draft(written(*(matrices or [factorization((19, 10), (3, 1))])))


def entropy():
    """A file of coding ``rans``."""
    return draft(factorization((9, 5), (1,) * 4, "factors", "trellis"))


def document(change, made=None):
    """A file with changed metadata."""
    made = made or draft()
    made.edit_json(change)
    return made.build()


def text(raw):
    """A file with this text as its metadata."""
    made = draft()
    made.set_json(raw)
    return made.build()


def frame(payload):
    """A file with this payload of ``META``."""
    made = draft()
    made["META"].payload = payload
    return made.build()


def tables(payload):
    """A file with this frame as the tables of its left factor."""
    made = entropy()
    made.set_table(payload)
    return made.build()


def zstd(stated, blocks=(), window=None):
    """A Zstandard frame by hand: its content size, and blocks that repeat a byte so many times."""
    if window is None:
        head = b"\xe0" + stated.to_bytes(8, "little")  # a single segment
    else:
        head = b"\xc0" + bytes([(window - 10) << 3]) + stated.to_bytes(8, "little")
    parts = []
    for number, repeats in enumerate(blocks):
        last = number == len(blocks) - 1
        parts.append((last | 1 << 1 | repeats << 3).to_bytes(3, "little") + b"[")
    return b"\x28\xb5\x2f\xfd" + head + b"".join(parts)


def zipped():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a.txt", "anything")
    return stream.getvalue()


# Structure


def overlapping_sections():
    """Two entries of the index name the same bytes."""
    made = draft()
    made["RGHT"].entry = {"offset": 320}
    return made.build()


def hole_between_sections():
    """Bytes that belong to no section could hold anything."""
    made = draft()
    made["COMP"].hole = 64
    return made.build()


def padding_with_content():
    """So could the padding."""
    made = draft()
    made["LEFT"].padding = b"hidden"
    return made.build()


def duplicate_tags():
    """Readers that take the first and readers that take the last would see two matrices."""
    made = draft()
    made.sections.insert(1, made.sections[0])
    return made.build()


def duplicate_chunk():
    """The same chunk twice, the second under the number of the first."""
    made = draft()
    made.sections.insert(3, made.sections[2])
    return made.build()


def length_of_2_63():
    """A length that no signed integer holds, in header and index."""
    made = draft()
    made["LEFT"].length = 2**63
    made["LEFT"].entry = {"length": 2**63}
    return made.build()


def length_that_wraps():
    """A length that leads back to the start of the file in 64 bits."""
    made = draft()
    made["LEFT"].entry = {"length": 2**64 - 64}
    return made.build()


def index_of_2_32_entries():
    """An index of 128 GiB in a file of one kilobyte."""
    made = draft()
    made.end = {"section count": 2**32 - 1}
    return made.build()


def index_of_itself():
    """An index that lists its own section."""
    made = draft()
    raw = made.build()
    entry = raw.index(b"INDX")
    made.sections.append(DraftSection(b"INDX", WHOLE_FILE, 0, raw[entry + 32 : entry + 64]))
    return made.build()


def end_that_is_its_own_index():
    """``LEND`` names its own header as that of the index."""
    made = draft()
    made.end = {"index offset": len(made.build()) - 48}
    return made.build()


def index_before_the_file():
    """An index offset that is negative in 64 bits."""
    made = draft()
    made.end = {"index offset": 2**64 - 32}
    return made.build()


def trailing_bytes():
    """Something after the end."""
    return draft().build() + b"anything"


def zip_appended():
    """A polyglot: zip archives are read from their end."""
    return draft().build() + zipped()


def zip_prepended():
    """A polyglot the other way round."""
    return zipped() + draft().build()


def unknown_critical_section():
    """A section that claims to be indispensable, named to clear the screen if it is printed."""
    made = draft()
    made.sections.append(DraftSection(b"EVIL", 0, 0))
    return made.build()


def tag_with_escapes():
    """A tag that is a terminal's escape sequence."""
    made = draft()
    made["LEFT"].entry = {"tag": b"\x1b[2J"}
    return made.build()


def headers_within_a_payload():
    """Without an index, headers are searched for: thousands, each with a length to the end."""
    made = draft()
    count = 20_000
    headers = []
    for number in range(count):
        inner = DraftSection(b"LEFT", 0, 0, length=64 * (count - number) - 32, checksum=number)
        headers.append(inner.header() + bytes(32))
    made.sections.append(DraftSection(b"xTRA", 0, 0, bytes(32) + b"".join(headers)))
    return made.build()[:-48]


# Chunks


def too_many_chunks():
    """More chunks than the metadata has rows for."""
    made = draft()
    made.sections.insert(5, DraftSection(b"LEFT", 0, 3, bytes(4)))
    return made.build()


def chunks_missing():
    """Fewer."""
    made = draft()
    del made.sections[4]
    return made.build()


def chunk_cut_short():
    """A chunk with fewer codes than it must have."""
    made = draft()
    made["LEFT"].payload = made["LEFT"].payload[:-1]
    return made.build()


def chunk_without_end():
    """A range coder that runs out of words."""
    made = entropy()
    made["LEFT"].payload = struct.pack("<4I", *[2**32 - 1] * 4)
    return made.build()


def chunk_with_words_left():
    """Words that no code needs could hold anything."""
    made = entropy()
    made["LEFT"].payload += bytes(64)
    return made.build()


def states_too_small():
    """States of the range coder that a decoder may never reach."""
    made = entropy()
    made["LEFT"].payload = bytes(64)
    return made.build()


# Zstandard


def metadata_that_states_too_much():
    """16 MiB and one byte."""
    return frame(zstd((16 << 20) + 1, [1]))


def metadata_that_states_petabytes():
    """2^50 bytes in a frame of twenty."""
    return frame(zstd(2**50, [1]))


def metadata_that_states_too_little():
    """One kilobyte stated, 32 GiB in a megabyte of blocks."""
    return frame(zstd(1000, [131072] * 262000))


def metadata_of_16_mib():
    """As much as is allowed, of brackets."""
    return frame(zstd(16 << 20, [131072] * 128))


def metadata_without_a_size():
    """A frame that says nothing of its content."""
    return frame(b"\x28\xb5\x2f\xfd\x00\x58" + (1 | 2 | 131072 << 3).to_bytes(3, "little") + b"[")


def metadata_with_a_large_window():
    """A frame for which a decoder would set 2 GiB aside."""
    return frame(zstd(100, [100], window=31))


def metadata_after_a_skippable_frame():
    """A frame that decoders skip could hold anything."""
    return frame(b"\x50\x2a\x4d\x18\x04\0\0\0evil" + draft()["META"].payload)


def metadata_of_two_frames():
    """A second frame after the first."""
    made = draft()
    return frame(made["META"].payload * 2)


def metadata_longer_than_a_mebibyte():
    """A payload beyond the limit, whatever is in it."""
    return frame(bytes(2 << 20))


def metadata_of_many_matrices():
    """A megabyte for each of many matrices, of which none is too much, in a kilobyte each."""
    f = factorization((8, 8), (1,))
    made = draft(*[f] * 70)
    made.set_json(json.dumps(made.json()).encode() + b" " * (1 << 20))
    for section in made.sections:
        if section.tag == b"META":
            section.payload = made["META"].payload
    return made.build()


def tables_that_state_too_much():
    """Tables of 2^50 bytes."""
    return tables(zstd(2**50, [1]))


def tables_that_state_too_little():
    """Tables with more in them than they state."""
    return tables(zstd(100, [131072] * 1000))


def tables_of_16_mib():
    """As many bytes as are allowed, far more than tables of few components can be."""
    return tables(zstd(16 << 20, [131072] * 128))


# JSON


def deep_json():
    """Deeper than any parser's stack."""
    return text(b'{"user":' + b"[" * 100_000 + b"]" * 100_000 + b"}")


def many_values():
    """A megabyte of text that becomes gigabytes of objects."""
    return text(b'{"user":[' + b"{},{}," * 1_000_000 + b"{}]}")


def integer_of_a_million_digits():
    """Conversion to an integer takes the square of its digits."""
    return text(b'{"user":' + b"9" * 1_000_000 + b"}")


def number_of_a_million_digits():
    """A fraction without end."""
    return text(b'{"user":1.' + b"9" * 1_000_000 + b"e999999}")


def duplicate_keys():
    """Readers that take the first and readers that take the last would see two shapes."""
    raw = json.dumps(draft().json()).encode()
    return text(raw.replace(b'"matrix":', b'"matrix": {"shape": [1, 1], "unfold": 1}, "matrix":'))


def duplicate_keys_in_disguise():
    """Likewise, one of them written with an escape."""
    raw = json.dumps(draft().json()).encode()
    return text(raw.replace(b'"matrix":', b'"m\\u0061trix": {}, "matrix":'))


def not_a_number():
    """A constant that JSON does not have."""
    return text(json.dumps(draft().json()).replace("0.25", "NaN").encode())


def not_utf_8():
    """Bytes that are no text."""
    return text(b'{"user": "\xff\xfe"}')


def unknown_keys():
    """Keys that a later reader may understand, named to colour the terminal."""
    return document(lambda d: d.update({"\x1b[31mevil\x1b[0m": 1}))


# Arithmetic of the metadata


def shape(rows, columns):
    def change(found):
        found["matrix"]["shape"] = found["array"]["shape"] = [rows, columns]
        for name, length in (("left", rows), ("right", columns)):
            found["factors"][name].update(length=length, grid=[length], chunk_length=2**62)

    return change


def product_past_2_63():
    """n · d is negative, or small, in 64 bits."""
    return document(shape(2**32, 2**32))


def product_that_wraps_to_zero():
    """n · d is 0 in 64 bits."""
    return document(lambda d: d["matrix"].update(shape=[2**33, 2**31]))


def extents_of_2_63():
    """An array of 32 axes, each as long as an integer can say."""

    def change(found):
        found["array"]["shape"] = [2**63 - 1] * 32

    return document(change)


def grid_of_2_63():
    """Likewise of the grid of a factor."""
    return document(lambda d: d["factors"]["left"].update(grid=[2**63 - 1] * 32))


def grid_that_wraps():
    """A grid whose product is the right one in 64 bits."""
    return document(lambda d: d["factors"]["left"].update(grid=[2**32, 2**32, 1]))


def components_of_2_31():
    """A table of 2 GiB in a section of some bytes."""

    def change(found):
        for side in ("left", "right"):
            found["factors"][side].update(components=2**31 - 1, table_length=3 * (2**31 - 1))

    return document(change)


def table_length_that_lies():
    """Tables of one factor that reach into those of the next."""

    def change(found):
        found["factors"]["left"]["table_length"] += 1
        found["factors"]["right"]["table_length"] -= 1

    return document(change, entropy())


def rank_beyond_the_matrix():
    """More components than rows and columns, each of no bytes."""

    def change(found):
        for side in ("left", "right"):
            found["factors"][side]["components"] = 2**31 - 1

    return document(change, entropy())


def basis_of_2_31_vectors():
    """Vectors of a transform that take no bytes either."""
    made = draft(with_basis())
    return document(lambda d: d["factors"]["left_basis"].update(components=2**31 - 1), made)


def name_with_escapes():
    """A name that clears the terminal and sets its title."""
    return document(lambda d: d["array"].update(name="\x1b[2J\x1b]0;evil\x07"))


def name_of_a_megabyte():
    """A name that fills the terminal."""
    return document(lambda d: d["source"].update(name="x" * 1_000_000))


# Tables


def spoilt_tables(change):
    made = entropy()
    made.edit_table(change)
    return made.build()


def tables_cut_short():
    """Tables that end within the context map."""
    return spoilt_tables(lambda raw: raw[:9])


def classes_beyond_the_map():
    """A class that has no tables."""
    return spoilt_tables(lambda raw: raw[:4] + b"\xff" + raw[5:])


def table_of_no_tokens():
    """A table that nothing can be decoded with."""
    made = Tables(3, 0, [0] * 4, [0, 0], listed=0).build()
    return spoilt_tables(lambda raw: made + side_for(4))


def weights_of_zero():
    """A table of weights that are all zero: its sum divides."""
    made = Tables(3, 0, [0] * 4, [0, 0], [[0] * 16]).build()
    return spoilt_tables(lambda raw: made + side_for(4))


def weights_without_end():
    """Weights beyond the table of their meanings."""
    made = Tables(3, 0, [0] * 4, [0, 0], [[255, 200, 48]]).build()
    return spoilt_tables(lambda raw: made + side_for(4))


def packed_tables(start, raw):
    made = draft()
    payload = made["COMP"].payload
    made["COMP"].payload = payload[:start] + raw + payload[start + len(raw) :]
    return made.build()


def bits_of_255():
    """Codes of more bits than a word."""
    return packed_tables(0, b"\xff")


def scale_of_zero():
    """A scale that makes everything zero."""
    return packed_tables(2, b"\0\0")


def scale_not_a_number():
    """A scale that makes everything no number."""
    return packed_tables(2, b"\xc0\x7f")


def scale_of_infinity():
    """A scale that makes everything infinite."""
    return packed_tables(2, b"\x80\x7f")


def step(value):
    made = Tables(3, 0, [0] * 4, [0, 0]).build()
    return spoilt_tables(lambda raw: made + side_for(4, step=value))


def step_of_zero():
    """A step of nothing."""
    return step(0.0)


def step_not_a_number():
    """A step that is no number."""
    return step(float("nan"))


def step_beyond_the_range():
    """A step whose multiples are infinite."""
    return step(1e308)


# Sound by every rule, and huge


def petabytes():
    """A kilobyte of no components at all, for 2^62 entries."""
    made = factorization((3, 2), (), dtype="float64")
    return document(lambda d: shape(2**31, 2**31)(d) or rank_zero(d), draft(made))


def rank_zero(found):
    for side in ("left", "right"):
        found["factors"][side]["chunk_length"] = 8


def one_symbol_for_2_62_entries():
    """A chunk of 16 bytes whose only symbol takes no bits, said to hold 2^62 of it."""
    sole = Tables(0, 0, [0], [0], [[1]]).build()
    residual = rans_factor(8, 1, "deadzone", weights=([40, 1, 1],), most=0)
    residual = replace(
        residual, coding_parameters=sole, chunks=[struct.pack("<4I", *[1 << 16] * 4)]
    )
    made = replace(factorization((4, 2), mode="direct"), residual=residual)

    def change(found):
        found["matrix"]["shape"] = found["array"]["shape"] = [2**31, 2**31]
        record = found["factors"]["residual"]
        record.update(length=HUGE, grid=[HUGE], chunk_length=HUGE)

    return document(change, draft(made))


def transform_of_2_40_entries():
    """The same under a transform, which needs all entries at once."""
    sole = Tables(0, 0, [0], [0], [[1]]).build()
    residual = rans_factor(8, 1, "deadzone", weights=([40, 1, 1],), most=0)
    residual = replace(
        residual, coding_parameters=sole, chunks=[struct.pack("<4I", *[1 << 16] * 4)]
    )
    made = replace(factorization((4, 2), mode="direct"), residual=residual)

    def change(found):
        found["matrix"]["shape"] = found["array"]["shape"] = [2**20, 2**20]
        record = found["factors"]["residual"]
        record.update(length=2**40, grid=[2**20, 2**20], chunk_length=2**40, transform="cdf97")

    return document(change, draft(made))


def kept_frame_of_2_40_bytes():
    """A frame that states the content of all entries of a huge matrix, of which it has nothing."""
    made = draft(kept(shape=(4, 2), chunk_rows=4, dtype="uint8"))
    payload = zstd(2**40, [1])
    made["KEPT"].payload = struct.pack("<B7xQ", 0, len(payload)) + payload

    def change(found):
        found["matrix"]["shape"] = found["array"]["shape"] = [2**20, 2**20]
        found["kept"].update(chunk_rows=2**20, entries=2**40)

    return document(change, made)


def kept_gaps_that_wrap():
    """Gaps whose sum comes back to the start of the chunk."""
    made = draft(kept("sparse", shape=(4, 2), chunk_rows=4, dtype="uint8"))
    gaps = struct.pack("<4Q", 0, 7, 2**63, 2**63 - 9)
    made["KEPT"].payload = kept_array(gaps) + kept_array(bytes(4))
    return made.build()


def many_huge_matrices():
    """A hundred matrices of 2^62 entries each."""
    one = draft(factorization((3, 2), ()))
    one.edit_json(lambda d: shape(2**31, 2**31)(d) or rank_zero(d))
    whole = draft(factorization((3, 2), ()))
    whole.sections = [
        replace(section, matrix=number) for number in range(100) for section in one.sections
    ]
    return whole.build()


def path_as_a_name():
    """Names that lead out of the folder."""

    def change(found):
        found["array"]["name"] = "../../../../etc/passwd"
        found["source"]["name"] = "/etc/passwd"

    return document(change)


def name_from_right_to_left():
    """A name that turns the direction of what is printed after it."""
    return document(lambda d: d["array"].update(name="\u202egnp.exe\u200b"))
