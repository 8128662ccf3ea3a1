/** `facet index stat`: all that is known of one file. */
import { Descriptions, type Properties } from '../../src/catalog/descriptions.js';
import { accessOf } from '../../src/catalog/file-accesses.js';
import { type FileRecord, sourcePath } from '../../src/catalog/files.js';
import { kindOf, mimeType } from '../../src/query/facts.js';
import { labelOrigins } from '../../src/rules/label-rules.js';
import type { Tier } from '../../src/volume/tiers.js';
import type { Volume } from '../../src/volume/volume.js';
import { argument, command } from '../command.js';
import { formatCount, formatItems, formatSize } from '../format.js';
import { path } from '../kinds.js';
import { printable } from '../terminal.js';
import { presentTier } from '../tier.js';
import { openVolume } from '../volume.js';
import { fileOf } from './files.js';

interface FileFacts {
  id: number;
  /** Everywhere in the tree. */
  paths: string[];
  source: string;
  /** Below the source's root. */
  sourcePath: string;
  type: 'file' | 'link';
  size: number;
  mtime: string;
  /** When it was last read through facet, null: never; and how often. */
  lastAccess: string | null;
  accessCount: number;
  /** Where a read would find its bytes now; null for a link. */
  tier: Tier | null;
  /** Octal permissions at the origin, such as `0644`. */
  mode: string;
  target: string | null;
  sha256: string | null;
  /** What queries know as mime and type. */
  mime: string;
  kind: string;
  labels: string[];
  properties: Properties;
}

export default command({
  description: 'Shows all that is known of one file: where it comes from, and everywhere it is in the tree.',
  arguments: { file: argument(path, 'PATH|ID', 'a path in the tree, SOURCE:PATH, or the number of a file') },
  async run({ home, output }, { file }) {
    const volume = await openVolume(home);
    try {
      const found = fileOf(volume, file);
      const tier = await presentTier(volume, found, home);
      await output.result(facts(volume, found, tier), toText);
    } finally {
      volume.close();
    }
  },
});

function facts({ db, tree }: Volume, file: FileRecord, tier: Tier | null): FileFacts {
  const access = accessOf(db, file.id);
  return {
    id: file.id,
    paths: tree.pathsOf(file.id),
    source: file.source,
    sourcePath: sourcePath(file),
    type: file.target === null ? 'file' : 'link',
    size: file.size,
    mtime: new Date(file.mtimeUs / 1000).toISOString(),
    lastAccess: access ? new Date(access.at).toISOString() : null,
    accessCount: access?.count ?? 0,
    tier,
    mode: `0${(file.mode & 0o7777).toString(8)}`,
    target: file.target,
    sha256: file.sha256 && Buffer.from(file.sha256).toString('hex'),
    mime: mimeType(file.name),
    kind: file.target === null ? kindOf(mimeType(file.name)) : 'link',
    labels: [...new Set(labelOrigins(db, file).map(({ label }) => label))],
    properties: new Descriptions(db).properties(file.id),
  };
}

function toText(file: FileFacts): string {
  const lines: [string, string | null][] = [
    ['id', String(file.id)],
    ...file.paths.map((each): [string, string] => ['path', printable(each)]),
    ['source', `${file.source}:${printable(file.sourcePath)}`],
    ['type', file.type],
    ['size', `${formatSize(file.size)} (${formatCount(file.size)} bytes)`],
    ['mtime', file.mtime],
    ['read', file.lastAccess && `${file.lastAccess} (${formatItems(file.accessCount, 'time')})`],
    ['tier', file.tier],
    ['mode', file.mode],
    ['target', file.target && printable(file.target)],
    ['sha256', file.sha256],
    ['kind', `${file.kind} (${file.mime})`],
    ['labels', file.labels.length === 0 ? null : file.labels.map(each => printable(each)).join(', ')],
    ...Object.entries(file.properties).map(([name, value]): [string, string] => [
      'property',
      `${printable(name)}=${printable([value].flat().join(', '))}`,
    ]),
  ];
  return lines.flatMap(([name, value]) => (value === null ? [] : [`${name.padEnd(8)} ${value}`])).join('\n');
}
