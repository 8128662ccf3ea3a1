/**
 * Keys of object stores, and addresses of the web, as paths. A key may be what no path can be: `a//b`, `../x`, one that ends
 * in a slash, one with a NUL in it. What is in the way becomes a character of the private use block U+F000–U+F07F, U+F000
 * plus its code; such a character itself gets another one, U+F025, put before it. So no two keys have the same path.
 */

const FIRST = 0xf000;
/** For an empty name, and behind the name of a file that a folder has too: what cannot be in any name. */
const SLASH = '\uf02f';
const LITERAL = '\uf025';
const UNSAFE = /[\0-\x1f\x7f\uf000-\uf07f]/g;

/** What a folder or a file of this name is called in a path. */
export function safeName(name: string): string {
  if (name === '') return SLASH;
  if (name === '.' || name === '..') return name.replaceAll('.', escaped);
  return name.replace(UNSAFE, character =>
    character >= '\uf000' ? LITERAL + character : escaped(character),
  );
}

function escaped(character: string): string {
  return String.fromCharCode(FIRST + character.charCodeAt(0));
}

/** The path of a folder whose key is `a/b/`, or '' for the root. */
export function folderPath(key: string): string {
  return key === '' ? '' : key.slice(0, -1).split('/').map(safeName).join('/');
}

/** `a/b` → `b`, `a/` → '' */
export function lastName(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1);
}

/** The name of a file where a folder of that name is too. */
export function besideFolder(name: string): string {
  return name + SLASH;
}
