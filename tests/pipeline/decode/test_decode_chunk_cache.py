"""Chunks that several readers share: each is decoded once, by whoever comes first."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from lplrcli.errors import CorruptSectionError
from lplrcli.pipeline.decode.chunk_cache import RecentChunks


class Decoder:
    """Counts its calls; holds each of them until it is let go."""

    def __init__(self, damaged=()):
        self.calls = []
        self.damaged = damaged
        self.free = threading.Event()

    def __call__(self, number):
        self.calls.append(number)
        assert self.free.wait(30)
        if number in self.damaged:
            raise CorruptSectionError("a chunk is damaged", found="noise", expected="codes")
        return np.full(3, number)


def until(condition):
    for _ in range(3000):
        if condition():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it did not happen")


def test_the_oldest_is_forgotten():
    decoder = Decoder()
    decoder.free.set()
    chunks = RecentChunks(decoder, 9, most=2)
    for number in (0, 1, 0, 2, 0, 1):
        assert chunks[number].tolist() == 3 * [number]
    assert decoder.calls == [0, 1, 2, 1]


@pytest.mark.parametrize("damaged", [(), (1,)])
def test_who_would_wait_decodes_the_next_chunk(damaged):
    decoder = Decoder(damaged)
    chunks = RecentChunks(decoder, 2, most=4)
    read = []
    readers = [threading.Thread(target=lambda: read.append(chunks[0])) for _ in range(2)]
    readers[0].start()
    until(lambda: decoder.calls == [0])
    readers[1].start()
    until(lambda: sorted(decoder.calls) == [0, 1])
    decoder.free.set()
    for reader in readers:
        reader.join()
    assert [values.tolist() for values in read] == [[0, 0, 0]] * 2
    if damaged:
        with pytest.raises(CorruptSectionError):
            _ = chunks[1]
    else:
        assert chunks[1].tolist() == [1, 1, 1]
        assert sorted(decoder.calls) == [0, 1]


def test_behind_the_last_chunk_there_is_nothing_to_decode():
    decoder = Decoder()
    chunks = RecentChunks(decoder, 1, most=4)
    readers = [threading.Thread(target=lambda: chunks[0]) for _ in range(2)]
    for reader in readers:
        reader.start()
    until(lambda: decoder.calls == [0])
    decoder.free.set()
    for reader in readers:
        reader.join()
    assert decoder.calls == [0]
