/** Virtual directories of MosaicFS as a rules.yaml. Loads `yaml` and `zod`: lazily. */
import { formatQuery } from '../query/format.js';
import {
  type DirectoryInput,
  type Imported,
  type MountInput,
  type StepInput,
  writeDocument,
} from './import-document.js';
import { type Directory, type Mount, readDirectories } from './import-mosaicfs-documents.js';
import { type Folder, type NameOf, nameSources } from './import-mosaicfs-sources.js';
import { stepsOf } from './import-mosaicfs-steps.js';
import { compared, usable, type Warn } from './import-queries.js';

/** `file` is what errors call the text. Throws `usage`, with line and column. */
export function importMosaicfs(text: string, file: string): Imported {
  const { nameOf, folders } = nameSources();
  const notes: Notes = { warnings: [], comments: new Map(), nameOf };
  const directories = convertAll(readDirectories(text, file), notes);
  const heading = [`The virtual directories of MosaicFS from ${file}.`, ...[...folders].map(sourceLine)];
  return {
    text: writeDocument({ version: 1, directories }, heading, notes.comments),
    warnings: [...new Set([...notes.warnings, ...[...folders].map(sourceWarning)])],
  };
}

interface Notes {
  warnings: string[];
  comments: Map<DirectoryInput | MountInput, string>;
  nameOf: NameOf;
}

function sourceLine([name, { node, path }]: [string, Folder]): string {
  return `The source ${name} stands for ${path || '/'} on ${node}.`;
}

function sourceWarning([name, { node, path }]: [string, Folder]): string {
  return `the source ${name} stands for ${path || '/'} on ${node}: add it by this name, or write that of the source you have`;
}

/** What directories hand down to those below them where `inherit` cannot say it, and so is written there. */
type HandedDown = Map<string, readonly StepInput[]>;

function convertAll(directories: readonly Directory[], notes: Notes): DirectoryInput[] {
  const handedDown: HandedDown = new Map();
  const twins = directories.filter(({ path }, nth) => directories[nth - 1]?.path === path);
  for (const { path } of twins) notes.warnings.push(`${path}: another document of this path is left out`);
  return directories
    .filter(directory => !twins.includes(directory))
    .map(directory => convert(directory, handedDown, notes));
}

function convert(
  { path, enforces, mounts }: Directory,
  handedDown: HandedDown,
  notes: Notes,
): DirectoryInput {
  const taken = mounts.flatMap(each => convertMount(each, path, notes));
  const above = [...handedDown].filter(([each]) => isAbove(each, path)).flatMap(([, steps]) => steps);
  const [first] = taken;
  if (enforces && first !== undefined && above.length === 0 && haveOneFilter(taken)) {
    return { path, inherit: true, ...filterOf(first), mounts: taken.map(({ mount }) => mount) };
  }
  const directory: DirectoryInput = { path };
  if (above.length > 0) {
    directory.steps = above;
    notes.comments.set(directory, 'These steps are those of the directories above.');
  }
  // Steps without mounts would be those of a mount that takes everything.
  if (taken.length + above.length > 0)
    directory.mounts = taken.map(each => Object.assign(each.mount, filterOf(each)));
  if (enforces) handDown(path, taken, handedDown, notes);
  return directory;
}

function isAbove(above: string, path: string): boolean {
  return above !== path && path.startsWith(above === '/' ? '/' : `${above}/`);
}

/** As MosaicFS does, the steps of all mounts one after the other. */
function handDown(path: string, taken: readonly Taken[], handedDown: HandedDown, notes: Notes): void {
  const steps = taken.flatMap(each => each.steps);
  if (steps.length === 0) return;
  handedDown.set(path, steps);
  notes.warnings.push(
    `${path}: its mounts have several filters, which facet cannot hand down; the directories below have the steps themselves, and those that you add need them, too`,
  );
}

interface Taken {
  mount: MountInput;
  steps: StepInput[];
  rest: 'include' | 'exclude';
}

function haveOneFilter(taken: readonly Taken[]): boolean {
  return new Set(taken.map(({ steps, rest }) => JSON.stringify([steps, rest]))).size === 1;
}

function filterOf({ steps, rest }: Taken): Pick<MountInput, 'steps' | 'default'> {
  return {
    ...(steps.length === 0 ? {} : { steps }),
    ...(rest === 'include' ? {} : { default: rest }),
  };
}

/** None for a mount of what facet has not. */
function convertMount(from: Mount, path: string, notes: Notes): Taken[] {
  const name = from.mount_id || undefined;
  const warn = (message: string) =>
    notes.warnings.push(`${path}${name === undefined ? '' : ` (${name})`}: ${message}`);
  const origin = originOf(from, notes.nameOf, warn);
  if (origin === undefined) return [];
  const { root, ...placed } = origin;
  const mount: MountInput = { ...(name === undefined ? {} : { name }), ...placed };
  if (from.conflict_policy === 'last_write_wins') mount.collide = 'newest';
  notes.comments.set(mount, titleOf(from));
  return [{ mount, steps: stepsOf(from.steps, root, warn), rest: from.default_result }];
}

function titleOf({ source: { node_id, export_path, label } }: Mount): string {
  return label === undefined ? `${export_path} on ${node_id}` : `files with the label ${label}`;
}

interface OriginOf extends Pick<MountInput, 'from' | 'place' | 'where'> {
  /** The folder on the machine that the source stands for. */
  root: string | undefined;
}

function originOf(from: Mount, nameOf: NameOf, warn: Warn): OriginOf | undefined {
  const { node_id: node, export_path: exported, label } = from.source;
  if (label !== undefined) {
    const query = usable(compared('label', '=', label), `the label ${label}`, warn);
    return { from: '*', where: formatQuery(query), place: 'flat', root: undefined };
  }
  if (node === undefined || exported === undefined) {
    warn('left out, because it is of another MosaicFS');
    return undefined;
  }
  const root = withoutSlash(exported);
  if (node === '*') return fromEverywhere(from, root, warn);
  return { ...placing(from, nameOf({ node, path: root }), root, warn), root };
}

function fromEverywhere({ strategy }: Mount, root: string, warn: Warn): OriginOf {
  if (root !== '') warn(`takes files of ${root} on every node; facet takes those of every source`);
  return { from: '*', place: strategy === 'flatten' ? 'flat' : 'keep', root: undefined };
}

/** Paths of facet begin below the source's folder; those of MosaicFS wherever `source_prefix` says. */
function placing(
  { strategy, source_prefix }: Mount,
  name: string,
  root: string,
  warn: Warn,
): Pick<MountInput, 'from' | 'place'> {
  if (strategy === 'flatten') return { from: name, place: 'flat' };
  const prefix = withoutSlash(source_prefix ?? root);
  if (prefix === root) return { from: name, place: 'keep' };
  if (isBelow(root, prefix)) {
    const between = root.slice(prefix.length + 1).replace(/[{}]/g, '$&$&');
    return { from: name, place: `${between}/{path}` };
  }
  if (isBelow(prefix, root)) {
    warn(`only takes files below ${prefix}, where its source_prefix is`);
    return { from: `${name}:${prefix.slice(root.length + 1)}/`, place: 'keep' };
  }
  warn(`its source_prefix ${prefix} is not a part of ${root}: paths are kept as they are below that`);
  return { from: name, place: 'keep' };
}

function withoutSlash(path: string): string {
  return path.replace(/\/+$/, '');
}

function isBelow(path: string, above: string): boolean {
  return path.startsWith(`${above}/`);
}
