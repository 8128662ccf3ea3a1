/** A program of its own: reads pieces of files below a folder, one after the other, as a program that knows nothing of S3. */
import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { MIB } from './objects.js';
import type { Piece } from './plans.js';
import { checkPiece, type ReadingOrder, runReading } from './reading.js';

await runReading(async (pieces: Iterable<Piece>, { from }: ReadingOrder) => {
  const target = Buffer.alloc(MIB);
  let open = { key: '', file: -1 };
  let [bytes, nth] = [0, 0];
  for (const piece of pieces) {
    if (piece.key !== open.key) {
      if (open.file >= 0) closeSync(open.file);
      open = { key: piece.key, file: openSync(join(from, piece.key), 'r') };
    }
    const count = readSync(open.file, target, 0, piece.size, piece.offset);
    checkPiece(piece, target.subarray(0, count), nth++);
    bytes += count;
  }
  if (open.file >= 0) closeSync(open.file);
  return bytes;
});
