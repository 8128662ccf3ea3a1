/** What a source says that all bytes of a file add up to, and whether they do. */
import { setImmediate } from 'node:timers/promises';
import { BLOCK_SIZE } from '../cache/blocks.js';
import { FacetError } from '../errors.js';
import type { Checksum } from '../sources/remote.js';
import type { RemoteContent } from './blob.js';
import { giveBlock, takeBlock } from './block-buffers.js';

/** Throws `integrity` when the bytes do not add up to what the source says of them. */
export async function refuseDamaged(path: string, told: Checksum | undefined): Promise<void> {
  if (!told || (await told.matches())) return;
  throw new FacetError('integrity', `${path} has another checksum than its source says`, {
    path,
    hint: 'try again; if it stays so, let it go from the cache (facet cache evict), or it is damaged at its source or on the way',
  });
}

/** Fills the beginning of `target` with `size` bytes of contents; undefined when some are not there. */
type ReadBack = (target: Buffer, at: number, size: number, offset: number) => number | undefined;

/**
 * Compares contents with what their source says of them, when the last of them have come and before they are kept. Throws
 * `integrity`, or the signal's reason: then it is not known. A source that cannot be asked is no reason to keep nothing.
 */
export async function compareKept(
  { source, place, version, size }: RemoteContent,
  readBack: ReadBack,
  signal: AbortSignal,
): Promise<void> {
  const told = await source.checksum?.(place, { version, size, signal }).catch(() => undefined);
  signal.throwIfAborted();
  if (told && (await addUpKept(size, readBack, told, signal))) await refuseDamaged(place.path, told);
}

/** Were all bytes there? Others want to be served meanwhile. */
async function addUpKept(
  size: number,
  readBack: ReadBack,
  sum: Checksum,
  signal: AbortSignal,
): Promise<boolean> {
  const block = takeBlock(BLOCK_SIZE);
  try {
    for (let at = 0; at < size; at += BLOCK_SIZE) {
      await setImmediate();
      signal.throwIfAborted();
      const length = Math.min(BLOCK_SIZE, size - at);
      if (readBack(block, 0, length, at) !== length) return false;
      sum.update(block.subarray(0, length));
    }
    return true;
  } finally {
    giveBlock(block);
  }
}
