/** Texts without the case of their letters. */

/** İ and K (the kelvin sign) fold to ASCII letters, which would keep SQLite's LIKE from agreeing; nobody means them by i and k. */
const STAYS = /[İ\u212a]/;
const ASCII = /^[\x20-\x7e]*$/;

export function isAscii(text: string): boolean {
  return ASCII.test(text);
}

/** Two texts that differ only in case fold to the same, in every script; a final ς is a σ. */
export function fold(text: string): string {
  if (isAscii(text)) return text.toLowerCase();
  const folded = STAYS.test(text)
    ? text.replace(/[^İ\u212a]+/g, part => part.toLowerCase())
    : text.toLowerCase();
  return folded.replaceAll('ς', 'σ');
}
