/** `facet rules explain`: why a file is where it is, or why it is nowhere. */
import { type FileRecord, originOf } from '../../src/catalog/files.js';
import type { AskedQuery, ExplainedDirectory, ExplainedMount } from '../../src/rules/explain.js';
import type { Claim } from '../../src/tree/claims.js';
import type { Volume } from '../../src/volume/volume.js';
import { argument, command, flag } from '../command.js';
import { fileOf } from '../index/files.js';
import { path } from '../kinds.js';
import { printable } from '../terminal.js';
import { openVolume } from '../volume.js';

interface Explanation {
  id: number;
  /** `docs:work/a.pdf` */
  origin: string;
  /** What became of each path that the file asks for. */
  claims: Claim[];
  labels: { label: string; from: string | null }[];
  /** By the rules in force; null where there are none. */
  directories: ExplainedDirectory[] | null;
}

export default command({
  description:
    'Says why a file is where it is in the tree: the mounts of the rules in force that place it, with what each of their queries said and the values their templates asked for, and why others do not. Given as SOURCE:PATH, a file can be asked about that is nowhere.',
  arguments: { file: argument(path, 'PATH', 'a path in the tree, SOURCE:PATH or the number of a file') },
  options: { all: flag('also mounts that take files from elsewhere') },
  examples: [
    { command: 'facet rules explain "/TV Shows/Dark/S01E01.mkv"', says: 'why is it there?' },
    { command: 'facet rules explain docs:work/x.pdf', says: 'where is it, or why nowhere?' },
  ],
  async run({ home, output }, { file }, { all }) {
    const volume = await openVolume(home);
    try {
      const explained = await explanation(volume, fileOf(volume, file));
      await output.result(explained, each => toText(each, all));
    } finally {
      volume.close();
    }
  },
});

async function explanation({ db, tree }: Volume, file: FileRecord): Promise<Explanation> {
  const [{ explain }, { Arrangements, RuledArrangement }, { claimsOf }, { labelOrigins }] = await Promise.all(
    [
      import('../../src/rules/explain.js'),
      import('../../src/tree/arrangements.js'),
      import('../../src/tree/claims.js'),
      import('../../src/rules/label-rules.js'),
    ],
  );
  const arrangement = new Arrangements(db).current();
  const directories =
    arrangement instanceof RuledArrangement
      ? explain(arrangement.ruleset, arrangement.factsOf(file), Date.now())
      : null;
  return {
    id: file.id,
    origin: originOf(file),
    claims: claimsOf(db, tree, file.id),
    labels: labelOrigins(db, file),
    directories,
  };
}

function toText({ id, origin, claims, labels, directories }: Explanation, all: boolean): string {
  const lines = [`${printable(origin)}  (file ${id})`];
  lines.push(...(claims.length === 0 ? ['  is nowhere in the tree'] : claims.map(claimText)));
  if (labels.length > 0) {
    lines.push(
      `  labels: ${labels.map(({ label, from }) => printable(from === null ? label : `${label} (${from})`)).join(', ')}`,
    );
  }
  if (directories === null)
    lines.push('  no rules are in force: every source is a directory, with its folders as they are');
  for (const { path: directory, mounts } of directories ?? []) {
    for (const mount of mounts) {
      if (all || mount.verdict !== 'not from here') lines.push(...mountText(directory, mount));
    }
  }
  return lines.join('\n');
}

function claimText({ path: given, wanted, holder }: Claim): string {
  if (given === null) return `  is hidden at ${printable(wanted)}: ${printable(holder)} is newer`;
  if (given === wanted) return `  is at ${printable(given)}`;
  return `  is at ${printable(given)}, as ${printable(holder)} is called ${printable(wanted)}`;
}

const VERDICTS: Record<ExplainedMount['verdict'], string> = {
  placed: 'places it',
  otherwise: 'places it, lacking a value, by its otherwise',
  shadowed: 'would place it, but a mount before it did',
  'not from here': 'takes files from elsewhere',
  excluded: 'leaves it out',
  'missing value': 'would place it, but a value is missing',
};

function* mountText(directory: string, mount: ExplainedMount): Generator<string> {
  const name = /^\d+$/.test(mount.name) ? '' : `, mount ${printable(mount.name)}`;
  yield `\n${printable(directory)}${name} (line ${mount.line}) ${VERDICTS[mount.verdict]}`;
  for (const each of mount.asked) yield `  ${askedText(each, mount)}`;
  if (mount.verdict === 'excluded' || mount.verdict === 'not from here') return;
  yield `  place ${printable(mount.template)}`;
  for (const [value, is] of Object.entries(mount.values)) {
    yield `    ${printable(value)} = ${is === null ? '(missing)' : printable(String(is))}`;
  }
  for (const each of mount.paths) yield `  → ${printable(each)}`;
}

/** A where of its own is near the line of the mount, which was told; others are elsewhere. */
function askedText({ what, line, query, matches, decides }: AskedQuery, mount: ExplainedMount): string {
  const verdict = decides === null ? '' : `: ${decides}`;
  if (query === null) return `default${verdict}`;
  const place = line === mount.line ? '' : ` (line ${line})`;
  return `${what} ${printable(query)}${place} ${matches ? 'matches' : 'does not match'}${verdict}`;
}
