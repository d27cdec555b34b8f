"""The metadata schema: where it lies, and a check against it that starts fast.

The schema is the language-neutral file ``metadata.schema.json`` beside SPEC.md, read at run time.
What it becomes for files of later minor versions is derived from it by two of its keywords.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any

from lplrcli.container.byte_layout import METADATA
from lplrcli.errors import CorruptSectionError
from lplrcli.runtime.format_files import read_definition

MAX_MESSAGE = 160
MAX_FOUND = 40
"""Characters of a complaint, and of the value that it is about: both may quote the file."""


@functools.cache
def _schema() -> Any:
    return json.loads(read_definition("metadata.schema.json"))


@functools.cache
def _compiled(detailed: bool, later: bool) -> Callable[[Any], Any]:
    import fastjsonschema

    check: Callable[[Any], Any] = fastjsonschema.compile(
        _for_later_minors(_schema()) if later else _schema(),
        use_default=False,
        use_formats=False,
        detailed_exceptions=detailed,
    )
    return check


def _for_later_minors(schema: Any) -> Any:
    """Return the schema for files of later minors: of keys and ids, those needed must be known."""
    if isinstance(schema, list):
        return [_for_later_minors(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "inLaterMinors" in schema:
        return schema["inLaterMinors"]
    open_to_keys = not schema.get("keysAreIds", False)
    return {
        key: _for_later_minors(value)
        for key, value in schema.items()
        if not (key == "additionalProperties" and open_to_keys)
    }


def known_part(document: Any, schema: Any = None) -> Any:
    """Return valid metadata without the keys that the schema does not know; ``user`` stays."""
    schema = _schema() if schema is None else schema
    while "$ref" in schema:
        schema = _schema()["definitions"][schema["$ref"].rpartition("/")[2]]
    if "properties" not in schema:
        return document
    known = schema["properties"]
    return {key: known_part(document[key], known[key]) for key in document if key in known}


def check_schema(document: object, *, later: bool) -> None:
    """Check parsed metadata against the schema.

    Parameters
    ----------
    document : object
        What the JSON says.
    later : bool
        Whether its file is of a later minor version, which may have brought keys and, of what no
        decoder needs, ids.

    Raises
    ------
    CorruptSectionError
        It is not valid; the message names the key.
    """
    import fastjsonschema

    try:
        _compiled(False, later)(document)
    except fastjsonschema.JsonSchemaException:
        pass
    else:
        return
    # The check that can say what is wrong takes three times as long to compile, so only a file
    # that is already known to be refused pays for it.
    try:
        _compiled(True, later)(document)
    except fastjsonschema.JsonSchemaValueException as error:
        name = str(error.name)
        key = name.removeprefix("data").removeprefix(".")
        wanted = error.message.removeprefix(name).removeprefix(" must ")
        value = error.value
        found = f"{len(value)} keys" if isinstance(value, dict) else ascii(value)[:MAX_FOUND]
        raise CorruptSectionError(
            f"wrong metadata: {key[:MAX_MESSAGE]}".removesuffix(": "),
            section=METADATA,
            found=found,
            expected=f"to {wanted[:MAX_MESSAGE]}",
        ) from None
    raise AssertionError("the two compiled forms of the schema disagree")
