# The layout of .lplr files, from which Kaitai Struct (https://kaitai.io) makes parsers in C++, C#,
# Go, Java, JavaScript, Lua, Perl, PHP, Python, Ruby and Rust. Versions 0.1, 0.2 and 1.x.
# SPEC.md beside this file is normative; `doc-ref` names its sections.

meta:
  id: lplr
  title: LPLR, matrices compressed by low rank and low precision
  application: lplr
  file-extension: lplr
  license: Apache-2.0
  ks-version: '0.11'
  encoding: UTF-8
  endian: le
  bit-endian: be

doc: |
  A file is a header of 32 bytes, then sections, the last two of which are the index (`INDX`) and
  the end (`LEND`). Every payload starts at a multiple of 64 bytes, its header 32 bytes before.

  To find a section without reading the file, start from its last 48 bytes, `end_section`. They say
  where `index_section` is, and each entry of the `index` where a section is: `index_entry.section`
  reads it when asked for it. `sections` are the same, from the first to the last.

  How some payloads are laid out is said by others, and some lie in frames of Zstandard. Types with
  parameters describe those; a program gives them bytes and parameters, for each matrix in turn:

  1. The payload of `META` is a `bounded_frame`. Inflate its `frame`: in version 0.1 without a
     dictionary, else with the bytes of `metadata.dict` as a dictionary of raw content.
     The content is a JSON text, whose member `factors` describes the factors.
  2. Split the payload of `COMP` among them with `component_tables`.
  3. The part of a factor of the coding `packed` is `packed_tables`. That of one of the coding
     `rans` is a `bounded_frame` (without a dictionary) of `rans_tables`.
  4. The payloads of its other sections are each a `packed_chunk` or a `rans_chunk`.

  A matrix whose metadata have a member `kept` has no factors. Of the form `sparse` its payload of
  `COMP` is `kept_counts`; the payloads of its sections `KEPT` are each a `kept_chunk`.

  What a description of bytes cannot say is left to the program: checksums (CRC-32, the one of
  zlib), the order of sections, the rules of metadata, decoding `rans`, and what codes stand for.

doc-ref: SPEC.md "Structure of a file"

seq:
  - id: header
    type: file_header

instances:
  sections:
    pos: 32
    type: section
    repeat: eos
    doc: All sections in file order, `INDX` and `LEND` included. This reads the whole file.
    doc-ref: SPEC.md "Order of sections"
  end_section:
    pos: _io.size - 48
    type: section
    valid:
      expr: _.tag == section_tag::lend and _.length == 16
    doc-ref: SPEC.md "LEND"
  ending:
    value: end_section.payload.as<end_of_file>
  index_section:
    pos: ending.index_offset
    type: section
    valid:
      expr: _.tag == section_tag::indx and _.length == 32 * ending.section_count
    doc-ref: SPEC.md "INDX"
  index:
    value: index_section.payload.as<section_index>

types:

  file_header:
    doc: These 32 bytes keep their layout in every version.
    doc-ref: SPEC.md "File header", "Versions and compatibility"
    seq:
      - id: signature
        contents: [0x89, LPLR, 0x0d, 0x1a, 0x0a]
      - id: major
        type: u2
        valid:
          max: 1
      - id: minor
        type: u2
        valid:
          expr: major == 1 or _ == 1 or _ == 2
        doc: |
          Of major 0, 1 or 2; of major 1 any. A later one brings nothing that earlier readers
          would misread: unknown keys of the metadata and unknown ancillary sections are passed over.
      - id: flags
        type: u4
        valid: 0
      - id: reserved
        contents: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
      - id: header_checksum
        type: u4
        doc: CRC-32 of the 28 bytes before.

  section:
    doc: |
      Padding, header and payload. Read from where the section before it ended there may be
      padding, read from where its header starts there is none.
    doc-ref: SPEC.md "Section header"
    seq:
      - id: padding
        type: zeros
        size: (32 - _io.pos) % 64
      - id: tag
        type: u4
        enum: section_tag
        valid:
          expr: is_ancillary or is_known
        doc: An unknown critical section must be refused, an unknown ancillary one skipped.
      - id: flags
        type: u4
        valid: 0
      - id: matrix
        type: u4
        doc: Number of the matrix, from 0; 0xffffffff for a section of the whole file.
        valid:
          expr: (_ == 0xffffffff) or not is_of_file
      - id: ordinal
        type: u4
        doc: Number among the sections of the same tag and matrix.
        valid:
          expr: _ == 0 or not is_single
      - id: length
        type: u8
        doc: Bytes of the payload.
        valid:
          expr: tag != section_tag::meta or _ <= 0x100000
      - id: payload_checksum
        type: u4
        doc: CRC-32 of the payload.
      - id: header_checksum
        type: u4
        doc: CRC-32 of the 28 bytes of the header before.
      - id: payload
        size: length
        type:
          switch-on: tag
          cases:
            'section_tag::meta': bounded_frame
            'section_tag::indx': section_index
            'section_tag::lend': end_of_file
        doc: Plain bytes where their layout depends on other sections; see the top of this file.
    instances:
      is_ancillary:
        value: |
          (tag.to_i & 0xc0e0e0e0) == 0x40404060
          and (_root.header.major == 1 or not is_safe_to_copy)
        doc: The first letter is in lower case, the two after it are in upper case.
      is_safe_to_copy:
        value: (tag.to_i & 0x20000000) != 0
        doc: |
          The last letter is in lower case, as an ancillary section may have it from 1.0 on. A program
          that does not know the tag leaves out any other one if it changes what that is about.
      is_of_file:
        value: tag == section_tag::indx or tag == section_tag::lend
      is_single:
        value: is_of_file or tag == section_tag::meta or tag == section_tag::comp
      is_known:
        value: |
          is_single
          or tag == section_tag::lbas or tag == section_tag::rbas
          or tag == section_tag::left or tag == section_tag::rght
          or tag == section_tag::resd
          or tag == section_tag::mrow or tag == section_tag::mcol
          or tag == section_tag::kept

  zeros:
    seq:
      - id: bytes
        type: u1
        repeat: eos
        valid: 0

  section_index:
    doc-ref: SPEC.md "INDX"
    seq:
      - id: entries
        type: index_entry
        repeat: eos
        doc: One for each section before `INDX`, in file order.

  index_entry:
    doc-ref: SPEC.md "INDX"
    seq:
      - id: tag
        type: u4
        enum: section_tag
      - id: matrix
        type: u4
      - id: ordinal
        type: u4
      - id: payload_checksum
        type: u4
      - id: payload_offset
        type: u8
        valid:
          expr: _ >= 64 and _ % 64 == 0
        doc: Byte of the file at which the payload starts.
      - id: length
        type: u8
    instances:
      section:
        io: _root._io
        pos: payload_offset - 32
        type: section
        valid:
          expr: |
            _.tag == tag and _.matrix == matrix and _.ordinal == ordinal
            and _.payload_checksum == payload_checksum and _.length == length

  end_of_file:
    doc-ref: SPEC.md "LEND"
    seq:
      - id: index_offset
        type: u8
        valid:
          expr: _ % 64 == 32
        doc: Byte at which the section header of `INDX` starts.
      - id: section_count
        type: u4
        doc: Entries of the index.
      - id: end_checksum
        type: u4
        doc: CRC-32 of the 12 bytes before.

  bounded_frame:
    doc: |
      One Zstandard frame (RFC 8878) of a content of at most 16 MiB, whose size its header states,
      and which needs no larger window. It names no dictionary, even where there is one.
    doc-ref: SPEC.md "Bounded frames"
    seq:
      - id: magic
        contents: [0x28, 0xb5, 0x2f, 0xfd]
      - id: content_size_width
        type: b2
        doc: Log2 of the bytes of the content size. With 0 it has one byte, or is not there.
      - id: is_single_segment
        type: b1
        valid:
          expr: _ or content_size_width > 0
      - id: unused
        type: b1
      - id: reserved
        type: b1
        valid: false
      - id: has_checksum
        type: b1
      - id: dictionary_width
        type: b2
      - id: window
        type: u1
        if: not is_single_segment
        valid:
          max: 14 << 3
        doc: (8 + window % 8) << (7 + window / 8) bytes.
      - id: dictionary
        type: u1
        repeat: expr
        repeat-expr: '(1 << dictionary_width) >> 1'
        valid: 0
      - id: stored_content_size
        type:
          switch-on: content_size_width
          cases:
            0: u1
            1: u2
            2: u4
            _: u8
        valid:
          max: 0x1000000
      - id: blocks
        size-eos: true
    instances:
      content_size:
        value: "stored_content_size + (content_size_width == 1 ? 256 : 0)"
        doc: Bytes of the content.
      frame:
        pos: 0
        size-eos: true
        doc: All bytes, for a program that inflates them.

  component_tables:
    doc: The payload of `COMP`, split.
    doc-ref: SPEC.md "COMP"
    params:
      - id: table_lengths
        type: u4[]
        doc: |
          Of the factors there are, in this order: left basis, right basis, left, right, residual,
          mean row, mean column.
    seq:
      - id: factors
        size: table_lengths[_index]
        repeat: expr
        repeat-expr: table_lengths.size
      - id: rest
        size-eos: true
        valid:
          expr: _.length == 0

  packed_tables:
    doc: What `COMP` holds of a factor of the coding `packed`.
    doc-ref: SPEC.md "packed"
    params:
      - id: quantizer
        type: str
        doc: uniform or normal
      - id: components
        type: u4
    seq:
      - id: bits
        type: u1
        repeat: expr
        repeat-expr: components
        valid:
          min: 1
          max: 16
        doc: Bits of each code of the component.
      - id: side
        type:
          switch-on: quantizer
          cases:
            '"uniform"': uniform_side
            '"normal"': normal_side(components)
      - id: rest
        size-eos: true
        valid:
          expr: _.length == 0

  uniform_side:
    doc: The value of code q is low + step q, each operation rounded to binary64.
    doc-ref: SPEC.md "uniform"
    seq:
      - id: low
        type: f8
        valid:
          min: -1.7976931348623157e+308
          max: 1.7976931348623157e+308
      - id: step
        type: f8
        valid:
          min: 0.0
          max: 1.7976931348623157e+308

  normal_side:
    doc-ref: SPEC.md "normal"
    params:
      - id: components
        type: u4
    seq:
      - id: scales
        type: u2
        repeat: expr
        repeat-expr: components
        valid:
          min: 0x0001
          max: 0x7f7f
        doc: Upper 16 bits of a binary32 for each component.

  rans_tables:
    doc: What `COMP` holds of a factor of the coding `rans`, inflated.
    doc-ref: SPEC.md "rans", "Tables"
    params:
      - id: quantizer
        type: str
        doc: deadzone or trellis
      - id: components
        type: u4
    seq:
      - id: machine
        type: u1
        valid:
          expr: 'quantizer == "trellis" ? _ >= 3 and _ <= 8 : _ == 0'
        doc: State bits of the machine, 0 if there is none.
      - id: context
        type: u1
        enum: context_kind
        valid:
          in-enum: true
      - id: num_classes
        type: u1
        valid:
          expr: (_ == 0) == (components == 0)
      - id: num_tables
        type: u1
        valid:
          expr: (_ == 0) == (components == 0)
      - id: classes
        type: "difference(num_classes, _index == 0 ? 0 : classes[_index - 1].value)"
        repeat: expr
        repeat-expr: components
        doc: Class of each component.
      - id: context_map
        type: "difference(num_tables, _index == 0 ? 0 : context_map[_index - 1].value)"
        repeat: expr
        repeat-expr: num_classes * num_contexts * num_unions
        doc: |
          Number of a frequency table, at (class * num_contexts + context) * num_unions + union.
      - id: tables
        type: frequency_table
        repeat: expr
        repeat-expr: num_tables
      - id: side
        type: stepped_side(components)
      - id: rest
        size-eos: true
        valid:
          expr: _.length == 0
    instances:
      num_contexts:
        value: 'context == context_kind::none ? 1 : 32'
      num_unions:
        value: 'machine == 0 ? 1 : 2'

  difference:
    doc: A byte that is stored as the difference mod 256 from the one before.
    params:
      - id: limit
        type: u1
      - id: previous
        type: u1
    seq:
      - id: stored
        type: u1
        valid:
          expr: value < limit
    instances:
      value:
        value: (stored + previous) % 256

  frequency_table:
    doc: |
      Frequencies of the tokens, which sum to 4096. They follow from weights, those from indices,
      and these are stored as differences mod 256 from the index two before.
    doc-ref: SPEC.md "Frequency tables"
    seq:
      - id: num_tokens
        type: u1
        valid:
          min: 1
          max: 231
      - id: weights
        type: |
          weight_of_token(_index,
          _index < 2 ? 0 : weights[_index - 2].index,
          _index == 0 ? 0 : weights[_index - 1].sum)
        repeat: expr
        repeat-expr: num_tokens
      - id: tokens
        type: |
          token(_index, weights[_index].value,
          _index == 0 ? 0 : tokens[_index - 1].greatest,
          _index == 0 ? 0 : tokens[_index - 1].greatest_share,
          _index == 0 ? 0 : tokens[_index - 1].sum_of_shares)
        repeat: expr
        repeat-expr: num_tokens
        doc: Of no bytes; made of the weights.
      - id: rule
        size: 0
        valid:
          expr: tokens[greatest].frequency >= 1
        doc: Of no bytes; the place of a rule about all tokens.
    instances:
      sum_of_weights:
        value: weights[num_tokens - 1].sum
      greatest:
        value: tokens[num_tokens - 1].greatest
        doc: The first token whose share is the greatest.
      left_over:
        value: 4096 - tokens[num_tokens - 1].sum_of_shares
        doc: What rounding left; the greatest takes it up. It may be negative.

  weight_of_token:
    params:
      - id: token
        type: u1
      - id: two_before
        type: u1
        doc: The index two before, 0 for the first two.
      - id: sum_before
        type: u4
    seq:
      - id: stored
        type: u1
        valid:
          expr: index <= 47 and (token + 1 < _parent.num_tokens or index > 0)
    instances:
      index:
        value: (stored + two_before) % 256
      value:
        value: 'index < 4 ? index : (4 + index % 4) << (index / 4 - 1)'
      sum:
        value: sum_before + value

  token:
    params:
      - id: number
        type: u1
      - id: weight
        type: u4
      - id: greatest_before
        type: u1
        doc: Of the tokens before this one, the first whose share is the greatest.
      - id: greatest_share_before
        type: u4
      - id: shares_before
        type: u4
        doc: The sum of the shares of the tokens before this one.
    instances:
      proportion:
        value: 4096 * weight / _parent.sum_of_weights
      share:
        value: 'weight > 0 and proportion == 0 ? 1 : proportion'
      sum_of_shares:
        value: shares_before + share
      greatest:
        value: 'share > greatest_share_before ? number : greatest_before'
      greatest_share:
        value: 'share > greatest_share_before ? share : greatest_share_before'
      frequency:
        value: 'share + (number == _parent.greatest ? _parent.left_over : 0)'
      start:
        value: 'shares_before + (number > _parent.greatest ? _parent.left_over : 0)'

  stepped_side:
    doc: |
      The unit of a component is step * scale, the value of code q (q + sgn(q) shift / 256) units.
    doc-ref: SPEC.md "Units and shifts"
    params:
      - id: components
        type: u4
    seq:
      - id: step
        type: f8
        valid:
          expr: _ > 0.0 and _ <= 1.7976931348623157e+308
      - id: shifts
        type: s1
        repeat: expr
        repeat-expr: 3
        doc: For codes of magnitude 1, of magnitude 2, and of a greater one.
      - id: scales_low
        type: u1
        repeat: expr
        repeat-expr: components
      - id: scales_high
        type: s1
        repeat: expr
        repeat-expr: components
        valid:
          expr: _ <= 31 and 256 * _ + scales_low[_index] >= -8176
      - id: scales
        type: scale(256 * scales_high[_index] + scales_low[_index])
        repeat: expr
        repeat-expr: components
        doc: Of no bytes; made of the two before.

  scale:
    doc: (1 + eighths / 8) * 2^exponent
    params:
      - id: index
        type: s2
    instances:
      eighths:
        value: index % 8
      exponent:
        value: (index - eighths) / 8

  packed_chunk:
    doc: The payload of a section of codes, of the coding `packed`.
    doc-ref: SPEC.md "packed"
    params:
      - id: bits
        type: u1[]
        doc: Of each component, from its tables.
      - id: rows
        type: u8
        doc: |
          Entries per component in this chunk: min(chunk_length, length - ordinal * chunk_length).
    seq:
      - id: runs
        type: packed_run(bits[_index], rows)
        size: (bits[_index] * rows + 7) / 8
        repeat: expr
        repeat-expr: bits.size
      - id: rest
        size-eos: true
        valid:
          expr: _.length == 0

  packed_run:
    doc: |
      The codes of one component, the first in the lowest bits of the first byte. The bits after
      the last are zero.
    doc-ref: SPEC.md "packed"
    params:
      - id: bits
        type: u1
      - id: rows
        type: u8
    seq:
      - id: bytes
        type: u1
        repeat: eos
        valid:
          expr: _index < bits * rows / 8 or _ >> (bits * rows % 8) == 0
    instances:
      codes:
        type: packed_code(_index * bits)
        repeat: expr
        repeat-expr: rows

  packed_code:
    params:
      - id: first_bit
        type: u8
    instances:
      at:
        value: first_bit / 8
      three_bytes:
        value: |
          _parent.bytes[at]
          + (at + 1 < _parent.bytes.size ? _parent.bytes[at + 1] << 8 : 0)
          + (at + 2 < _parent.bytes.size ? _parent.bytes[at + 2] << 16 : 0)
      code:
        value: (three_bytes >> (first_bit % 8)) % (1 << _parent.bits)

  rans_chunk:
    doc: The payload of a section of codes, of the coding `rans`.
    doc-ref: SPEC.md "Chunks of `rans`"
    seq:
      - id: states
        type: u4
        repeat: expr
        repeat-expr: 4
        valid:
          min: 0x10000
        doc: What the states of the four lanes start from.
      - id: words
        type: u2
        repeat: eos
        doc: Read one after the other by whichever lane needs one.

  kept_counts:
    doc: The payload of `COMP` of kept entries of the form `sparse`.
    doc-ref: SPEC.md "COMP"
    params:
      - id: chunks
        type: u4
    seq:
      - id: counts
        type: u8
        repeat: expr
        repeat-expr: chunks
        doc: Entries that each chunk holds.
      - id: rest
        size-eos: true
        valid:
          expr: _.length == 0

  kept_chunk:
    doc: |
      The payload of a section of kept entries: the values of the form `dense`; gaps, then values,
      of the form `sparse`.
    doc-ref: SPEC.md "KEPT"
    params:
      - id: form
        type: str
        doc: dense or sparse
    seq:
      - id: arrays
        type: kept_array(form)
        repeat: expr
        repeat-expr: 'form == "sparse" ? 2 : 1'
      - id: rest
        size-eos: true
        valid:
          expr: _.length == 0

  kept_array:
    doc-ref: SPEC.md "KEPT"
    params:
      - id: form
        type: str
    seq:
      - id: layout
        type: u1
        doc: 1 for planes, 2 for differences along rows, 4 for differences along columns.
        valid:
          expr: '_ <= (form == "sparse" ? 1 : 7)'
      - id: reserved
        contents: [0, 0, 0, 0, 0, 0, 0]
      - id: length
        type: u8
      - id: frame
        size: length
        doc: One Zstandard frame, as a `bounded_frame` is, but of any size.

enums:

  section_tag:
    0x4154454d:
      id: meta
      doc: Metadata of a matrix.
    0x504d4f43:
      id: comp
      doc: Tables of the components of all its factors.
    0x5341424c:
      id: lbas
      doc: A chunk of the basis of its left factor.
    0x53414252:
      id: rbas
      doc: A chunk of the basis of its right factor.
    0x5446454c:
      id: left
      doc: A chunk of its left factor.
    0x54484752:
      id: rght
      doc: A chunk of its right factor.
    0x44534552:
      id: resd
      doc: A chunk of its residual.
    0x574f524d:
      id: mrow
      doc: A chunk of its mean row.
    0x4c4f434d:
      id: mcol
      doc: A chunk of its mean column.
    0x5450454b:
      id: kept
      doc: A chunk of its entries, which are kept as they are.
    0x58444e49:
      id: indx
      doc: The index of all sections before.
    0x444e454c:
      id: lend
      doc: The end, which says where the index is.

  context_kind:
    0:
      id: none
      doc: Tables depend on no other code.
    1:
      id: above
      doc: The two codes above.
    2:
      id: around
      doc: Magnitudes of the codes around on the grid.
    3:
      id: coarser
      doc: The same, and that at half of all coordinates.
    4:
      id: coarser_by_axis
      doc: The same, and those at half of each coordinate.
