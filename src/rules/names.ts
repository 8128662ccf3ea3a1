/** How long the name of an entry in the tree may be, and how it is cut. */

/** NAME_MAX of every file system that matters. */
export const NAME_MAX_BYTES = 255;

/** In UTF-16 code units, with its dot. What is longer after a dot is no extension. */
const EXTENSION_MAX = 16;

/** What a reader takes for one character may be several: a letter and its accents, a family of emoji. More is no character. */
const CHARACTER_MAX_BYTES = 40;

/** `a.tar.gz` → `a.tar` and `.gz`; a name that begins with its only dot has no extension. */
export function splitExtension(name: string): { stem: string; extension: string } {
  const dot = name.lastIndexOf('.');
  const at = dot > 0 && name.length - dot <= EXTENSION_MAX ? dot : name.length;
  return { stem: name.slice(0, at), extension: name.slice(at) };
}

/** A name of at most 255 bytes, its extension kept. */
export function cutName(name: string): string {
  if (Buffer.byteLength(name) <= NAME_MAX_BYTES) return name;
  const { stem, extension } = splitExtension(name);
  const cut = cutToBytes(stem, NAME_MAX_BYTES - Buffer.byteLength(extension));
  return cut.trimEnd() + extension;
}

let graphemes: Intl.Segmenter | undefined;

/** The longest beginning of `text` that takes at most `limit` bytes in UTF-8 and ends between two characters. */
export function cutToBytes(text: string, limit: number): string {
  if (Buffer.byteLength(text) <= limit) return text;
  const cut = cutCodePoints(text, limit);
  graphemes ??= new Intl.Segmenter('en', { granularity: 'grapheme' });
  // No more is looked at than the cut can touch: a text may be megabytes long.
  const around = text.slice(0, cut.length + CHARACTER_MAX_BYTES);
  const whole = cut.slice(0, graphemes.segment(around).containing(cut.length)?.index);
  return Buffer.byteLength(cut) - Buffer.byteLength(whole) < CHARACTER_MAX_BYTES ? whole : cut;
}

function cutCodePoints(text: string, limit: number): string {
  let bytes = 0;
  let end = 0;
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > limit) break;
    end += character.length;
  }
  return text.slice(0, end);
}
