/**
 * Keys of object stores, and addresses of the web, as paths. A key may be what no path can be: `a//b`, `../x`, one that ends
 * in a slash, one with a NUL in it. What is in the way becomes a character of the private use block U+F000–U+F07F, U+F000
 * plus its code; such a character itself gets another one, U+F025, put before it. A name that no file system takes is cut, and
 * has U+F07E and a hash of the whole name at its end, before the extension. So no two keys have the same path.
 */
import { createHash } from 'node:crypto';
import { encodeName } from './file-names.js';

const FIRST = 0xf000;
/** For an empty name, and behind the name of a file that a folder has too: what cannot be in any name. */
const SLASH = '\uf02f';
const LITERAL = '\uf025';
const CUT = '\uf07e';
/** NAME_MAX of every file system that matters. */
const NAME_MAX_BYTES = 255;
const UNSAFE = /[\0-\x1f\x7f\uf000-\uf07f]/g;

/** What a folder or a file of this name is called in a path. */
export function safeName(name: string): string {
  if (name === '') return SLASH;
  if (name === '.' || name === '..') return name.replaceAll('.', escaped);
  const plain = name.replace(UNSAFE, character =>
    character >= '\uf000' ? LITERAL + character : escaped(character),
  );
  return fits(plain) ? plain : cut(plain);
}

function fits(name: string): boolean {
  return name.length * 3 <= NAME_MAX_BYTES || encodeName(name).length <= NAME_MAX_BYTES;
}

function cut(name: string): string {
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 16);
  const end = `${CUT}${hash}${/\.\w{1,15}$/.exec(name)?.[0] ?? ''}`;
  let begin = '';
  for (const character of name) {
    if (!fits(begin + character + end)) break;
    begin += character;
  }
  return begin + end;
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
  const beside = name + SLASH;
  return fits(beside) ? beside : cut(beside);
}
