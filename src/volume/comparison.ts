/** Whether the bytes of a file that came from afar are those that it has: what they add up to, and what they should. */
import { createHash, type Hash } from 'node:crypto';
import { type FileRecord, sourcePath } from '../catalog/files.js';
import { FacetError } from '../errors.js';
import type { OpenContents } from './contents.js';
import type { PartFile } from './part-file.js';
import { readPieces } from './pieces.js';
import { refuseDamaged } from './told-checksum.js';

interface Sum {
  update(bytes: Uint8Array): unknown;
}

/**
 * Puts all bytes of a part, open as `fd`, into the sums, in order, while others fill it in any order: a large file need not be
 * read once more when it is there. Throws the reason when the part is given up.
 */
export async function addUp(part: PartFile, fd: number, sums: readonly (Sum | undefined)[]): Promise<void> {
  const wanted = sums.filter(sum => sum !== undefined);
  for (let at = 0; wanted.length > 0 && at < part.size; ) {
    const end = part.reach(at);
    if (end === at) await part.grown();
    for await (const piece of readPieces(fd, at, end, part.givenUp)) {
      for (const sum of wanted) sum.update(piece);
    }
    at = end;
  }
}

/** For `verify`. The checksum is of the version that the catalog describes, and says nothing of another one. */
export function hashToVerify(
  { size, mtimeUs, sha256 }: FileRecord,
  contents: Pick<OpenContents, 'size' | 'mtimeUs'>,
): Hash | undefined {
  const isKnown = sha256 !== null && size === contents.size && mtimeUs === contents.mtimeUs;
  return isKnown ? createHash('sha256') : undefined;
}

/** Throws `integrity` when the SHA-256 is not the one that the catalog knows. */
export function verify(record: FileRecord, hash: Hash | undefined): void {
  if (!hash || !record.sha256 || Buffer.compare(hash.digest(), record.sha256) === 0) return;
  throw new FacetError('integrity', `the contents of ${sourcePath(record)} are not those that were hashed`, {
    path: sourcePath(record),
    hint: 'if it was changed on purpose, read it anew: facet index scan --full',
  });
}

/** All pieces of a file as they come, and the error behind the last one: who has them already is told that they are wrong. */
export async function* compared(
  record: FileRecord,
  contents: OpenContents,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const hash = hashToVerify(record, contents);
  const telling = contents.checksum?.(signal);
  // The pieces may end with an error before.
  telling?.catch(() => {});
  for await (const piece of contents.pieces(0, contents.size, signal)) {
    hash?.update(piece);
    (await telling)?.update(piece);
    yield piece;
  }
  contents.refuseChanged();
  verify(record, hash);
  await refuseDamaged(sourcePath(record), await telling);
}
