/** The files that an argument means: a path in the tree, a place in a source, a number, a directory or a glob. */
import type { FileRecord } from '../../src/catalog/files.js';
import { EntryType } from '../../src/catalog/projector.js';
import { FacetError } from '../../src/errors.js';
import { find } from '../../src/tree/walk.js';
import type { Volume } from '../../src/volume/volume.js';

const NUMBER = /^[0-9]{1,15}$/;

/** One file: `/docs/a.pdf`, `docs:a.pdf` or `1042`. Throws `not-found`, or `usage` for a directory. */
export function fileOf(volume: Volume, text: string): FileRecord {
  const node = volume.tree.resolve(text);
  if (node && node.type !== EntryType.directory) return volume.file(node.ino);
  if (node) {
    const hint = `list what is in it: facet index ls ${text}`;
    throw new FacetError('usage', `${text} is a directory`, { path: text, hint });
  }
  const file = inSource(volume, text) ?? withNumber(volume, text);
  if (file) return file;
  throw notThere(volume, text);
}

function notThere(volume: Volume, text: string): FacetError {
  const place = placeIn(volume, text);
  if (place) {
    const { source, path } = place;
    const hint = `what is new in it appears with a scan: facet index scan ${source.name}`;
    return new FacetError('not-found', `the source ${source.name} has no file ${path}`, { path: text, hint });
  }
  const hint = 'list what there is: facet index ls /';
  const what = NUMBER.test(text) ? `file ${text}` : `${text} in the tree`;
  return new FacetError('not-found', `there is no ${what}`, { path: text, hint });
}

/** All files that `text` means; below a directory, all of them. A file that is found twice is there once. */
export function* filesOf(volume: Volume, texts: readonly string[]): Generator<FileRecord> {
  const seen = new Set<number>();
  for (const text of texts) {
    for (const id of idsOf(volume, text)) {
      if (seen.has(id)) continue;
      seen.add(id);
      yield volume.file(id);
    }
  }
}

function* idsOf(volume: Volume, text: string): Generator<number> {
  const single = volume.tree.resolve(text) ? undefined : (inSource(volume, text) ?? withNumber(volume, text));
  if (single) yield single.id;
  else if (placeIn(volume, text) && !volume.tree.resolve(text)) throw notThere(volume, text);
  else for (const { node } of find(volume.tree, text)) yield node.ino;
}

/** `docs:work/a.pdf` is there whether the tree shows it or not. */
function inSource(volume: Volume, text: string): FileRecord | undefined {
  const place = placeIn(volume, text);
  return place && volume.files.find(place.source.id, place.path);
}

/** `SOURCE:PATH`, if there is such a source. */
function placeIn({ sources }: Volume, text: string) {
  const colon = text.indexOf(':');
  const source = colon > 0 ? sources.find(text.slice(0, colon)) : undefined;
  return source && { source, path: text.slice(colon + 1).replace(/^\/+/, '') };
}

function withNumber({ files }: Volume, text: string): FileRecord | undefined {
  const file = NUMBER.test(text) ? files.get(Number(text)) : undefined;
  return file?.deletedAt === null ? file : undefined;
}
