// What the JavaScript parser of lplr.ksy finds in files, as JSON: node parse.mjs BUILD FILE...
// parse.py beside this file does the same in Python.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const [build, ...files] = process.argv.slice(2);
const require = createRequire(join(resolve(build), "package.json"));
const KaitaiStream = require("kaitai-struct/KaitaiStream");
const { Lplr } = require("./Lplr.js");
const zstd = require("@bokuweb/zstd-wasm");
await zstd.init();

const folder = new URL("../../formats/lplr/", import.meta.url);
const dictionary = readFileSync(new URL("metadata.dict", folder));
const chunkTags = {
  left_basis: "LBAS",
  right_basis: "RBAS",
  left: "LEFT",
  right: "RGHT",
  residual: "RESD",
  mean_row: "MROW",
  mean_column: "MCOL",
};

const parsed = (type, bytes, ...parameters) =>
  new type(new KaitaiStream(bytes), null, null, ...parameters);

const tagOf = (section) => String.fromCharCode(...[0, 8, 16, 24].map((by) => (section.tag >> by) & 255));

function inflated(bytes, ...dictionaries) {
  const { frame, contentSize } = parsed(Lplr.BoundedFrame, bytes);
  const content = dictionaries.length
    ? zstd.decompressUsingDict(zstd.createDCtx(), frame, dictionaries[0])
    : zstd.decompress(frame);
  if (content.length !== contentSize) throw new Error("content is not of the size that the frame states");
  return content;
}

function sideOf(quantizer, side) {
  if (quantizer === "uniform") return { low: side.low, step: side.step };
  if (quantizer === "normal") return { scales: side.scales };
  return {
    step: side.step,
    shifts: side.shifts,
    scales: side.scales.map(({ eighths, exponent }) => [eighths, exponent]),
  };
}

function packedFactor({ quantizer, components, length, chunk_length }, bytes, chunks) {
  const { bits, side } = parsed(Lplr.PackedTables, bytes, quantizer, components);
  const codes = chunks.map((chunk, ordinal) => {
    const rows = Math.min(chunk_length, length - ordinal * chunk_length);
    const { runs } = parsed(Lplr.PackedChunk, chunk, bits, rows);
    return runs.map((run) => run.codes.map(({ code }) => code));
  });
  return { tables: { bits }, side: sideOf(quantizer, side), chunks: codes };
}

function ransFactor({ quantizer, components }, bytes, chunks) {
  const found = parsed(Lplr.RansTables, inflated(bytes), quantizer, components);
  const tables = {
    machine: found.machine,
    context: found.context,
    classes: found.classes.map(({ value }) => value),
    context_map: found.contextMap.map(({ value }) => value),
    frequencies: found.tables.map(({ tokens }) => tokens.map(({ frequency }) => frequency)),
    starts: found.tables.map(({ tokens }) => tokens.map(({ start }) => start)),
  };
  const streams = chunks.map((chunk) => {
    const { states, words } = parsed(Lplr.RansChunk, chunk);
    return { states, words };
  });
  return { tables, side: sideOf(quantizer, found.side), chunks: streams };
}

function keptEntries({ form }, payloads) {
  const chunks = payloads("KEPT");
  const { counts } = parsed(Lplr.KeptCounts, payloads("COMP")[0], form === "sparse" ? chunks.length : 0);
  const arrays = chunks.map((chunk) =>
    parsed(Lplr.KeptChunk, chunk, form).arrays.map(({ layout, frame }) => [layout, frame.length]),
  );
  return { counts, arrays };
}

function matrixOf(sections, dictionaries) {
  const payloads = (tag) => sections.filter((each) => tagOf(each) === tag).map((each) => each.payload);
  const metadata = Buffer.from(inflated(payloads("META")[0].frame, ...dictionaries)).toString();
  const { factors: described, kept } = JSON.parse(metadata);
  if (kept !== undefined) return { metadata, factors: {}, kept: keptEntries(kept, payloads) };
  const names = Object.keys(chunkTags).filter((name) => name in described);
  const lengths = names.map((name) => described[name].table_length);
  const { factors } = parsed(Lplr.ComponentTables, payloads("COMP")[0], lengths);
  const read = { packed: packedFactor, rans: ransFactor };
  const entries = names.map((name, i) => {
    const factor = described[name];
    return [name, read[factor.coding](factor, factors[i], payloads(chunkTags[name]))];
  });
  return { metadata, factors: Object.fromEntries(entries) };
}

function reportOf(file) {
  const lplr = parsed(Lplr, readFileSync(file));
  let end = 32;
  const sections = lplr.sections.map((each) => {
    const offset = end + each.padding.bytes.length + 32;
    end = offset + each.length;
    const { flags, matrix, ordinal, length, payloadChecksum, headerChecksum } = each;
    return [tagOf(each), flags, matrix, ordinal, offset, length, payloadChecksum, headerChecksum];
  });
  const index = lplr.index.entries.map((each) => {
    const { matrix, ordinal, payloadChecksum, payloadOffset, length } = each;
    return [tagOf(each), matrix, ordinal, payloadChecksum, payloadOffset, length];
  });
  const { major, minor } = lplr.header;
  const { indexOffset, sectionCount, endChecksum } = lplr.ending;
  const dictionaries = major === 0 && minor === 1 ? [] : [dictionary];
  const known = lplr.index.entries.filter((each) => !each.section.isAncillary);
  const count = 1 + Math.max(...known.map((each) => each.matrix));
  const matrices = Array.from({ length: count }, (_, i) =>
    matrixOf(known.filter((each) => each.matrix === i).map((each) => each.section), dictionaries),
  );
  return {
    version: [major, minor],
    sections,
    index,
    end: [indexOffset, sectionCount, endChecksum],
    matrices,
  };
}

// A file that is refused is told as such, and the others are read all the same.
for (const file of files) {
  let found;
  try {
    found = reportOf(file);
  } catch (error) {
    found = { refused: `${error.name}: ${error.message}` };
  }
  console.log(JSON.stringify(found));
}
