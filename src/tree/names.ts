/** Names of entries in the tree: how long they may be, and how one gives way to another. */

/** NAME_MAX of every file system that matters. */
const NAME_MAX_BYTES = 255;

/**
 * The name for the `nth` file that asked for `wanted` and did not get it: `a (docs).txt`, then `a (docs 2).txt`.
 * Never longer than 255 bytes: the stem is cut between characters, the extension stays.
 */
export function displacedName(wanted: string, source: string, nth: number): string {
  const dot = wanted.lastIndexOf('.');
  const extension = dot > 0 && wanted.length - dot <= 16 ? wanted.slice(dot) : '';
  const stem = wanted.slice(0, wanted.length - extension.length);
  const suffix = `${nth === 1 ? ` (${source})` : ` (${source} ${nth})`}${extension}`;
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
