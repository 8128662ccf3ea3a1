/**
 * The house rules, read from the sources themselves: which room may import which, that nothing is orphaned or left
 * over, and that dependencies and imports agree.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const top = fileURLToPath(new URL('../../', import.meta.url));

/** What each room may import, besides itself. A room that is not here has no place yet. */
const doors: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  config: ['errors'],
  query: ['errors', 'config'],
  catalog: ['errors', 'config', 'query'],
  sources: ['errors', 'config', 'query', 'catalog'],
  rules: ['errors', 'config', 'query', 'catalog'],
  cache: ['errors', 'config', 'catalog'],
  tree: ['errors', 'config', 'query', 'catalog', 'rules'],
  indexing: ['errors', 'config', 'query', 'catalog', 'sources', 'rules', 'tree'],
  volume: ['errors', 'config', 'query', 'catalog', 'sources', 'rules', 'cache', 'tree'],
  'mount/kernel': ['errors'],
  mount: ['errors', 'config', 'catalog', 'sources', 'cache', 'tree', 'indexing', 'volume', 'mount/kernel'],
  server: ['errors', 'config', 'catalog', 'sources', 'rules', 'cache', 'tree', 'indexing', 'volume'],
};
const rooms = Object.keys(doors);

const entryPoints = ['src/index.ts', 'commands/facet.ts'];
const MOST_LINES = 400;

function filesBelow(folder: string): string[] {
  const names = readdirSync(join(top, folder), { recursive: true, encoding: 'utf8' });
  return names.filter(name => /\.tsx?$/.test(name)).map(name => `${folder}/${name}`);
}

const texts = new Map(
  ['src', 'commands', 'test'].flatMap(filesBelow).map(file => [file, readFileSync(join(top, file), 'utf8')]),
);
const inTest = (file: string) => file.startsWith('test/');
const shipped = [...texts.keys()].filter(file => !inTest(file));

/** `src/mount/kernel/abi.ts` → `mount/kernel`, `src/errors.ts` → `errors`, `commands/index/ls.ts` → `commands`. */
function roomOf(file: string): string {
  if (!file.startsWith('src/')) return file.slice(0, file.indexOf('/'));
  if (file.startsWith('src/mount/kernel/')) return 'mount/kernel';
  return file.slice('src/'.length).replace(/(\/.*|\.ts)$/, '');
}

/** A module specifier's file: `./crawl.js` in `src/indexing/scan.ts` → `src/indexing/crawl.ts`. */
function resolveFile(file: string, specifier: string): string {
  const found = normalize(join(dirname(file), specifier.replace(/js$/, 'ts')));
  return texts.has(found) ? found : `${found}x`;
}

const importClause = /^(?:import|export)\b[\w\s{},*$]*?'([^'\n]+)'|\bimport\('([^'\n]+)'\)/gm;

/** What a file imports or exports from, static, dynamic and of types. */
function specifiersIn(file: string): string[] {
  const found = [...(texts.get(file) ?? '').matchAll(importClause)];
  return found.map(match => match[1] ?? match[2] ?? '');
}

const imports = new Map(
  [...texts.keys()].map(file => {
    const relative = specifiersIn(file).filter(name => name.startsWith('.'));
    return [file, relative.map(name => resolveFile(file, name))];
  }),
);

/** Besides its imports, the threads and processes that a file starts: every path to a .js file in quotes. */
const references = new Map(
  [...texts].map(([file, text]) => {
    const paths = [...text.matchAll(/'(\.{1,2}\/[^'\n]+\.js)'/g)];
    return [file, paths.map(([, path = '']) => resolveFile(file, path))];
  }),
);

/** `@scope/name/part` → `@scope/name`, of everything imported that is neither Node's nor ours. */
function packagesIn(file: string): string[] {
  const named = specifiersIn(file)
    .filter(name => !name.startsWith('.') && !name.startsWith('node:'))
    .map(name => /^(?:@[^/]+\/)?[^/]+/.exec(name)?.[0] ?? name);
  // The compiler imports react/jsx-runtime by itself.
  return file.endsWith('x') ? [...named, 'react'] : named;
}

/** Lines of these files on which the pattern matches, as `file:line: text`. */
function linesWith(pattern: RegExp, files: Iterable<string>): string[] {
  return [...files].flatMap(file =>
    (texts.get(file) ?? '')
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${file}:${index + 1}: ${line.trim()}`] : [])),
  );
}

function none(found: readonly string[], what: string): void {
  assert.equal(found.length, 0, `${what}:\n  ${found.join('\n  ')}`);
}

test('the reader of this test sees the sources', () => {
  assert.ok(shipped.length > 30, `${shipped.length} files`);
  assert.ok(references.get('src/indexing/crawl.ts')?.includes('src/indexing/crawl-thread.ts'));
  assert.ok(imports.get('commands/root.ts')?.includes('commands/index/group.ts'));
  assert.ok(imports.get('src/catalog/writer.ts')?.includes('src/catalog/files.ts'));
  assert.deepEqual(packagesIn('commands/progress.ts'), ['cli-progress']);
  assert.deepEqual(packagesIn('src/catalog/database.ts'), ['better-sqlite3']);
});

test('doors open one way only', () => {
  const wrong = shipped.flatMap(file =>
    (references.get(file) ?? [])
      .filter(target => !mayImport(file, target))
      .map(target => `${file} → ${target}`),
  );
  none(wrong, 'imports in a wrong direction');
});

test('every room has its doors', () => {
  const homeless = shipped.filter(file => !['index', 'commands', ...rooms].includes(roomOf(file)));
  none(homeless, 'files in rooms of which test/house.test.ts does not say what they may import');
});

function mayImport(file: string, target: string): boolean {
  const [from, to] = [roomOf(file), roomOf(target)];
  if (from === to) return true;
  if (from === 'commands' || from === 'index') return rooms.includes(to) && to !== 'mount/kernel';
  return doors[from]?.includes(to) === true;
}

test('the rooms themselves are in a line', () => {
  const circular = rooms.filter(room => reachable(room, name => doors[name] ?? []).has(room));
  none(circular, 'rooms that lead back to themselves');
});

test('no import leads back to where it started', () => {
  const circular = [...imports.keys()].filter(file =>
    reachable(file, name => imports.get(name) ?? []).has(file),
  );
  none(circular, 'files that import themselves by way of others');
});

function reachable(from: string, next: (name: string) => readonly string[]): Set<string> {
  const seen = new Set<string>();
  const pending = [...next(from)];
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (seen.has(name)) continue;
    seen.add(name);
    pending.push(...next(name));
  }
  return seen;
}

test('what is referred to exists', () => {
  const missing = [...references].flatMap(([file, targets]) =>
    targets.filter(target => !texts.has(target)).map(target => `${file} → ${target}`),
  );
  none(missing, 'references to files that do not exist');
});

test('what exists is referred to', () => {
  const used = new Set(shipped.flatMap(file => references.get(file) ?? []));
  const orphans = shipped.filter(file => !used.has(file) && !entryPoints.includes(file));
  none(orphans, 'files that nothing shipped imports');
});

test('what a thread runs is imported by nobody, who would run it too', () => {
  const started = [...texts.values()].flatMap(text => [
    ...text.matchAll(/new URL\('\.\/([\w-]+-thread)\.js'/g),
  ]);
  const names = started.map(([, name]) => name).join('|');
  assert.match(names, /crawl-thread/);
  const values = new RegExp(`^import (?!type )[^']*'[^'\\n]*/(?:${names})\\.js'`);
  none(linesWith(values, shipped), 'imports of more than types from the file of a thread');
});

test('one barrel, which names each name', () => {
  const passesOn = (file: string) => /^export (?:type )?(?:\*|\{[^}]*\} from )/m.test(texts.get(file) ?? '');
  const barrels = [...texts.keys()].filter(file => file !== 'src/index.ts' && passesOn(file));
  none(barrels, 're-exports outside src/index.ts');
  none(linesWith(/^export (?:type )?\*/, ['src/index.ts']), 'names that src/index.ts does not list');
});

// Written so that this file does not match itself.
const leftovers = {
  'notes to ourselves': /\b(?:TOD[O]|FIXM[E]|XX[X])\b/,
  'tests left out or singled out': /\.(?:only|skip)\(|\b(?:only|skip|todo): true/,
  'types that switch the checker off':
    /^(?!\s*(?:\/?\*|\/\/)).*[:<]\s*an[y]\b|\bas an[y]\b|@ts-(?:ignore|nocheck|expect)|biome-igno[r]e/,
};
for (const [what, pattern] of Object.entries(leftovers)) {
  test(`no ${what}`, () => none(linesWith(pattern, texts.keys()), what));
}

const machine = /(?<![\w.})])\/(?:wor[k]|far[m])\/|registry\.npmj[s]|deb\.debia[n]/;

test('no paths of one machine, no hosts of registries', () => {
  none(linesWith(machine, texts.keys()), 'lines with names of one machine');
  const documents = ['', '.ci', 'man', 'test'].flatMap(folder =>
    readdirSync(join(top, folder), { withFileTypes: true })
      // In a linked worktree, .git is a file that says where the rest is.
      .filter(entry => entry.isFile() && !['package-lock.json', '.git'].includes(entry.name))
      .map(entry => join(folder, entry.name)),
  );
  const naming = documents.filter(file => machine.test(readFileSync(join(top, file), 'utf8')));
  none(naming, 'files with names of one machine');
});

test('every file says at its head what it is for', () => {
  const headless = shipped.filter(file => !/^(?:#!.*\n)?\/\*\*/.test(texts.get(file) ?? ''));
  none(headless, 'files without a head comment');
});

test('no file is longer than one concern', () => {
  const long = shipped.filter(file => (texts.get(file)?.split('\n').length ?? 0) - 1 > MOST_LINES);
  none(long, `files of more than ${MOST_LINES} lines`);
});

interface Manifest {
  dependencies: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  devDependencies: Record<string, string>;
}

const manifest: Manifest = JSON.parse(readFileSync(join(top, 'package.json'), 'utf8'));
const dependencies = Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies });

test('every package that is imported is a dependency', () => {
  const known = (file: string) =>
    inTest(file) ? [...dependencies, ...Object.keys(manifest.devDependencies), 'facetfs'] : dependencies;
  const unknown = [...texts.keys()].flatMap(file =>
    packagesIn(file)
      .filter(name => !known(file).includes(name))
      .map(name => `${file}: ${name}`),
  );
  none(unknown, 'packages that package.json does not name');
});

test('every dependency is imported', () => {
  const imported = new Set(shipped.flatMap(packagesIn));
  none(
    dependencies.filter(name => !imported.has(name)),
    'dependencies that nothing shipped imports',
  );
});

interface Locked {
  resolved?: string;
  optionalDependencies?: Record<string, string>;
}

const lock: { packages: Record<string, Locked> } = JSON.parse(
  readFileSync(join(top, 'package-lock.json'), 'utf8'),
);

test('the lock file names no addresses to download from', () => {
  const placed = Object.entries(lock.packages).filter(([, { resolved }]) => resolved !== undefined);
  none(
    placed.map(([name]) => name),
    'packages with an address',
  );
});

// npm leaves out those that are not for the machine it runs on, and then refuses to install from its own lock file.
test('the lock file has the packages of every platform', () => {
  const named = Object.values(lock.packages).flatMap(each => Object.keys(each.optionalDependencies ?? {}));
  const places = Object.keys(lock.packages);
  const missing = named.filter(name => !places.some(place => place.endsWith(`node_modules/${name}`)));
  none(missing, 'optional packages that are not locked');
});
