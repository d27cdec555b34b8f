"""The text of metadata: bounded before it is parsed, and strict JSON."""

from __future__ import annotations

import time

import pytest
from lplr_samples import read_all
from metadata_drafts import (
    draft,
)

from lplrcli.container.metadata_text import MAX_INFLATED
from lplrcli.errors import CorruptSectionError


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"[" * 33 + b"]" * 33, "nested too deep"),
        (b"[" * MAX_INFLATED, "too many values|nested too deep"),
        (b'{"user":' + b"[" * 32, "nested too deep"),
        (b"[" + b"0," * (1 << 20) + b"0]", "too many values"),
        (b'"' + b'\\"' * (4 << 20), "not JSON"),
        (b'{"tool":"a","tool":"b"}', "duplicate key.*tool"),
        (b'{"user":{"x":1,"x":1}}', "duplicate key.*x"),
        (b'{"tool":NaN}', "NaN"),
        (b'{"tool":-Infinity}', "Infinity"),
        (b'{"tool":1e999}', "number out of range"),
        (b'{"tool":' + b"9" * 5000 + b"}", "integer too long"),
        (b'{"tool":"\xff"}', "not UTF-8"),
        ('{"tool":"a"}'.encode("utf-16"), "not UTF-8"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        (b"", "not JSON"),
        (b"{} x", "not JSON"),
        (b"[]", "object"),
        (b"null", "object"),
    ],
    ids=[
        "33 arrays deep",
        "16 million arrays deep",
        "an object and 32 arrays deep",
        "a million values",
        "escapes without an end",
        "a key twice",
        "a key of an inner object twice",
        "NaN",
        "minus infinity",
        "1e999",
        "5000 digits",
        "not UTF-8",
        "UTF-16",
        "a byte order mark",
        "nothing",
        "text after it",
        "an array",
        "null",
    ],
)
def test_text_is_bounded_and_strict(text, words):
    spoilt = draft()
    spoilt.set_json(text)
    raw = spoilt.build()
    start = time.perf_counter()
    with pytest.raises(CorruptSectionError, match=words):
        read_all(raw)
    assert time.perf_counter() - start < 10  # linear time, whatever the text
