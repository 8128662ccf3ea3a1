/** Names of entries in the tree: how long they may be, and how one gives way to another. */

/** NAME_MAX of every file system that matters. */
const NAME_MAX_BYTES = 255;

/** Of a source's name, so that something is left for that of the file. */
const SOURCE_MAX_BYTES = 100;

/** In UTF-16 code units, with its dot. What is longer after a dot is no extension. */
const EXTENSION_MAX = 16;

/**
 * The name for the `nth` file that asked for `wanted` and did not get it: `a (docs).txt`, then `a (docs 2).txt`.
 * Never longer than 255 bytes: the stem is cut between characters, as a very long source is; the extension stays.
 */
export function displacedName(wanted: string, source: string, nth: number): string {
  const dot = wanted.lastIndexOf('.');
  const extension = dot > 0 && wanted.length - dot <= EXTENSION_MAX ? wanted.slice(dot) : '';
  const stem = wanted.slice(0, wanted.length - extension.length);
  const from = cutToBytes(source, SOURCE_MAX_BYTES);
  const suffix = `${nth === 1 ? ` (${from})` : ` (${from} ${nth})`}${extension}`;
  return cutToBytes(stem, NAME_MAX_BYTES - Buffer.byteLength(suffix)) + suffix;
}

/** The longest beginning of `text` that takes at most `limit` bytes in UTF-8 and ends between two characters. */
function cutToBytes(text: string, limit: number): string {
  if (Buffer.byteLength(text) <= limit) return text;
  let bytes = 0;
  let cut = '';
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > limit) break;
    cut += character;
  }
  return cut;
}
