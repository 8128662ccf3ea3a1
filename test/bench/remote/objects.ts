/**
 * The bucket of the benchmark. Its objects exist only as a formula, so they may be of any size, cost the server next to
 * nothing, and whoever reads a part of one can tell whether it is the right one.
 */
import { crc32 } from 'node:zlib';

export const BUCKET = 'bench';
export const KIB = 1024;
export const MIB = 1024 * KIB;

/** A block is the same random bytes everywhere, but for its head, which says of which object and where it is. */
const BLOCK = MIB;
const HEAD = 8;
const body = randomBlock();

export interface BucketSize {
  /** Bytes of each large object. */
  largeBytes: number;
  /** How many files the long listing has. */
  listed: number;
}

export const LARGE_OBJECTS = 16;
export const SMALL_OBJECTS = 5_000;
const HUGE_OBJECTS = 10;
export const HUGE_BYTES = 10_000_000_000;
const SMALL_BYTES = 4 * KIB;
const PER_FOLDER = 100;

export function largeKey(nth: number): string {
  return `large/${pad(nth, 2)}.bin`;
}

export function hugeKey(nth: number): string {
  return `huge/${pad(nth, 2)}.bin`;
}

export function smallKey(nth: number): string {
  return `small/${pad(Math.floor(nth / PER_FOLDER), 3)}/${pad(nth % PER_FOLDER, 3)}.bin`;
}

function listedKey(nth: number): string {
  return `many/${pad(Math.floor(nth / PER_FOLDER), 4)}/${pad(nth % PER_FOLDER, 3)}.bin`;
}

function pad(number: number, digits: number): string {
  return String(number).padStart(digits, '0');
}

/** A key, and its size in bytes. */
type Sized = [key: string, size: number];

/** The keys in the order of S3, each with its size. */
export function objectsOf({ largeBytes, listed }: BucketSize): Map<string, number> {
  return new Map([
    ...sized(HUGE_OBJECTS, hugeKey, HUGE_BYTES),
    ...sized(LARGE_OBJECTS, largeKey, largeBytes),
    ...listedOf(listed),
    ...sized(SMALL_OBJECTS, smallKey, SMALL_BYTES),
  ]);
}

/** The objects of the long listing. */
export function listedOf(count: number): Sized[] {
  return sized(count, listedKey, SMALL_BYTES);
}

function sized(count: number, key: (nth: number) => string, size: number): Sized[] {
  return Array.from({ length: count }, (_, nth) => [key(nth), size]);
}

/** The xorshift generator of Marsaglia: the same bytes at every run, and nothing that could be compressed. */
function randomBlock(): Buffer {
  const words = new Uint32Array(BLOCK / 4);
  let word = 2_463_534_242;
  for (let at = 0; at < words.length; at++) {
    word ^= word << 13;
    word ^= word >>> 17;
    word ^= word << 5;
    words[at] = word;
  }
  return Buffer.from(words.buffer);
}

/** The bytes of an object from `start` to `end`, in pieces that are nobody's to write to. */
export function* piecesOf(key: string, start: number, end: number): Generator<Buffer> {
  const sum = crc32(key);
  for (let at = start; at < end; ) {
    const from = at % BLOCK;
    const block = from < HEAD ? headOf(sum, Math.floor(at / BLOCK)) : body;
    const piece = block.subarray(from, Math.min(block.length, from + end - at));
    yield piece;
    at += piece.length;
  }
}

function headOf(sum: number, block: number): Buffer {
  const head = Buffer.alloc(HEAD);
  head.writeUInt32LE(sum, 0);
  head.writeUInt32LE(block, 4);
  return head;
}

/** Throws when these are not the bytes of the object at `start`. */
export function checkBytes(key: string, start: number, bytes: Buffer): void {
  let at = 0;
  for (const piece of piecesOf(key, start, start + bytes.length)) {
    if (!piece.equals(bytes.subarray(at, at + piece.length)))
      throw new Error(`${key}: wrong bytes near ${start + at}`);
    at += piece.length;
  }
}
