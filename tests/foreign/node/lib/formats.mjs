// The types a document may have, and how each begins.

import { open } from "node:fs/promises";

import { defect } from "../defects.mjs";
import { absolute } from "./storage.mjs";

const startsWith = (...bytes) => (head) => head.subarray(0, bytes.length).equals(Buffer.from(bytes));
const says = (text, at = 0) => (head) => head.toString("latin1", at, at + text.length) === text;
const any = (...tests) => (head) => tests.some((test) => test(head));
const all = (...tests) => (head) => tests.every((test) => test(head));
const brand = says("ftyp", 4);
const quicktime = says("ftypqt  ", 4);

const FORMATS = {
  "image/jpeg": { extension: "jpg", begins: startsWith(0xff, 0xd8, 0xff) },
  "image/png": { extension: "png", begins: startsWith(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a) },
  "image/gif": { extension: "gif", begins: any(says("GIF87a"), says("GIF89a")) },
  "image/webp": { extension: "webp", begins: all(says("RIFF"), says("WEBP", 8)) },
  "application/pdf": { extension: "pdf", begins: says("%PDF-") },
  "video/mp4": { extension: "mp4", begins: (head) => brand(head) && !quicktime(head) },
  "video/quicktime": {
    extension: "mov",
    // Films older than the brand begin with one of these boxes.
    begins: any(quicktime, ...["moov", "mdat", "wide", "free", "skip"].map((box) => says(box, 4))),
  },
  "application/msword": {
    extension: "doc",
    begins: startsWith(0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1),
  },
  "application/vnd.openxmlformats-officedocument.wordprocessingml.document": {
    extension: "docx",
    begins: startsWith(0x50, 0x4b, 0x03, 0x04),
    endsWith: "word/", // a ZIP like many others: its directory, at the end, names what is in it
  },
};

const TAIL_BYTES = 256 * 1024;

export const isAllowed = (type) => Object.hasOwn(FORMATS, type);

export const extensionOf = (type) => FORMATS[type].extension;

/** Whether a stored file is what its type says. */
export async function isWhatItSays(relative, type) {
  if (defect("magic-ignored")) return true;
  const { begins, endsWith } = FORMATS[type];
  const file = await open(absolute(relative));
  try {
    const head = Buffer.alloc(16);
    const { bytesRead } = await file.read(head, 0, head.length, 0);
    if (!begins(head.subarray(0, bytesRead))) return false;
    if (!endsWith) return true;
    const { size } = await file.stat();
    const tail = Buffer.alloc(Math.min(size, TAIL_BYTES));
    await file.read(tail, 0, tail.length, size - tail.length);
    return tail.includes(endsWith);
  } finally {
    await file.close();
  }
}
