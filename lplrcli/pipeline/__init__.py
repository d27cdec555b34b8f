"""The algorithm: from a matrix and a request to a file's content, and back.

Verbs, each a file: `compress`, `compare`, `forecast`, `unfold`; `first_plan` and `memory_needs`
serve them. Rooms, each importing only from those below it::

    engines      append   integrity     code until a target is met; add rows; damaged files
    predict                             what each mode would reach, and which one to take
    survey                              what is known of A; knows no target
    encode       measure                numbers to coded factors; the error of what decodes
    decode                              coded factors to numbers; knows nothing of encode

Nothing is imported here, so that decoding loads nothing of the engines.
"""
