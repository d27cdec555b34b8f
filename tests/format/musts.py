"""Every "must" of SPEC.md, in its order: how it is broken, or what else shows that it is kept.

A row has words of SPEC.md, as they stand there, and one of these:

- `field(heading, name)`: the cases of that field in `test_format_fields` or `entropy_cases`;
- a list of `Broken`, each a file that breaks the rule alone;
- `shown_by(test)`: the rule is no reason to refuse a file, and that test holds it;
- `writers(why)`: nothing in a file shows whether it was kept.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import entropy_cases
import numpy as np
import test_format_fields as fields
import zstandard
from lplr_samples import DraftSection, factorization, kept, kept_array, with_basis

from lplrcli.container.zstd_frames import metadata_dictionary

compress = zstandard.ZstdCompressor().compress

BASES = {
    "packed": fields.one(),
    "uniform": fields.one("uniform"),
    "means": factorization(means=("row", "column")),
    "klt": with_basis(),
    "kept": kept(),
    "kept-bool": kept(dtype="bool"),
    "sparse": kept("sparse", step=0.5),
    **entropy_cases.BASE,
}


@dataclass(frozen=True)
class Broken:
    """A sample, what is done to it, and words of the message."""

    base: str
    change: Callable[[Any], Any]
    words: str


def put(path, value):
    """Set a key of the metadata."""
    *parents, last = path.split(".")

    def change(document):
        for name in parents:
            document = document[name]
        document[last] = value

    return lambda draft: draft.edit_json(change)


def pop(path):
    """Remove a key of the metadata."""
    *parents, last = path.split(".")

    def change(document):
        for name in parents:
            document = document[name]
        del document[last]

    return lambda draft: draft.edit_json(change)


def meta(path, value, base="packed", words=None):
    return Broken(base, put(path, value), words or path.replace(".", r"\."))


def text(raw, words):
    return Broken("packed", lambda draft: draft.set_json(raw), words)


def frame(raw, words):
    return Broken("packed", fields.section("META", payload=raw), words)


def tables(raw, words):
    return Broken("trellis", lambda draft: draft.set_table(raw), words)


def first_kept(change):
    """Change the first chunk of kept entries."""

    def changed(draft):
        draft["KEPT"].payload = change(draft["KEPT"].payload)

    return changed


def kept_arrays(*contents, base="kept", words):
    """Arrays of other contents in the first chunk of kept entries."""
    chunk = b"".join(map(kept_array, contents))
    return Broken(base, first_kept(lambda _: chunk), words)


def counts(*entries):
    """Numbers of entries in the chunks."""
    raw = struct.pack(f"<{len(entries)}Q", *entries)
    return Broken("sparse", lambda d: setattr(d["COMP"], "payload", raw), "COMP.*number of entries")


def gaps(*found):
    raw = np.array(found, "<u8").tobytes()
    return kept_arrays(raw, bytes(12), base="sparse", words="KEPT.*gaps")


def with_kept(draft):
    """Entries that are kept besides factors."""
    draft.minor = 1
    record = {"form": "dense", "chunk_rows": 19, "entries": 190}
    draft.edit_json(lambda document: document.update(kept=record))


def field(heading, name):
    return heading, name


def shown_by(test):
    return test


def writers(why):
    return {"writers": why}


def without_dictionary(draft):
    content = compress(b"{}" * 200)
    plain = zstandard.ZstdCompressor(dict_data=metadata_dictionary(), write_dict_id=False)
    draft.set_table(plain.compress(zstandard.ZstdDecompressor().decompress(content)))


UNSIZED = zstandard.ZstdCompressor(write_content_size=False).compress(b"{}")
NAMED = bytes.fromhex("28b52ffd210702110000") + b"{}"
WINDOW = bytes.fromhex("28b52ffd807802000000110000") + b"{}"
WHOLE_FILE_CASES = field("Structure of a file", "")
KLT = "factors.left_basis"

MUSTS = [
    ("A *reserved* field must be zero", field("File header", "reserved")),
    ("bytes between the end of a payload and the next section header must be zero",
     field("Structure of a file", "padding")),
    ("The file must end with the payload of `LEND`", WHOLE_FILE_CASES),
    ("Must be the bytes `89 4C 50 4C 52 0D 1A 0A`", field("File header", "signature")),
    ("CRC-32 of the 28 bytes before it. It must match.\nA reader checks",
     field("File header", "header checksum")),
    ("upper case is *critical*, and the reader must refuse the file", field("`INDX`", "tag")),
    ("lower case is *ancillary*, and the reader must skip the section",
     shown_by("test_unknown_ancillary_sections_are_skipped")),
    ("the program must leave it out if it changes",
     shown_by("test_what_may_tell_of_the_old_matrix_goes")),
    ("The last letter of a critical tag must be upper case", field("Section header", "tag")),
    ("letters between is reserved: they must be upper case", field("Section header", "tag")),
    ("An ancillary section must not name a matrix that the file does not hold",
     field("Section header", "matrix")),
    ("CRC-32 of the payload. It must match", field("Section header", "payload checksum")),
    ("CRC-32 of the 28 bytes before it. It must match.\n\n## Order",
     field("Section header", "header checksum")),
    ("their ordinals must ascend from 0", field("Section header", "ordinal")),
    ("must refuse a section whose header and entry differ", field("Section header", "length")),
    ("It must be the one that the structure of the file demands",
     field("`INDX`", "payload offset")),
    ("after the last entry it must demand `INDX`", WHOLE_FILE_CASES),
    ("The length of `INDX` must be 32 times that", field("`LEND`", "section count")),
    ("CRC-32 of the 12 bytes before it. It must match", field("`LEND`", "end checksum")),
    ("The payload must have at most 1 MiB, the content at most 16 MiB", [
        frame(bytes((1 << 20) + 1), "META.*length"),
        frame(compress(bytes((16 << 20) + 1)), "META.*inflates too far"),
    ]),
    ("The contents of all `META` of a file together must have",
     shown_by("test_metadata_of_all_matrices_together_are_bounded")),
    ("A reader must add up the sizes that the frames state",
     shown_by("test_metadata_of_all_matrices_together_are_bounded")),
    ("in UTF-8 without a byte order mark, and it must", [
        text(b"\xef\xbb\xbf{}", "not JSON"), text(b'{"tool":"\xff"}', "not UTF-8"),
        text(b"[" * 33 + b"]" * 33, "nested too deep"),
        text(b"[" + b"0," * (1 << 20) + b"0]", "too many values"),
        text(b'{"user":{"x":1,"\\u0078":1}}', "duplicate key"), text(b'{"tool":NaN}', "NaN"),
        text(b'{"tool":1e999}', "out of range"), text(b'{"tool":' + b"9" * 21 + b"}", "too long"),
        text(b'{"tool":-' + b"9" * 20 + b"}", "too long"),
        meta("plan.seed", 1.0), meta("created", "2024-01-01T00:00:00Z\n"),
        meta("source.name", "x" * 4097),
    ]),
    ("Keys unknown to the schema must be refused, except inside `user`", [
        meta("plan.novelty", 1, words="plan.*novelty"), meta("novelty", 1, words="novelty"),
    ]),
    ("All keys below must be present unless called optional",
     [Broken("packed", pop(path), path.rpartition(".")[2])
      for path in ("array", "array.dtype", "plan.seed", "achieved.bound", "source.format")]),
    ("A reader must do the arithmetic of this section without overflow", [
        meta("matrix.shape", [2**40, 2**40], words="matrix.shape"),
        meta("factors.left.grid", [2**32, 2**32, 19]),
    ]),
    ("their product must be at most 2^63", [
        meta("matrix.shape", [2**32, 2**31], words="matrix.shape"),
    ]),
    ("the product of those extents must be n", [
        meta("array.shape", [10, 19]), meta("matrix.unfold", 0, words="array.shape"),
        meta("matrix.unfold", 3),
    ]),
    ("means aside; it must agree with **factors**", [
        meta("plan.mode", "factors"), meta("plan.mode", "direct"),
        meta("plan.mode", "factors+residual", "means"),
    ]),
    ("A decoder must not depend on them",
     shown_by("test_how_a_file_came_about_changes_nothing")),
    ("an error was. All must be finite and at least 0", [
        meta("plan.predictions", {"direct": -1.0}, words="plan.predictions.direct"),
        text(b'{"plan":{"predictions":{"direct":1e400}}}', "out of range"),
    ]),
    ("All numbers must be finite and at least 0.\nBits", [
        meta("achieved.source_norm", -1.0), meta("achieved.max_abs_error", -1e-9),
        meta("achieved.passes", -1), text(b'{"achieved":{"bound":-Infinity}}', "Infinity"),
    ]),
    ("Left and right must both be present or both absent; left and right or residual must be "
     "present", [
        Broken("means", pop("factors.left"), "factors"),
        Broken("packed", pop("factors.right"), "factors"), meta("factors", {}),
    ]),
    ("unless **kept** is there: then it must be empty", [
        Broken("packed", with_kept, "factors"),
        meta("factors", {}),
        Broken("kept", pop("kept"), "factors"),
    ]),
    ("A reader must not take them for the means", shown_by("test_codes_and_values")),
    ("Each must be present where the transform of its factor is", [
        Broken("klt", pop(KLT), "left_basis missing"),
        meta("factors.left.transform", "identity", "klt", "left_basis"),
        meta("factors.left.transform", "klt", "trellis", "left_basis missing"),
    ]),
    ("Must be n for left and for mean column", [
        meta("factors.left.length", 18), meta("factors.right.length", 11),
        meta("factors.residual.length", 191), meta("factors.mean_row.length", 19, "means"),
        meta("factors.mean_column.length", 10, "means"),
    ]),
    ("must be equal for left and right, 1 for mean row and mean column, and 1 or d for residual", [
        Broken("packed", lambda d: d.edit_json(lambda m: m["factors"]["right"].update(
            components=1, table_length=3)), "factors.right.components"),
        Broken("means", lambda d: d.edit_json(lambda m: m["factors"]["mean_row"].update(
            components=2, table_length=6)), "factors.mean_row.components"),
        meta("factors.residual.components", 4, "trellis"),
        meta("factors.residual.components", 2),
    ]),
    ("those of left and right must be at most min(n, d)", [
        meta("factors.left.components", 10, "trellis"),
    ]),
    ("The coding `packed` must go with the quantizers", [
        meta("factors.left.quantizer", "trellis"),
        meta("factors.left.quantizer", "normal", "trellis"),
    ]),
    ("in row order; their product must be `length`", [meta("factors.left.grid", [18])]),
    ("it must be a multiple of a layer too, unless it is at least `length`; with `klt` it must be "
     "at least `length`", [
        Broken("packed", lambda d: d.edit_json(lambda m: m["factors"]["residual"].update(
            transform="dct", grid=[2, 95])), "factors.residual.chunk_length.*multiple of 95"),
        meta("factors.left.chunk_length", 8, "klt"),
    ]),
    ("With the coding `packed` it must be what", [
        meta("factors.left.table_length", 5), meta("factors.left.table_length", 0, "trellis"),
    ]),
    ("`length` must be the stride times the number of extents, `grid` must be that length alone, "
     "and `chunk_length` must be the stride", [
        Broken("klt", lambda d: d.edit_json(lambda m: m["factors"]["left_basis"].update(
            length=8, grid=[8])), "factors.left_basis.length"),
        meta(f"{KLT}.grid", [2, 8], "klt"),
        meta(f"{KLT}.chunk_length", 16, "klt", "left_basis.chunk_length"),
    ]),
    ("`coding` must be `rans`, and `transform` must not be `klt`", [
        meta(f"{KLT}.coding", "packed", "klt", "left_basis"),
        meta(f"{KLT}.transform", "klt", "klt", "left_basis.transform"),
    ]),
    ("It must be at most the greatest extent", [
        meta(f"{KLT}.components", 7, "klt"), meta(f"{KLT}.components", 2**20, "klt"),
    ]),
    ("The `transform` of residual, mean row and mean column must not be `klt`", [
        meta("factors.residual.transform", "klt"),
        meta("factors.mean_row.transform", "klt", "means"),
        meta("factors.mean_column.transform", "klt", "means"),
    ]),
    ("`MCOL` sections must be", [
        Broken("packed", lambda d: d.sections.pop(), "RESD.*number of chunks"),
        meta("factors.left.chunk_length", 24, words="LEFT.*number of chunks"),
    ]),
    ("The `exponent` of the plan must then be 0", [meta("plan.exponent", 1, "kept")]),
    ("min(n, (c + 1) · chunk_rows). It must be at most n", [meta("kept.chunk_rows", 6, "kept")]),
    ("It must be n · d with `dense`, and at most that with `sparse`", [
        meta("kept.entries", 14, "kept"), meta("kept.entries", 16, "sparse"),
    ]),
    ("It must be finite and greater than 0, and must not be there with `dense`", [
        meta("kept.step", 0.5, "kept"), meta("kept.step", 0, "sparse"),
    ]),
    ("The number of `KEPT` sections must be", [
        Broken("kept", lambda d: d.sections.pop(), "KEPT.*number of chunks"),
        meta("kept.chunk_rows", 1, "kept", "KEPT.*number of chunks"),
        Broken("packed", lambda d: d.sections.append(DraftSection(b"KEPT")), "KEPT.*number of"),
    ]),
    ("Strings must hold no control characters", [
        meta("array.name", "\x07"), meta("source.name", "\x9f"),
        meta("source.format", "a\n"), meta("tool", "\ud800"),
    ]),
    ("The length of `COMP` must be the sum", field("`COMP`", "side")),
    ("Each must be at most the entries of its rows, and their sum must be", [
        counts(7, 0, 0), counts(3, 3, 2), counts(3, 3, 0),
    ]),
    ("compressed without a dictionary, whose content must have at most 16 MiB", [
        tables(compress(bytes((16 << 20) + 1)), "COMP.*inflates too far"),
        Broken("trellis", without_dictionary, "COMP"),
    ]),
    ("Each must state its content size, must name no dictionary (an explicit identifier 0 names "
     "none), must need a window of at most 16 MiB, and must end where its bytes end", [
        broken
        for made in (frame, tables)
        for broken in (
            made(UNSIZED, "content size"), made(NAMED, "names a dictionary"),
            made(WINDOW, "window too large"), made(compress(b"{}") + b"\0", "one whole"),
            made(compress(b"{}") * 2, "one whole"), made(b"{}", "not a zstd frame"),
        )
    ]),
    ("A reader must compare the content size stated", [
        frame(compress(bytes(1 << 28)), "META.*inflates too far"),
        tables(compress(bytes(1 << 28)), "COMP.*inflates too far"),
    ]),
    ("its new codes of a component must then lead the machine back",
     writers("the codes that follow would be others, and no code shows whether it is right")),
    ("bits of each code of the component. Each must be 1 to 16", field("`packed`", "bits")),
    ("The bits after the last code of a run must be zero", field("`packed`", "run padding")),
    ("The length of the section must be the sum of", field("`packed`", "chunk length")),
    ("must be 0, for none, with the quantizer `deadzone`", field("Tables", "machine")),
    ("Must be 0 to 4", field("Tables", "context")),
    ("how many classes of components there are. Must be 0", field("Tables", "classes")),
    ("u8, how many there are. Must be 0", field("Tables", "frequency tables")),
    ("Must be less than the number of classes", field("Tables", "class")),
    ("Must be less than the number of frequency tables", field("Tables", "context map")),
    ("from token 0 on. Must be 1 to 231", field("Frequency tables", "count")),
    ("Must be 0 to 47. The last of a table must not be 0", field("Frequency tables", "weight")),
    ("It must be at least 1 after that", field("Frequency tables", "frequency")),
    ("lanes 0 to 3 start from. Each must be at least 2^16", field("Chunks of `rans`", "states")),
    ("The length of the section must be at least 16, and even", field("Chunks of `rans`", "words")),
    ("There must be a next word where one is needed",
     shown_by("test_words_and_states_come_out_even")),
    ("After the last entry every word must have been read, and the state of every lane must be "
     "2^16", shown_by("test_words_and_states_come_out_even")),
    ("All other bits must be zero; with `sparse` the bits 2 and 4 too", [
        Broken("kept", first_kept(lambda raw: b"\x08" + raw[1:]), "KEPT.*layout"),
        Broken("sparse", first_kept(lambda raw: b"\x02" + raw[1:]), "KEPT.*layout"),
    ]),
    ("The last frame must end where the section ends", [
        Broken("kept", first_kept(lambda raw: raw + b"\0"), "KEPT.*length"),
        Broken("sparse", first_kept(lambda raw: raw + kept_array(b"")), "KEPT.*length"),
    ]),
    ("The content of the frame must be as long as the array", [
        kept_arrays(bytes(11), words="KEPT.*length"),
        kept_arrays(bytes(13), words="KEPT.*inflates too far"),
        kept_arrays(bytes(1 << 28), words="KEPT.*inflates too far"),
        kept_arrays(bytes(16), bytes(12), base="sparse", words="KEPT.*length"),
    ]),
    ("a `bool` is a byte, which must be 0 or 1",
     [kept_arrays(b"\0\1\2\0\1\1", base="kept-bool", words="KEPT.*entries of chunk 0")]),
    ("Every place must be less than rows · d", [
        gaps(6, 0, 0), gaps(0, 3, 1), gaps(2**64 - 1, 0, 0), gaps(1, 2**63, 2**63),
    ]),
    ("two decoders must agree in every bit",
     shown_by("test_product_decodes_the_same_factors_bit_for_bit")),
    ("**low** f64, **step** f64. Both must be finite", field("`uniform`", "low")),
    ("the greatest value, must be finite", field("`uniform`", "step")),
    ("All components must have the same bits", field("`uniform`", "step")),
    ("It must be finite and greater than 0: from 0x0001", field("`normal`", "scale")),
    ("f64. It must be finite and greater than 0", field("Units and shifts", "step")),
    ("It must be from −8176 to 8191", field("Units and shifts", "scales")),
    ("It must be from 2^−960 to 2^960", field("Units and shifts", "scales")),
    ("The entries of any other transform must be within 2^−40",
     shown_by("test_both_decoders_give_the_same_matrix")),
    ("a reader must ignore them", shown_by("test_stored_vectors_become_what_scipys_qr_gives")),
    ("a reader must scale each vector before",
     shown_by("test_stored_vectors_become_what_scipys_qr_gives")),
    ("The entries must be within 2^−32", shown_by("test_both_decoders_give_the_same_matrix")),
    ("A writer must keep to that; a reader need not check it",
     writers("a reader would have to form every basis twice to see it")),
    ("an entry must be the value, a binary64 number, times",
     shown_by("test_both_decoders_give_the_same_matrix")),
    ("An id that is not registered must be refused, but", [
        meta("array.dtype", "complex64"), meta("plan.mode", "other"), meta("plan.basis", "other"),
        meta("plan.sketch", "other"), meta("plan.target.method", "other"),
        meta("factors.left.quantizer", "other"), meta("factors.left.coding", "other"),
        meta("factors.left.transform", "other"),
    ]),
    ("A reader must not allocate memory on the word of a field",
     shown_by("test_nothing_is_allocated_on_the_word_of_a_field")),
    ("a program must not open them as paths", shown_by("test_names_are_no_paths")),
    ("**Another major.** Must be refused",
     field("Versions and compatibility", "another major")),
    ("A refusal must name the version the file needs",
     field("Versions and compatibility", "another major")),
    ("**A later minor.** Must be accepted",
     shown_by("test_keys_of_a_later_minor_are_ignored")),
    ("an unknown ancillary section must be skipped, an unknown critical tag must be refused",
     shown_by("test_reserved_fields_and_tags_of_a_later_minor_are_refused")),
    ("reserved fields and reserved bits must be zero all the same",
     field("Versions and compatibility", "a later minor")),
    ("an id that is not registered must be refused by name where a decoder needs it",
     shown_by("test_ids_of_a_later_minor_that_a_decoder_needs_are_refused")),
    ("an id that tells how the file came about must be accepted",
     shown_by("test_ids_of_a_later_minor_that_no_decoder_needs_are_accepted")),
    ("keys unknown to the schema must be ignored, in every object but",
     shown_by("test_keys_of_a_later_minor_are_ignored")),
    ("Its file must not hold what came with a later one: unknown keys must be refused there",
     field("Versions and compatibility", "a minor that the reader knows")),
    ("A later minor must not change the meaning", writers("it binds whoever writes a later minor")),
    ("It must not bring a key without which", writers("it binds whoever writes a later minor")),
    ("A program must not change a file of a later minor",
     shown_by("test_a_file_of_a_later_minor_is_not_changed")),
    ("every other version of major 0 but those told here must be refused",
     field("File header", "minor")),
]  # fmt: skip
