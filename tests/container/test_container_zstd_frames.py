"""Frames of zstd: one, whole, of a stated and bounded size; and the dictionary of metadata."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import tomllib

import pytest
import zstandard
from lplr_samples import Draft, factorization, read_all, written
from metadata_drafts import (
    draft,
)

from lplrcli.container.metadata_text import MAX_COMPRESSED, MAX_INFLATED
from lplrcli.errors import CorruptSectionError
from lplrcli.runtime.format_files import format_folder

SPEC = (format_folder() / "SPEC.md").read_text(encoding="utf-8")

compress = zstandard.ZstdCompressor().compress

SKIPPABLE = bytes.fromhex("502a4d18 04000000 00000000")

UNSIZED = zstandard.ZstdCompressor(write_content_size=False).compress(b"{}")


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (compress(bytes(MAX_INFLATED + 1)), "inflates too far"),
        (compress(bytes(1 << 30)), "inflates too far"),
        (bytes(MAX_COMPRESSED + 1), "length"),
        (UNSIZED, "content size"),
        (compress(b"{}") + b"\0", "zstd frame"),
        (compress(b"{}") * 2, "zstd frame"),
        (SKIPPABLE + compress(b"{}"), "zstd frame"),
        (compress(b"{}")[:-1], "zstd frame"),
        (compress(b"{}")[:4], "zstd frame"),
        (b"", "zstd frame"),
        (b"{}", "zstd frame"),
        (bytes.fromhex("28b52ffd807802000000110000") + b"{}", "window too large"),
        (bytes.fromhex("28b52ffd80f002000000110000") + b"{}", "zstd frame"),
        (bytes.fromhex("28b52ffd210702110000") + b"{}", "dictionary"),
    ],
    ids=[
        "one byte too much",
        "far too much",
        "a long frame",
        "no content size",
        "a byte after it",
        "two frames",
        "a skippable frame",
        "a byte missing",
        "magic alone",
        "nothing",
        "no frame",
        "a window too large",
        "a large window",
        "a dictionary",
    ],
)
def test_one_bounded_frame(payload, words):
    spoilt = draft()
    spoilt["META"].payload = payload
    with pytest.raises(CorruptSectionError, match=words):
        read_all(spoilt.build())


def test_the_dictionary_is_the_one_that_the_specification_pins():
    content = (format_folder() / "metadata.dict").read_bytes()
    paragraph = re.search(r"(?s)\*\*Dictionary\.\*\*(.*?)\n\n", SPEC)[1]
    assert hashlib.sha256(content).hexdigest() in paragraph
    assert f"{len(content)} of them" in paragraph


def test_the_dictionary_is_what_its_script_prints():
    path = format_folder() / "make_dictionary.py"
    spec = importlib.util.spec_from_file_location("make_dictionary", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.dictionary().encode() == (format_folder() / "metadata.dict").read_bytes()


def test_the_dictionary_is_shipped():
    project = format_folder().parents[1] / "pyproject.toml"
    if not project.exists():  # of an installed package: the folder is the one in the wheel
        assert (format_folder() / "metadata.dict").exists()
        return
    wheel = tomllib.loads(project.read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["force-include"]["formats"] == "lplrcli/_formats"
    ignored = (project.parent / ".gitignore").read_text().split()
    assert not any("dict" in pattern for pattern in ignored)


@pytest.mark.parametrize("mode", ["factors", "direct", "factors+residual"])
@pytest.mark.parametrize("quantizer", ["uniform", "normal", "deadzone", "trellis"])
def test_the_dictionary_makes_metadata_small(mode, quantizer):
    file = Draft(written(factorization((200, 30), (4, 4), mode, quantizer)))
    with_dictionary = len(file["META"].payload)
    file.as_first_version()
    assert with_dictionary < 140 < len(file["META"].payload) / 2


def test_metadata_need_not_refer_to_the_dictionary():
    file = draft()
    document = file.json()
    file.edit_json(lambda d: None)  # compresses anew, without it
    assert file.json() == document
    read_all(file.build())


def test_a_frame_names_no_dictionary():
    payload = draft()["META"].payload
    assert zstandard.get_frame_parameters(payload).dict_id == 0
    assert payload[4] & 3 == 0  # not even by an explicit 0
