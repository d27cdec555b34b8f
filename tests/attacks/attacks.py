"""The table of attacks: what each must meet with, by command."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import foreign_attacks
import lplr_attacks

READING = ("inspect", "verify", "decompress")
DECODING = ("verify", "decompress")


@dataclass(frozen=True)
class Attack:
    """One hostile file.

    Attributes
    ----------
    name : str
        Of the function that makes it, and of the file.
    make : callable
        Gives its bytes.
    refused : dict of str to tuple of (int, str)
        By command that must refuse it: exit status, and a pattern that the message must have.
    taken : tuple of str
        Commands that may work, as nothing is wrong with what they need.
    """

    name: str
    make: Callable[[], bytes]
    refused: dict[str, tuple[int, str]]
    taken: tuple[str, ...] = field(default=())


def lplr(name, words, refusing=READING, taken=()):
    refused = dict.fromkeys(refusing, (3, words))
    return Attack(f"{name}.lplr", getattr(lplr_attacks, name), refused, taken)


def large(name, refusing=DECODING):
    """Sound, and larger than any disk: what decodes it must refuse in time."""
    refused = dict.fromkeys(refusing, (1, "too large|memory limit is too low"))
    taken = tuple(command for command in READING if command not in refused)
    return Attack(f"{name}.lplr", getattr(lplr_attacks, name), refused, taken)


def foreign(name, words):
    make = getattr(foreign_attacks, name)
    return Attack(f"{name}.{name.split('_')[0]}", make, {"compress": (1, words)})


ATTACKS = (
    lplr("overlapping_sections", "INDX: wrong payload offset of RGHT.*expected"),
    lplr("hole_between_sections", "INDX: wrong (payload offset|position)"),
    lplr("padding_with_content", "LEFT: wrong padding", DECODING, ("inspect",)),
    lplr("duplicate_tags", "META: wrong tag: out of order"),
    lplr("duplicate_chunk", "LEFT: wrong ordinal"),
    lplr("length_of_2_63", "INDX: wrong length of LEFT"),
    lplr("length_that_wraps", "INDX: wrong length of LEFT"),
    lplr("index_of_2_32_entries", "LEND: wrong index offset or section count"),
    lplr("index_of_itself", "INDX: wrong tag: out of order"),
    lplr("end_that_is_its_own_index", "LEND: wrong index offset"),
    lplr("index_before_the_file", "LEND: wrong index offset"),
    lplr("trailing_bytes", "section LEND: .*has trailing bytes"),
    lplr("zip_appended", "section LEND: .*has trailing bytes"),
    lplr("zip_prepended", "not an .lplr file"),
    lplr("unknown_critical_section", "EVIL: critical, and unknown"),
    lplr("tag_with_escapes", r"INDX: wrong tag.*\\x1b\[2J"),
    lplr("headers_within_a_payload", "the file is truncated"),
    lplr("too_many_chunks", "LEFT: wrong number of chunks"),
    lplr("chunks_missing", "LEFT: wrong number of chunks"),
    lplr("chunk_cut_short", "LEFT: wrong length of chunk", DECODING, ("inspect",)),
    lplr("chunk_without_end", "does not decode", DECODING, ("inspect",)),
    lplr("chunk_with_words_left", "does not decode", DECODING, ("inspect",)),
    lplr("states_too_small", "LEFT: wrong state of lane 0", DECODING, ("inspect",)),
    lplr("metadata_that_states_too_much", "META: metadata: inflates too far"),
    lplr("metadata_that_states_petabytes", "META: metadata: inflates too far"),
    lplr("metadata_that_states_too_little", "META: metadata: not one whole zstd frame"),
    lplr("metadata_of_16_mib", "META: metadata: too many values"),
    lplr("metadata_without_a_size", "META: metadata: .*does not state its content size"),
    lplr("metadata_with_a_large_window", "META: metadata: zstd window too large"),
    lplr("metadata_after_a_skippable_frame", "META: metadata: not a zstd frame"),
    lplr("metadata_of_two_frames", "META: metadata: not one whole zstd frame"),
    lplr("metadata_longer_than_a_mebibyte", "META: wrong length"),
    lplr("metadata_of_many_matrices", "META: metadata of all matrices inflate", ("inspect",)),
    lplr("tables_that_state_too_much", "COMP: .*inflates too far", DECODING, ("inspect",)),
    lplr("tables_that_state_too_little", "COMP: .*not one whole", DECODING, ("inspect",)),
    lplr("tables_of_16_mib", "COMP: .*inflates too far", DECODING, ("inspect",)),
    lplr("deep_json", "META: metadata: nested too deep"),
    lplr("many_values", "META: metadata: too many values"),
    lplr("integer_of_a_million_digits", "META: metadata: integer too long"),
    lplr("number_of_a_million_digits", "META: metadata: number out of range"),
    lplr("duplicate_keys", "META: metadata: duplicate key"),
    lplr("duplicate_keys_in_disguise", "META: metadata: duplicate key"),
    lplr("not_a_number", "META: metadata: not JSON: constant"),
    lplr("not_utf_8", "META: metadata: not UTF-8"),
    lplr("unknown_keys", r"META: wrong metadata.*\\x1b\[31mevil"),
    lplr("product_past_2_63", "META: wrong metadata: matrix.shape"),
    lplr("product_that_wraps_to_zero", "META: wrong metadata: matrix.shape"),
    lplr("extents_of_2_63", "META: wrong metadata: array.shape"),
    lplr("grid_of_2_63", "META: wrong metadata: factors.left.grid"),
    lplr("grid_that_wraps", "META: wrong metadata: factors.left.grid"),
    lplr("components_of_2_31", "COMP: wrong length"),
    lplr("table_length_that_lies", "COMP: ", DECODING, ("inspect",)),
    lplr("rank_beyond_the_matrix", "META: wrong metadata: factors.left.components"),
    lplr("basis_of_2_31_vectors", "META: wrong metadata: factors.left_basis.components"),
    lplr("name_with_escapes", "META: wrong metadata: array.name"),
    lplr("name_of_a_megabyte", "META: wrong metadata: source.name"),
    lplr("tables_cut_short", "COMP: wrong length of tables", DECODING, ("inspect",)),
    lplr("classes_beyond_the_map", "COMP: wrong class of", DECODING, ("inspect",)),
    lplr("table_of_no_tokens", "COMP: wrong tokens in table 0", DECODING, ("inspect",)),
    lplr("weights_of_zero", "COMP: wrong last weight in table 0", DECODING, ("inspect",)),
    lplr("weights_without_end", "COMP: wrong weight in table 0", DECODING, ("inspect",)),
    lplr("bits_of_255", "COMP: wrong bits of factor left", DECODING, ("inspect",)),
    lplr("scale_of_zero", "COMP: wrong scale of factor left", DECODING, ("inspect",)),
    lplr("scale_not_a_number", "COMP: wrong scale of factor left", DECODING, ("inspect",)),
    lplr("scale_of_infinity", "COMP: wrong scale of factor left", DECODING, ("inspect",)),
    lplr("step_of_zero", "COMP: wrong step of factor left", DECODING, ("inspect",)),
    lplr("step_not_a_number", "COMP: wrong step of factor left", DECODING, ("inspect",)),
    lplr("step_beyond_the_range", "COMP: wrong scale of factor left", DECODING, ("inspect",)),
    large("petabytes", ("decompress",)),
    large("one_symbol_for_2_62_entries"),
    large("transform_of_2_40_entries"),
    large("kept_frame_of_2_40_bytes"),
    lplr("kept_gaps_that_wrap", "KEPT: wrong gaps in chunk 0", DECODING, ("inspect",)),
    Attack(
        "many_huge_matrices.lplr",
        lplr_attacks.many_huge_matrices,
        {"decompress": (1, "holds several matrices")},
        ("inspect", "verify"),
    ),
    Attack("path_as_a_name.lplr", lplr_attacks.path_as_a_name, {}, READING),
    Attack("name_from_right_to_left.lplr", lplr_attacks.name_from_right_to_left, {}, READING),
    foreign("npy_of_exabytes", "cut short.*found.*expected"),
    foreign("npy_that_wraps", "cut short"),
    foreign("npy_of_negative_extents", "shape is not a tuple of sizes"),
    foreign("npy_of_long_integers", "shape is not a tuple of sizes"),
    foreign("npy_of_many_axes", "shape is not a tuple of sizes"),
    foreign("npy_of_objects", "not of a type lplr compresses|Python objects"),
    foreign("npy_of_an_expression", "not a Python literal"),
    foreign("npy_of_a_nested_header", "not a Python literal"),
    foreign("npy_of_signs", "not a Python literal"),
    foreign("npy_of_a_long_header", "the file ends within it"),
    foreign("npy_of_a_real_long_header", "header is too long"),
    foreign("npy_of_fields", "several fields"),
    foreign("npy_of_wide_entries", "not of a type lplr compresses"),
    foreign("npy_with_escapes", "descr is not a type"),
    foreign("mtx_of_exabytes", "size line is wrong"),
    foreign("mtx_of_long_sides", "far more rows or columns than entries"),
    foreign("mtx_of_many_entries", "size line is wrong|number of entries"),
    foreign("mtx_of_a_large_array", "number of entries"),
    foreign("mtx_of_more_entries", "number of entries"),
    foreign("mtx_of_negative_indices", "damaged"),
    foreign("mtx_of_index_zero", "damaged"),
    foreign("mtx_of_indices_beyond", "damaged"),
    foreign("mtx_of_indices_that_wrap", "damaged"),
    foreign("mtx_of_a_long_line", "too long"),
    foreign("mtx_of_a_long_banner", "damaged"),
    foreign("mtx_of_a_long_number", "damaged|infinite"),
    foreign("mtx_of_long_exponents", "damaged|infinite"),
    foreign("mtx_of_escapes", "no real number.*x1b"),
    foreign("mtx_bomb", "far more text"),
    foreign("npz_of_a_false_size", "cut short|cannot be read|follow"),
    foreign("npz_of_a_false_shape", "cut short"),
    foreign("npz_of_objects", "no matrix of real numbers"),
    foreign("npz_of_paths", "3 arrays"),
    foreign("npz_of_overlapping_members", "cannot be read|2 arrays"),
    foreign("npz_of_a_long_format", "sparse|format"),
    foreign("npz_of_a_long_shape", "damaged"),
    foreign("npz_of_indices_beyond", "outside of the matrix"),
    foreign("npz_of_pointers_beyond", "indptr"),
    foreign("npz_of_negative_pointers", "indptr"),
    foreign("npz_of_long_sides", "far more rows or columns"),
    foreign("safetensors_of_a_long_header", "too long"),
    foreign("safetensors_of_a_cut_header", "ends within it"),
    foreign("safetensors_of_a_nested_header", "not the JSON"),
    foreign("safetensors_of_long_integers", "no valid"),
    foreign("safetensors_of_a_million_digits", "not the JSON"),
    foreign("safetensors_that_overlap", "overlaps another"),
    foreign("safetensors_that_leave_a_hole", "leaves bytes before it"),
    foreign("safetensors_of_negative_places", "no valid"),
    foreign("safetensors_of_duplicate_names", "occurs twice"),
)

MEMORY = (
    "index_of_2_32_entries.lplr",
    "length_of_2_63.lplr",
    "metadata_that_states_petabytes.lplr",
    "metadata_that_states_too_little.lplr",
    "metadata_of_16_mib.lplr",
    "metadata_with_a_large_window.lplr",
    "tables_that_state_too_little.lplr",
    "many_values.lplr",
    "components_of_2_31.lplr",
    "one_symbol_for_2_62_entries.lplr",
    "npy_of_exabytes.npy",
    "npy_of_a_long_header.npy",
    "mtx_of_many_entries.mtx",
    "mtx_of_long_sides.mtx",
    "mtx_bomb.mtx",
    "npz_of_a_long_format.npz",
    "npz_of_a_long_shape.npz",
    "npz_of_long_sides.npz",
    "safetensors_of_a_long_header.safetensors",
    "safetensors_of_long_integers.safetensors",
)
"""Attacks on memory above all: what is allocated is counted."""
