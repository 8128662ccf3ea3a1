/** What is published of a file: a text for each property, in the format of MetaMesh. Pure. */
import { type FileRecord, isLink, sourcePath } from '../../catalog/files.js';
import { extensionOf, type Property } from '../../query/facts.js';
import { isStream } from '../../sources/stream-uri.js';
import { isAttribute, mtimeText } from './format.js';

/** The path first: without it there is no file. */
export const ALWAYS_TOLD = ['filePath', 'size', 'mtime', 'fileName', 'extension', 'labels'] as const;

/** Does a source have files of our own? What another Redis tells is not told on, or it would go round for ever. */
export function isPublished({ uri }: { uri: string }): boolean {
  return !isStream(uri);
}

/** Is the file there to be told of? The format knows no links. */
export function isTold(file: FileRecord): boolean {
  return file.deletedAt === null && !isLink(file.mode);
}

/** What the file itself has comes before properties of the same names, or of those that say the same in the format. */
export function toldTexts(
  file: FileRecord,
  properties: Readonly<Record<string, Property>>,
  labels: readonly string[],
): ReadonlyMap<string, string> {
  const given = Object.entries(properties).filter(([name]) => !isAttribute(name));
  const told = new Map<string, string>([
    ...given.map(([name, value]) => [name, textOf(value)] as const),
    ['filePath', `${file.source}/${sourcePath(file)}`],
    ['size', String(file.size)],
    ['mtime', mtimeText(file.mtimeUs)],
    ['fileName', file.name],
  ]);
  const extension = extensionOf(file.name);
  if (extension !== undefined) told.set('extension', extension);
  if (labels.length > 0) told.set('labels', JSON.stringify(labels));
  return told;
}

/** Several values are a list in JSON. */
function textOf(value: Property): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
