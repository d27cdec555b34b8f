"""The error tree.

LplrError
├── InputError (ValueError)          the matrix given cannot be compressed
│   ├── UnknownFormatError           no format recognises the content
│   ├── NotAMatrixError              readable, but no real array that makes a matrix
│   └── NonFiniteError               NaN or infinity among the entries
├── OutputError (OSError)            the output cannot be written where it was asked for
├── PlanError (ValueError)           the options contradict the matrix or each other
│   └── TargetUnreachableError       no file can meet the target; says what could be
├── ContainerError (ValueError)      the .lplr file cannot be used
│   ├── NotLplrError                 the signature is missing
│   ├── UnsupportedVersionError      written by a format version this package does not read
│   ├── CorruptSectionError          structure or checksum wrong
│   └── UnknownSectionError          a critical section this package does not know
├── ClusterError (RuntimeError)      the cluster cannot do the work, or lost it for good
├── MemoryLimitError (MemoryError)   more memory is needed than was allowed; says how much
└── MissingDependencyError (ImportError)

Every error keeps its datum as attributes and prints as at most two lines:
the file and what is wrong, then what to do. What it quotes may come from anyone: control
characters are shown as escapes, so that they do nothing to a terminal, and long values are cut.
"""

from __future__ import annotations

from typing import Any

_LONGEST_VALUE, _LONGEST_TEXT = 300, 1000
"""Characters of a value that is quoted, and of a sentence, which may quote others."""


def printable(text: str) -> str:
    """The text with escapes for what a terminal would not show as it is.

    Control characters, marks that turn the direction of writing, and bytes of file names that are
    no text.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class LplrError(Exception):
    """Root of every error this package raises on purpose.

    Parameters
    ----------
    message : str
        What is wrong, in one sentence without a final period.
    path : str, optional
        The file (or ``<stdin>``) it concerns; printed first.
    found, expected : object, optional
        The offending value and what was required in its place.
    advice : str, optional
        What to do about it; printed on a second line.
    """

    exit_code = 1

    def __init__(
        self,
        message: str,
        *,
        path: str | None = None,
        found: object = None,
        expected: object = None,
        advice: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.path = path
        self.found = found
        self.expected = expected
        self.advice = advice

    def __str__(self) -> str:
        text = f"{printable(self.path)}: " if self.path else ""
        text += _cut(self.sentence, _LONGEST_TEXT)
        if self.found is not None:
            text += f": found {_cut(self.found, _LONGEST_VALUE)}"
        if self.expected is not None:
            text += (", " if self.found is not None else ": ") + "expected "
            text += _cut(self.expected, _LONGEST_VALUE)
        return f"{text}\n{_cut(self.advice, _LONGEST_TEXT)}" if self.advice else text

    @property
    def sentence(self) -> str:
        """The message, with what the error knows of the place."""
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        # Errors come back from other processes, whatever the parameters of their class are.
        return _restored, (type(self), self.args), self.__dict__


def _cut(value: object, most: int) -> str:
    text = printable(str(value))
    return text if len(text) <= most else f"{text[:most]}..."


def _restored(kind: type[LplrError], arguments: tuple[Any, ...]) -> LplrError:
    error = kind.__new__(kind, *arguments)
    error.args = arguments
    return error


class InputError(LplrError, ValueError):
    """The matrix given cannot be read or compressed."""


class UnknownFormatError(InputError):
    """No input format recognises the content."""


class NotAMatrixError(InputError):
    """The data is readable but is no array of real numbers that is or unfolds to a matrix."""


class NonFiniteError(InputError):
    """NaN or infinity among the entries.

    Attributes
    ----------
    count : int
        How many entries are not finite.
    position : tuple of int
        Row and column of the first one; of an array, its index.
    """

    def __init__(self, count: int, position: tuple[int, ...], *, path: str | None = None) -> None:
        where = f"index {position}"
        if len(position) == 2:
            where = f"row {position[0]}, column {position[1]}"
        super().__init__(
            f"{count} {'entry is' if count == 1 else 'entries are'} NaN or infinite, "
            f"the first at {where}",
            path=path,
            advice="Replace or remove them first; lplr compresses finite numbers only.",
        )
        self.count = count
        self.position = position


class OutputError(LplrError, OSError):
    """The output cannot be written where it was asked for."""

    # OSError defines its own __str__ from errno; the message of LplrError is the clearer one.
    __str__ = LplrError.__str__


class PlanError(LplrError, ValueError):
    """The options contradict the matrix or each other."""


class TargetUnreachableError(PlanError):
    """No file meets the target."""

    exit_code = 4


class ContainerError(LplrError, ValueError):
    """An ``.lplr`` file cannot be used.

    Attributes
    ----------
    section : str or None
        Tag of the section concerned.
    offset : int or None
        Byte offset in the file at which the fault lies.
    """

    exit_code = 3

    def __init__(
        self,
        message: str,
        *,
        path: str | None = None,
        section: str | None = None,
        offset: int | None = None,
        found: object = None,
        expected: object = None,
        advice: str | None = None,
    ) -> None:
        super().__init__(message, path=path, found=found, expected=expected, advice=advice)
        self.section = section
        self.offset = offset

    def located(self, path: str, section: str, offset: int) -> ContainerError:
        """The same error, of a section that whoever raised it did not know."""
        return type(self)(
            self.message,
            path=path,
            section=section,
            offset=offset,
            found=self.found,
            expected=self.expected,
            advice=self.advice,
        )

    @property
    def sentence(self) -> str:
        """The message, with section and offset."""
        where = f"section {self.section}: " if self.section else ""
        at = f" (at byte {self.offset})" if self.offset is not None else ""
        return f"{where}{self.message}{at}"


class NotLplrError(ContainerError):
    """The file does not start with the ``.lplr`` signature."""


class UnsupportedVersionError(ContainerError):
    """The file needs a version of the format that this package does not read."""


class CorruptSectionError(ContainerError):
    """The structure, a checksum or a field of the file is wrong."""


class UnknownSectionError(ContainerError):
    """The file holds a critical section that this package does not know."""


class ClusterError(LplrError, RuntimeError):
    """The cluster cannot be reached, differs from this machine, or lost work too often."""


class MemoryLimitError(LplrError, MemoryError):
    """More memory is needed than was allowed."""


class MissingDependencyError(LplrError, ImportError):
    """An optional package is needed for what is asked."""

    __str__ = LplrError.__str__
