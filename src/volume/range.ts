/** Ranges of bytes as RFC 9110 (14.1.2) writes them: `A-B` with both ends included, `A-`, and `-N` for the last N. */
import { FacetError } from '../errors.js';

/** `start` undefined: the last `end` bytes. `end` undefined: to the end of the file. Both included. */
export interface ByteRange {
  start: number | undefined;
  end: number | undefined;
}

/** Throws `usage` for anything that is not a range. */
export function parseRange(text: string): ByteRange {
  const [, first, last] = /^(\d{1,15})?-(\d{1,15})?$/.exec(text) ?? [];
  const range = {
    start: first === undefined ? undefined : Number(first),
    end: last === undefined ? undefined : Number(last),
  };
  const { start, end } = range;
  if (
    (start === undefined && end === undefined) ||
    (start !== undefined && end !== undefined && start > end)
  ) {
    throw new FacetError('usage', `expected a range such as 0-99, 100- or -100, found '${text}'`);
  }
  return range;
}

/** The bytes of a file of `size` that a range means: from `start` up to, not including, `end`. Throws `usage` behind the end. */
export function resolveRange({ start, end }: ByteRange, size: number): { start: number; end: number } {
  if (start === undefined) return { start: Math.max(0, size - (end ?? 0)), end: size };
  if (start > 0 && start >= size) {
    throw new FacetError('usage', `the range begins at ${start}, but the file has ${size} bytes`);
  }
  return { start, end: end === undefined ? size : Math.min(end + 1, size) };
}
