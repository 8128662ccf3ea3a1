/** What can be asked of one file: by a query, a step of a rule, a template. Whoever knows files implements it. */
import { lazyPackage } from '../config/lazy-package.js';

const database = lazyPackage<typeof import('mime-types')>('mime-types');

/** Numbers compare as numbers, texts letter by letter. */
export type Value = string | number;

/** A property has one value, or several: it matches when any of them does. */
export type Property = Value | readonly Value[];

export interface Facts {
  id: number;
  /** The source's name. */
  source: string;
  /** The machine that holds the source. */
  node: string;
  /** Below the source's root. */
  path: string;
  name: string;
  isLink: boolean;
  /** Bytes. */
  size: number;
  /** Milliseconds since the epoch. */
  mtimeMs: number;
  /** When facet last read the file, milliseconds since the epoch; undefined: never. */
  accessedMs: number | undefined;
  /** The effective labels: given directly, or by a rule. */
  labels: ReadonlySet<string>;
  /** By name; dots are part of a name. */
  properties: Readonly<Record<string, Property>>;
}

/** What a number prints as is a number; `007` and `1e3` are texts. */
export function readValue(text: string): Value {
  const number = Number(text);
  return Number.isFinite(number) && String(number) === text ? number : text;
}

/** Values that every file has by itself, whatever its properties. They come before properties of the same name. */
export const BUILT_IN = [
  'fileName',
  'name',
  'stem',
  'ext',
  'path',
  'dir',
  'source',
  'node',
  'size',
  'mtime',
  'mime',
  'type',
] as const;
export type BuiltIn = (typeof BUILT_IN)[number];

/** `mtime` in milliseconds since the epoch. `ext` without its dot, as it is written; undefined when there is none. */
export function builtIn(facts: Facts, name: BuiltIn): Value | undefined {
  switch (name) {
    case 'fileName':
    case 'name':
      return facts.name;
    case 'stem':
      return stemOf(facts.name);
    case 'ext':
      return extensionOf(facts.name);
    case 'path':
      return facts.path;
    case 'dir':
      return facts.path.slice(0, Math.max(facts.path.lastIndexOf('/'), 0)) || undefined;
    case 'source':
      return facts.source;
    case 'node':
      return facts.node;
    case 'size':
      return facts.size;
    case 'mtime':
      return facts.mtimeMs;
    case 'mime':
      return mimeType(facts.name);
    case 'type':
      return facts.isLink ? 'link' : kindOf(mimeType(facts.name));
  }
}

/** The name without its extension. */
export function stemOf(name: string): string {
  return name.slice(0, name.length - suffix(name).length);
}

/** Without its dot, as it is written; undefined when there is none. */
export function extensionOf(name: string): string | undefined {
  return suffix(name).slice(1) || undefined;
}

/** `.gz` of `a.tar.gz`; nothing of `.profile`, or of `a.`. */
function suffix(name: string): string {
  const dot = name.lastIndexOf('.');
  return dot <= 0 || dot === name.length - 1 ? '' : name.slice(dot);
}

/** The media type (RFC 2046) that the extension stands for. */
export function mimeType(name: string): string {
  const extension = suffix(name).slice(1).toLowerCase();
  const known = mimeTypes.get(extension);
  if (known !== undefined) return known;
  const found = OVERRIDES.get(extension) ?? (database().lookup(extension) || 'application/octet-stream');
  if (mimeTypes.size >= MOST_MIME_TYPES) mimeTypes.clear();
  mimeTypes.set(extension, found);
  return found;
}

/** By extension: looking one up in the registry takes longer than all else that is asked of a name. */
const mimeTypes = new Map<string, string>();
const MOST_MIME_TYPES = 2000;

/** Extensions that are in use and in no registry, or registered for something that hardly anybody has. */
const OVERRIDES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    'audio/x-ape': ['ape'],
    'audio/x-dsf': ['dsf'],
    'audio/x-wavpack': ['wv'],
    'image/x-adobe-dng': ['dng'],
    'image/x-canon-cr2': ['cr2'],
    'image/x-canon-cr3': ['cr3'],
    'image/x-fuji-raf': ['raf'],
    'image/x-nikon-nef': ['nef'],
    'image/x-olympus-orf': ['orf'],
    'image/x-panasonic-rw2': ['rw2'],
    'image/x-sony-arw': ['arw'],
    'application/zstd': ['zst'],
    'application/gzip': ['tgz'],
    'application/x-mobi8-ebook': ['azw3'],
    'text/x-go': ['go'],
    'text/x-python': ['py'],
    'text/x-rust': ['rs'],
  }).flatMap(([mime, extensions]) => extensions.map(each => [each, mime] as const)),
);

/** What kind of thing a media type is: what people sort by. */
export const KINDS = [
  'video',
  'audio',
  'image',
  'text',
  'font',
  'model',
  'document',
  'archive',
  'link',
  'other',
] as const;
export type Kind = (typeof KINDS)[number];

const DOCUMENT =
  /^application\/(pdf|epub\+zip|msword|rtf|postscript|x-mobi(pocket|8)-ebook|vnd\.(amazon\.ebook|ms-(excel|powerpoint)|oasis\.opendocument\.|openxmlformats-officedocument\.).*)/;
const ARCHIVE =
  /^application\/(zip|gzip|x-(7z-compressed|tar|bzip2?|xz|rar-compressed|gtar|iso9660-image|lzma|apple-diskimage)|vnd\.rar|zstd)$/;
const TEXT =
  /^application\/(json|xml|javascript|x-(sh|yaml|httpd-php|sql)|toml|yaml|sql|x-subrip)$|\+(json|xml)$/;

export function kindOf(mime: string): Kind {
  const main = mime.slice(0, mime.indexOf('/'));
  if (main === 'video' || main === 'audio' || main === 'image' || main === 'font' || main === 'model')
    return main;
  if (main === 'text') return 'text';
  if (DOCUMENT.test(mime)) return 'document';
  if (ARCHIVE.test(mime)) return 'archive';
  return TEXT.test(mime) ? 'text' : 'other';
}
