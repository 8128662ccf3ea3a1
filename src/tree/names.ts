/** How one name gives way to another. */
import { cutToBytes, NAME_MAX_BYTES, splitExtension } from '../rules/names.js';

/** Of a source's name, so that something is left for that of the file. */
const SOURCE_MAX_BYTES = 100;

/**
 * The name for the `nth` file that asked for `wanted` and did not get it: `a (docs).txt`, then `a (docs 2).txt`.
 * Never longer than 255 bytes: the stem is cut between characters, as a very long source is; the extension stays.
 */
export function displacedName(wanted: string, source: string, nth: number): string {
  const { stem, extension } = splitExtension(wanted);
  const from = cutToBytes(source, SOURCE_MAX_BYTES);
  const suffix = `${nth === 1 ? ` (${from})` : ` (${from} ${nth})`}${extension}`;
  return cutToBytes(stem, NAME_MAX_BYTES - Buffer.byteLength(suffix)) + suffix;
}
