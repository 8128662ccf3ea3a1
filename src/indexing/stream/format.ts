/**
 * The format of MetaMesh, as it is in Redis: a text for each property of each file, a set of all files, and a stream of
 * the keys that were written. Pure.
 *
 *     {prefix}file:{id}/{property}   text; a slash in the property's name is a dot in ours
 *     {prefix}file:__index__         set of the ids
 *     meta:events                    stream: type = set | del, key, ts
 */

import { type Property, readValue } from '../../query/facts.js';
import { BUILT_IN_FIELDS, isPropertyName } from '../../query/fields.js';

export const EVENTS = 'meta:events';

/** Before the first entry of any stream. */
export const BEGINNING = '0-0';

/** What each file is asked for: without the first there is no file, and the rest is what stat(2) tells. */
export const ATTRIBUTES = ['filePath', 'fileSize', 'size', 'sizeByte', 'mtime', 'ctime'] as const;

/** Kept as a property of every file, whatever the rules ask for. */
export const ALWAYS_KEPT = 'extension';

/** Longer texts are not for rules and queries. */
const LONGEST_VALUE = 65_536;

const LARGEST_SIZE = 2 ** 53;
/** 2255: until then a double holds microseconds. */
const LATEST_US = 9_000_000_000_000_000;
/** A number beyond this is milliseconds, one below is seconds. */
const SECONDS_END = 100_000_000_000;

export interface StreamEntry {
  /** `ms-n`; later ones are greater, number by number. */
  id: string;
  /** Names and values in turn. */
  fields: readonly string[];
}

export interface StreamEvent {
  id: string;
  property: string;
  isSet: boolean;
}

/** The ids of files that a catalog publishes: `{identity of the catalog}-{id in the catalog}`. */
export function publishedId(identity: string, fileId: number): string {
  return `${identity}-${fileId}`;
}

/** The id in the catalog; undefined for a file that this catalog has not published. */
export function publishedFile(identity: string, id: string): number | undefined {
  const number = id.startsWith(`${identity}-`) ? id.slice(identity.length + 1) : '';
  return /^[1-9]\d{0,15}$/.test(number) ? Number(number) : undefined;
}

export class Keys {
  readonly #prefix: string;
  readonly #identity: string;
  readonly index: string;

  /** Of the catalog with this identity, what it published itself is nothing to follow. */
  constructor(prefix: string, identity: string) {
    this.#prefix = `${prefix}file:`;
    this.#identity = identity;
    this.index = `${this.#prefix}__index__`;
  }

  isForeign(id: string): boolean {
    return publishedFile(this.#identity, id) === undefined;
  }

  /** Could events tell of a file with this id? With a slash in it, it would be read as another one with another property. */
  canFollow(id: string): boolean {
    return id !== '' && !id.includes('/');
  }

  get pattern(): string {
    return `${this.#prefix.replace(/[\\*?[\]]/g, '\\$&')}*`;
  }

  /** The keys of all these properties of one file, and then of the next one. */
  of(ids: readonly string[], properties: readonly string[]): string[] {
    const ends = properties.map(property => `/${property.replaceAll('.', '/')}`);
    return ids.flatMap(id => ends.map(end => this.#prefix + id + end));
  }

  /** The file and the property that a key is of; undefined for any other key, and for files of our own. */
  parse(key: string): { id: string; property: string } | undefined {
    if (!key.startsWith(this.#prefix)) return undefined;
    const slash = key.indexOf('/', this.#prefix.length);
    const id = key.slice(this.#prefix.length, slash);
    const name = key.slice(slash + 1);
    // A dot would be the same as a slash, and one could not be told from the other.
    if (slash < 0 || !this.canFollow(id) || name.includes('.') || !this.isForeign(id)) return undefined;
    const property = name.replaceAll('/', '.');
    return isPropertyName(property) ? { id, property } : undefined;
  }

  /** Undefined for an event of another kind, or about another key. */
  event({ fields }: StreamEntry): StreamEvent | undefined {
    const type = fieldIn(fields, 'type');
    if (type !== 'set' && type !== 'del') return undefined;
    const parsed = this.parse(fieldIn(fields, 'key') ?? '');
    return parsed && { ...parsed, isSet: type === 'set' };
  }
}

/** Is it the key of a path? */
export function isPath(key: string): boolean {
  return key.endsWith('/filePath');
}

function fieldIn(fields: readonly string[], name: string): string | undefined {
  for (let at = 0; at < fields.length; at += 2) if (fields[at] === name) return fields[at + 1];
  return undefined;
}

/** When an event was published, ms since the epoch. */
export function publishedAt(eventId: string): number {
  return Number(eventId.slice(0, eventId.indexOf('-')));
}

export function isAttribute(property: string): boolean {
  return ATTRIBUTES.some(each => each === property);
}

/** Can it be kept as a property? Some names mean something else in queries. */
export function isKept(property: string): boolean {
  return property !== 'filePath' && !BUILT_IN_FIELDS.includes(property);
}

/** The property that a text in Redis stands for; null where there is none. */
export function propertyOf(text: string | null): Property | null {
  return text === null || text.length > LONGEST_VALUE ? null : readValue(text);
}

/** The texts of one file. */
export type TextOf = (property: string) => string | null;

/** Bytes. 0 where nobody tells. */
export function sizeIn(textOf: TextOf): number {
  for (const name of ['fileSize', 'size', 'sizeByte']) {
    const text = textOf(name) ?? '';
    if (/^\d{1,16}$/.test(text) && Number(text) < LARGEST_SIZE) return Number(text);
  }
  return 0;
}

/** Microseconds since the epoch, what is beyond them cut; 0 where nobody tells. */
export function mtimeUsIn(textOf: TextOf): number {
  for (const name of ['mtime', 'ctime']) {
    const us = readTime(textOf(name) ?? '');
    if (us !== undefined) return us;
  }
  return 0;
}

/** The text that `mtimeUsIn` reads; nothing is older than the epoch. */
export function mtimeText(mtimeUs: number): string {
  const isInMs = mtimeUs >= SECONDS_END * 1000;
  return isInMs ? decimal(mtimeUs, 3) : decimal(Math.max(mtimeUs, 0), 6);
}

/** A number without the fraction of a double: `1234567` with 3 digits is `1234.567`. */
function decimal(value: number, digits: number): string {
  const whole = Math.floor(value / 10 ** digits);
  const fraction = String(value - whole * 10 ** digits)
    .padStart(digits, '0')
    .replace(/0+$/, '');
  return fraction === '' ? `${whole}` : `${whole}.${fraction}`;
}

/** Milliseconds or seconds since the epoch, or a date as JSON has it. Digit by digit: a double would round. */
function readTime(text: string): number | undefined {
  const [, whole, fraction = ''] = /^(\d{1,13})(?:\.(\d{1,9}))?$/.exec(text) ?? [];
  const us = whole === undefined ? dateOf(text) : numberOf(Number(whole), fraction);
  return us !== undefined && us >= 0 && us < LATEST_US ? us : undefined;
}

function numberOf(whole: number, fraction: string): number {
  return whole < SECONDS_END ? whole * 1_000_000 + leading(fraction, 6) : whole * 1000 + leading(fraction, 3);
}

/** The first digits of a fraction. */
function leading(fraction: string, digits: number): number {
  return Number(fraction.slice(0, digits).padEnd(digits, '0'));
}

function dateOf(text: string): number | undefined {
  const ms = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  const [, beyondMs = ''] = /\.\d{3}(\d{1,6})/.exec(text) ?? [];
  return ms ? ms * 1000 + leading(beyondMs, 3) : undefined;
}

const LONGEST_NAME = 255;
const LONGEST_PATH = 4096;

/**
 * A path below the root, tidied: `a//./b` is `a/b`, and one that begins with the root is below it. Undefined for one that
 * would lead elsewhere, or that no file system has.
 */
export function pathBelow(root: string | undefined, told: string): string | undefined {
  const path = root !== undefined && told.startsWith(`${root}/`) ? told.slice(root.length + 1) : told;
  if (path.startsWith('/') || path.endsWith('/') || path.includes('\0')) return undefined;
  const names = path.split('/').filter(name => name !== '' && name !== '.');
  if (names.length === 0 || names.some(name => name === '..')) return undefined;
  if (names.some(name => isLonger(name, LONGEST_NAME))) return undefined;
  const tidy = names.join('/');
  return isLonger(tidy, LONGEST_PATH - 1) ? undefined : tidy;
}

/** In bytes of UTF-8, which are three a character at most. */
function isLonger(text: string, most: number): boolean {
  return text.length * 3 > most && Buffer.byteLength(text) > most;
}
