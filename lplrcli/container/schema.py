"""The metadata schema: where it lies, and a check against it that starts fast.

The schema is the language-neutral file ``metadata.schema.json`` beside SPEC.md, read at run time.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any

from lplrcli.container.layout import METADATA
from lplrcli.errors import CorruptSectionError
from lplrcli.model.definitions import read_definition

MAX_MESSAGE = 200
"""Characters of a complaint: it may quote keys of the file."""


@functools.cache
def _compiled(detailed: bool) -> Callable[[Any], Any]:
    import fastjsonschema

    schema = json.loads(read_definition("metadata.schema.json"))
    check: Callable[[Any], Any] = fastjsonschema.compile(
        schema, use_default=False, use_formats=False, detailed_exceptions=detailed
    )
    return check


def check_schema(document: object) -> None:
    """Check parsed metadata against the schema.

    Raises
    ------
    CorruptSectionError
        It is not valid; the message names the key.
    """
    import fastjsonschema

    try:
        _compiled(False)(document)
    except fastjsonschema.JsonSchemaException:
        pass
    else:
        return
    # The check that can say what is wrong takes three times as long to compile, so only a file
    # that is already known to be refused pays for it.
    try:
        _compiled(True)(document)
    except fastjsonschema.JsonSchemaValueException as error:
        message = error.message.removeprefix("data").removeprefix(".")
        raise CorruptSectionError(
            f"wrong metadata: {message[:MAX_MESSAGE]}", section=METADATA
        ) from None
    raise AssertionError("the two compiled forms of the schema disagree")
