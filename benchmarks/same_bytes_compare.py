"""What two versions left of the same commands, compared; used by ``same_bytes.py``."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from same_bytes_content import excused

TIMES = frozenset({"seconds", "bytes_per_second"})
"""Keys of JSON that no two runs share."""

COUNTS = frozenset({"passes", "bytes_read"})
"""Keys of JSON that may fall; below a target, `passes` is what was asked and has to stay."""

_TIMES_IN_WORDS = re.compile(r"[\d.e+-]+ (s\b|[kMG]?B/s)")
_NUMBERS = re.compile(r"[\d.]+")
_SHOWN = 6  # differences of one JSON document


@dataclass(frozen=True)
class Comparison:
    """One command in both versions.

    Attributes
    ----------
    text, group : str
        The command, and what it is to show.
    unexpected, differences, more : tuple of str
        Where the version before does not end as the corpus says; what is not equal; which counts
        of passes and bytes rose. A line each.
    fewer : tuple of str
        What is not equal, where that is only because ``.lplr`` files tell of fewer passes; there
        are no `differences` then.
    passes, read : (int, int)
        Passes that the command says it took, and bytes that a counting input saw it read.
    words : (str, str)
        Messages and tables, as printed.
    words_changed : bool
        Whether they differ by more than times.
    results : (dict, dict)
        As the worker recorded them.
    """

    text: str
    group: str
    unexpected: tuple[str, ...]
    differences: tuple[str, ...]
    more: tuple[str, ...]
    fewer: tuple[str, ...]
    passes: tuple[int, int]
    read: tuple[int, int]
    words: tuple[str, str]
    words_changed: bool
    results: tuple[dict[str, Any], dict[str, Any]]

    @property
    def failed(self) -> bool:
        """Whether it is to be looked at."""
        return bool(self.unexpected or self.differences or self.more)

    @property
    def files(self) -> int:
        """Files and binary outputs that were compared."""
        return len(self.results[0]["outputs"])

    def record(self) -> dict[str, Any]:
        """Everything of it as JSON, with the hashes of both versions where they are not equal."""
        sides = [
            {
                "status": result["status"],
                "outputs": result["outputs"],
                "json": _sha(json.dumps(_without(result.get("document")))),
                "words": {"characters": len(words), "sha256": _sha(words)},
            }
            for result, words in zip(self.results, map(self._plain, self.words), strict=True)
        ]
        told = {
            "command": self.text,
            "group": self.group,
            **sides[0],
            "passes": self.passes,
            "read": self.read,
        }
        if sides[0] != sides[1]:
            told |= {"after": sides[1], "texts": self.words if self.words_changed else None}
        if self.failed:
            told["failed"] = [*self.unexpected, *self.differences, *self.more]
        if self.fewer:
            told["fewer passes told"] = self.fewer
        return told

    def _plain(self, words: str) -> str:
        return plain_words(self.text, words)


def compared(before: Sequence[dict[str, Any]], after: Sequence[dict[str, Any]]) -> list[Comparison]:
    """Compare what two workers recorded of the same commands."""
    told: dict[str, frozenset[str]] = {}
    return [_compared(*pair, told) for pair in zip(before, after, strict=True)]


def _compared(
    before: dict[str, Any], after: dict[str, Any], told: dict[str, frozenset[str]]
) -> Comparison:
    text = before["text"]
    unexpected = ()
    if before["status"] != before["expected"]:
        unexpected = (f"exit status {before['status']} before, expected {before['expected']}",)
    both = before, after
    documents = before.get("document"), after.get("document")
    counts = [dict(_counts(document)) for document in documents]
    for count, result in zip(counts, both, strict=True):
        count["bytes counted"] = result["read"]
    told_passes = (0, 0)
    if " inspect " not in text:  # it repeats what a file says
        told_passes = tuple(sum(n for path, n in one.items() if "passes" in path) for one in counts)  # type: ignore[assignment]
    words = before["words"], after["words"]
    differences, fewer = tuple(_differences(before, after)), ()
    excuses = _excuses(before, after, told)
    if differences and excuses and not any(_differences(before, after, excuses)):
        differences, fewer = (), differences
    return Comparison(
        text,
        before["group"],
        unexpected,
        differences,
        tuple(
            f"{path}: {number} before, {counts[1][path]} after"
            for path, number in counts[0].items()
            if counts[1].get(path, 0) > number
        ),
        fewer,
        told_passes,
        (before["read"], after["read"]),
        words,
        plain_words(text, words[0]) != plain_words(text, words[1]),
        both,
    )


def _excuses(
    before: dict[str, Any], after: dict[str, Any], told: dict[str, frozenset[str]]
) -> dict[str, frozenset[str]]:
    """Outputs that tell of fewer passes, or those that are inspected, with the keys excused.

    `told` holds such files from command to command, for as long as none writes them again.
    """
    contents = before["contents"], after["contents"]
    for path in {*before["outputs"], *after["outputs"]}:
        told.pop(path, None)
    own = {path: excused(one, contents[1].get(path)) for path, one in contents[0].items()}
    own = {path: keys for path, keys in own.items() if keys}
    told |= own
    if own or " inspect " not in before["text"]:
        return own
    files = (before.get("document") or {}).get("files", ())
    paths = [file.get("path") for file in files]
    return {path: told[path] for path in paths} if told.keys() >= {*paths} else {}


def _differences(
    before: dict[str, Any], after: dict[str, Any], excuses: dict[str, frozenset[str]] | None = None
) -> Iterator[str]:
    """What is not equal, a line each, but for outputs and keys that are excused."""
    excuses = excuses or {}
    keys = frozenset().union(*excuses.values())
    if before["status"] != after["status"]:
        yield f"exit status {before['status']} before, {after['status']} after"
    paths = sorted({*before["outputs"], *after["outputs"]})
    for path in paths:
        hashes = [side["outputs"].get(path, "absent")[:16] for side in (before, after)]
        if hashes[0] != hashes[1] and path not in excuses:
            yield f"{path}: {hashes[0]} before, {hashes[1]} after"
    left, right = (_without(side.get("document"), "", keys) for side in (before, after))
    if json.dumps(left) != json.dumps(right):
        flat = [dict(_flat(document)) for document in (left, right)]
        changed = [key for key in flat[0] | flat[1] if _at(flat[0], key) != _at(flat[1], key)]
        for key in changed[:_SHOWN]:
            yield f"JSON {key}: {_at(flat[0], key)} before, {_at(flat[1], key)} after"
        if not changed:
            yield "JSON: the order of its keys"
        if len(changed) > _SHOWN:
            yield f"JSON: {len(changed) - _SHOWN} values more"


def _at(flat: dict[str, Any], key: str) -> str:
    return json.dumps(flat[key]) if key in flat else "absent"


def _without(document: Any, parent: str = "", keys: frozenset[str] = frozenset()) -> Any:
    """The document without times and `keys`, and with counts replaced by whether they are there."""
    if isinstance(document, list):
        return [_without(one, parent, keys) for one in document]
    if not isinstance(document, dict):
        return document
    return {
        key: value is not None if _is_count(key, parent) else _without(value, key, keys)
        for key, value in document.items()
        if not {key, f"{parent}.{key}"} & (TIMES | keys)
    }


def _is_count(key: str, parent: str) -> bool:
    return key in COUNTS and parent != "target"


def _flat(document: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf of a document, by its path."""
    if isinstance(document, dict | list) and document:
        items = document.items() if isinstance(document, dict) else enumerate(document)
        for key, value in items:
            yield from _flat(value, f"{path}.{key}" if path else str(key))
    else:
        yield path, document


def _counts(document: Any) -> Iterator[tuple[str, int]]:
    for path, value in _flat(document):
        parent, _, key = path.rpartition(".")
        if _is_count(key, parent.rpartition(".")[2]) and value is not None:
            yield path, value


def plain_words(text: str, words: str) -> str:
    """Messages without times; without any number where they tell what memory was free."""
    without = _NUMBERS if " -M " in text else _TIMES_IN_WORDS
    return without.sub("#", words)


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
