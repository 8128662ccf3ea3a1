/** What a template does to a value after a colon: `{season:pad2}`, `{title:slug}`, `{mtime:YYYY-MM}`. */
import type { Value } from '../query/facts.js';

export type Change = (text: string) => string;

/** A value as a text; undefined when it has not what is asked for, such as the month of a year. */
export type Format = (value: Value) => string | undefined;

/** For hints; `pad2` stands for all its widths. */
export const MODIFIERS: readonly string[] = [
  'pad2',
  'upper',
  'lower',
  'title',
  'slug',
  'YYYY',
  'YYYY-MM',
  'YYYY-MM-DD',
];

/** A letter that neither a letter nor an apostrophe comes before: `don't` has one. */
const WORD_START = /(?<![\p{L}\p{N}\p{M}'’])\p{L}/gu;

const CHANGES: ReadonlyMap<string, Change> = new Map<string, Change>([
  ['upper', text => text.toUpperCase()],
  ['lower', text => text.toLowerCase()],
  ['title', text => text.replace(WORD_START, first => first.toUpperCase())],
  ['slug', slug],
]);

export function changeNamed(name: string): Change | undefined {
  const width = /^pad([1-9]|1\d|20)$/.exec(name)?.[1];
  return width === undefined ? CHANGES.get(name) : text => pad(text, Number(width));
}

/** Zeros before a number: episode 12.5 has two digits before its point. What is no number stays as it is. */
function pad(text: string, width: number): string {
  return text.replace(/^(-?)(\d+)(?=(?:\.\d+)?$)/, (_, sign, digits) => sign + digits.padStart(width, '0'));
}

/** Accents go from Latin letters; the letters of other alphabets stay, with the marks that they need. */
function slug(text: string): string {
  const plain = text
    .toLowerCase()
    .normalize('NFD')
    .replace(/(?<=\p{Script=Latin}[\u0300-\u036f]*)[\u0300-\u036f]/gu, '')
    .normalize('NFC');
  return plain
    .replace(/['’]/g, '')
    .replace(/[^\p{L}\p{N}\p{M}]+/gu, '-')
    .replace(/^-|-$/g, '');
}
