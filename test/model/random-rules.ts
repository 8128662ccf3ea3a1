/**
 * Random rules documents, each with the means to say by itself where a file goes: every query and template comes with a
 * function that means the same, and steps, inheritance, origins and picks are worked out here, from the design alone.
 */
import fc from 'fast-check';
import type { Property, Value } from '../../src/query/facts.js';

export interface ModelFile {
  id: number;
  source: string;
  folder: string;
  name: string;
  size: number;
  mtimeUs: number;
  isLink: boolean;
  isDeleted: boolean;
  /** Given directly. */
  labels: ReadonlySet<string>;
  properties: Readonly<Record<string, Property>>;
}

/** What is asked about: `labels` are all that the file has. */
interface Asked extends ModelFile {
  path: string;
  ageMs: number;
}

interface SomeQuery {
  text: string;
  matches: (file: Asked) => boolean;
}

interface SomeTemplate {
  text: string;
  /** Undefined for a file that lacks a value. */
  paths: (file: Asked) => string[] | undefined;
}

interface SomeFilter {
  where: SomeQuery | undefined;
  steps: { match: SomeQuery; decides: 'include' | 'exclude' }[];
  rest: 'include' | 'exclude';
}

interface SomeOrigin {
  source: string | null;
  prefix: string;
}

interface SomeMount {
  from: SomeOrigin[];
  filter: SomeFilter;
  place: 'keep' | 'flat' | SomeTemplate;
  otherwise: SomeTemplate | undefined;
  collide: 'suffix' | 'newest';
}

interface SomeDirectory {
  path: string;
  inherit: boolean;
  pick: 'all' | 'first';
  filter: SomeFilter;
  mounts: SomeMount[];
  /** Written without a list of mounts, so that the only mount has no filter of its own. */
  isInline: boolean;
}

export interface SomeRules {
  labels: { source: string; prefix: string; labels: string[] }[];
  directories: SomeDirectory[];
}

export const SOURCES = ['docs', 'films', 'x'];
export const FOLDERS = ['', 'x', 'x/y', 'xx', 'd'];
export const NAMES = ['a.txt', 'b.txt', 'a (docs).txt', 'a', 'd', 'e'];
export const LABELS = ['work', 'keep', 'a'];
const PATHS = ['', 'a', 'd', 'd/e', 'd/e/f', 'dd', 'all'];

export const someProperties: fc.Arbitrary<Record<string, Property | null>> = fc.record(
  {
    title: fc.constantFrom<(Property | null)[]>('d', 'a.txt', 'A/B', '..', 'e', null, null),
    year: fc.constantFrom<(Property | null)[]>(5, 2010, 2021, null),
    genre: fc.constantFrom<(Property | null)[]>('A', ['A', 'd'], ['B', 'A'], ['.', 'A'], [], null),
  },
  { requiredKeys: [] },
);

function valuesOf(file: Asked, name: string): readonly Value[] {
  const value = file.properties[name];
  return value === undefined ? [] : [value].flat();
}

const leaves: SomeQuery[] = [
  { text: 'name:*.txt', matches: ({ name }) => name.endsWith('.txt') },
  { text: 'name:a*', matches: ({ name }) => name.startsWith('a') },
  { text: 'docs', matches: ({ name }) => name.includes('docs') },
  { text: 'ext=txt', matches: ({ name }) => name.endsWith('.txt') },
  { text: 'path~"^x/"', matches: ({ path }) => path.startsWith('x/') },
  { text: 'source=docs', matches: ({ source }) => source === 'docs' },
  { text: 'type=link', matches: ({ isLink }) => isLink },
  { text: 'size>1', matches: ({ size }) => size > 1 },
  { text: 'size<=2', matches: ({ size }) => size <= 2 },
  { text: 'age<10s', matches: ({ ageMs }) => ageMs < 10_000 },
  { text: 'age>5s', matches: ({ ageMs }) => ageMs > 5_000 },
  { text: 'age>=20s', matches: ({ ageMs }) => ageMs >= 20_000 },
  { text: 'age<=15s', matches: ({ ageMs }) => ageMs <= 15_000 },
  { text: 'not age<5s', matches: ({ ageMs }) => ageMs >= 5_000 },
  { text: 'age>9999ms', matches: ({ ageMs }) => ageMs > 9_999 },
  { text: 'label:work', matches: ({ labels }) => labels.has('work') },
  { text: 'label:k*', matches: ({ labels }) => labels.has('keep') },
  { text: 'title=d', matches: file => valuesOf(file, 'title').includes('d') },
  { text: 'title is present', matches: file => valuesOf(file, 'title').length > 0 },
  { text: 'year is missing', matches: file => valuesOf(file, 'year').length === 0 },
  { text: 'year>=2010', matches: file => valuesOf(file, 'year').some(year => Number(year) >= 2010) },
  { text: 'genre=A', matches: file => valuesOf(file, 'genre').includes('A') },
];

const someQuery: fc.Arbitrary<SomeQuery> = fc.letrec<{ query: SomeQuery }>(tie => ({
  query: fc.oneof(
    { maxDepth: 2, withCrossShrink: true },
    { weight: 4, arbitrary: fc.constantFrom(...leaves) },
    {
      weight: 1,
      arbitrary: tie('query').map(({ text, matches }) => ({
        text: `not (${text})`,
        matches: (file: Asked) => !matches(file),
      })),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(tie('query'), tie('query')).map(([one, other]) => ({
        text: `(${one.text}) and (${other.text})`,
        matches: (file: Asked) => one.matches(file) && other.matches(file),
      })),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(tie('query'), tie('query')).map(([one, other]) => ({
        text: `(${one.text}) or (${other.text})`,
        matches: (file: Asked) => one.matches(file) || other.matches(file),
      })),
    },
  ),
})).query;

/** What may stand in a path for a value, or nothing. */
function shown(value: Value | undefined): string[] {
  const text = String(value ?? '').replaceAll('/', '_');
  return /^\.{0,2}$/.test(text) ? [] : [text];
}

function oneOf(values: readonly string[], path: (value: string) => string): string[] | undefined {
  return values.length === 0 ? undefined : [path(values[0] ?? '')];
}

function eachOf(values: readonly string[], path: (value: string) => string): string[] | undefined {
  return values.length === 0 ? undefined : [...new Set(values.map(path))];
}

const stem = ({ name }: Asked) => name.replace(/\.txt$/, '');
const titles = (file: Asked) => valuesOf(file, 'title').flatMap(shown);
const genres = (file: Asked) => valuesOf(file, 'genre').flatMap(shown);

const templates: SomeTemplate[] = [
  { text: 'e', paths: () => ['e'] },
  { text: '{fileName}', paths: ({ name }) => [name] },
  { text: '{source}/{path}', paths: ({ source, path }) => [`${source}/${path}`] },
  {
    text: '{dir?}/{fileName}',
    paths: ({ folder, name }) => [folder === '' ? name : `${folder}/${name}`],
  },
  { text: '{title}/{fileName}', paths: file => oneOf(titles(file), title => `${title}/${file.name}`) },
  { text: '{title?}{stem}', paths: file => [`${titles(file)[0] ?? ''}${stem(file)}`] },
  {
    text: '{title|"d"}.{ext}',
    paths: file => (file.name.endsWith('.txt') ? [`${titles(file)[0] ?? 'd'}.txt`] : undefined),
  },
  { text: 'd/{stem}{ext?(.{ext})}', paths: ({ name }) => [`d/${name}`] },
  {
    text: '{year:pad4|genre}',
    paths: file =>
      oneOf(
        [...valuesOf(file, 'year').map(year => String(year).padStart(4, '0')), ...genres(file)],
        each => each,
      ),
  },
  { text: '{label*}/{fileName}', paths: file => eachOf([...file.labels], each => `${each}/${file.name}`) },
  { text: '{genre*} {size}', paths: file => eachOf(genres(file), each => `${each} ${file.size}`) },
  {
    text: '{label*}/{genre*}/x',
    paths: file =>
      eachOf(
        [...file.labels].flatMap(label => genres(file).map(genre => `${label}/${genre}`)),
        each => `${each}/x`,
      ),
  },
];

const someTemplate = fc.constantFrom(...templates);

/** A prefix such as `x/` with its source, or everything. */
const someOrigin: fc.Arbitrary<SomeOrigin> = fc.oneof(
  fc.constant({ source: null, prefix: '' }),
  fc.record({ source: fc.constantFrom(...SOURCES), prefix: fc.constantFrom('', '', 'x/', 'x/y/') }),
);

const decision = fc.constantFrom('include' as const, 'exclude' as const);
const noFilter: SomeFilter = { where: undefined, steps: [], rest: 'include' };
const someFilter: fc.Arbitrary<SomeFilter> = fc.oneof(
  { weight: 2, arbitrary: fc.constant(noFilter) },
  {
    weight: 3,
    arbitrary: fc.record({
      where: fc.option(someQuery, { nil: undefined }),
      steps: fc.array(fc.record({ match: someQuery, decides: decision }), { maxLength: 3 }),
      rest: fc.oneof(
        { weight: 2, arbitrary: fc.constant('include' as const) },
        { weight: 1, arbitrary: decision },
      ),
    }),
  },
);

const someMount: fc.Arbitrary<SomeMount> = fc.record({
  from: fc.array(someOrigin, { minLength: 1, maxLength: 2 }),
  filter: someFilter,
  place: fc.oneof(fc.constantFrom('keep' as const, 'flat' as const), someTemplate, someTemplate),
  otherwise: fc.option(someTemplate, { nil: undefined }),
  collide: fc.constantFrom('suffix' as const, 'newest' as const),
});

const someDirectory: fc.Arbitrary<SomeDirectory> = fc
  .record({
    path: fc.constantFrom(...PATHS),
    inherit: fc.boolean(),
    pick: fc.constantFrom('all' as const, 'first' as const),
    filter: someFilter,
    mounts: fc.array(someMount, { maxLength: 3 }),
    isInline: fc.boolean(),
  })
  .map(directory => {
    const [only, ...more] = directory.mounts;
    if (!only || more.length > 0 || !directory.isInline) return { ...directory, isInline: false };
    return { ...directory, mounts: [{ ...only, filter: noFilter }] };
  });

export const someRules: fc.Arbitrary<SomeRules> = fc.record({
  labels: fc.array(
    fc.record({
      source: fc.constantFrom(...SOURCES),
      prefix: fc.constantFrom('', 'x/', 'x/y/'),
      labels: fc.uniqueArray(fc.constantFrom(...LABELS), { minLength: 1, maxLength: 2 }),
    }),
    { maxLength: 2 },
  ),
  directories: fc.oneof(
    {
      weight: 8,
      arbitrary: fc.uniqueArray(someDirectory, { minLength: 1, maxLength: 4, selector: ({ path }) => path }),
    },
    { weight: 1, arbitrary: fc.constant<SomeDirectory[]>([]) },
  ),
});

/** rules.yaml: JSON is YAML. */
export function textOf({ labels, directories }: SomeRules): string {
  return JSON.stringify({
    version: 1,
    labels: labels.map(each => ({ from: `${each.source}:${each.prefix}`, labels: each.labels })),
    directories: directories.map(directory => ({
      path: `/${directory.path}`,
      inherit: directory.inherit,
      pick: directory.pick,
      ...filterData(directory.filter),
      ...(directory.isInline
        ? placementData(directory.mounts[0])
        : { mounts: directory.mounts.map(mountData) }),
    })),
  });
}

function filterData({ where, steps, rest }: SomeFilter): object {
  const stepData = ({ match, decides }: SomeFilter['steps'][number]) =>
    Object.fromEntries([
      ['match', match.text],
      ['then', decides],
    ]);
  return { where: where?.text, steps: steps.map(stepData), default: rest };
}

function placementData(mount: SomeMount | undefined): object {
  if (!mount) return {};
  const { from, place, otherwise, collide } = mount;
  return {
    from: from.map(({ source, prefix }) => (source === null ? '*' : `${source}:${prefix}`)),
    place: typeof place === 'string' ? place : place.text,
    otherwise: otherwise?.text,
    collide,
  };
}

function mountData(mount: SomeMount): object {
  return { ...filterData(mount.filter), ...placementData(mount) };
}

/** Every path at which a file wants to be. */
export function placesOf(
  { labels, directories }: SomeRules,
  file: ModelFile,
  now: number,
): { path: string; newest: boolean }[] {
  const path = pathOf(file);
  const given = labels.filter(({ source, prefix }) => source === file.source && path.startsWith(prefix));
  const asked: Asked = {
    ...file,
    path,
    ageMs: now - Math.floor(file.mtimeUs / 1000),
    labels: new Set([...file.labels, ...given.flatMap(each => each.labels)]),
  };
  const places = new Map<string, boolean>();
  for (const directory of directories) {
    const all = directory.mounts.flatMap(mount => {
      const paths = isAllowed(directory, directories, asked) ? pathsIn(mount, asked) : undefined;
      return paths === undefined ? [] : [{ paths, newest: mount.collide === 'newest' }];
    });
    for (const { paths, newest } of directory.pick === 'first' ? all.slice(0, 1) : all) {
      for (const below of paths) {
        const full = directory.path === '' ? below : `${directory.path}/${below}`;
        places.set(full, newest && places.get(full) !== false);
      }
    }
  }
  return [...places].map(([full, newest]) => ({ path: full, newest }));
}

export function pathOf({ folder, name }: Pick<ModelFile, 'folder' | 'name'>): string {
  return folder === '' ? name : `${folder}/${name}`;
}

/** By the directory itself, and by every directory above it that hands its filter down. */
function isAllowed(directory: SomeDirectory, all: readonly SomeDirectory[], file: Asked): boolean {
  const names = directory.path.split('/').filter(name => name !== '');
  const above = names.map((_, nth) => names.slice(0, nth).join('/'));
  const binding = all.filter(each => each === directory || (each.inherit && above.includes(each.path)));
  return binding.every(({ filter }) => passes(filter, file));
}

function passes({ where, steps, rest }: SomeFilter, file: Asked): boolean {
  const decided = steps.find(({ match }) => match.matches(file))?.decides ?? rest;
  return decided === 'include' && (where === undefined || where.matches(file));
}

function pathsIn({ from, filter, place, otherwise }: SomeMount, file: Asked): string[] | undefined {
  const origin = from.find(
    ({ source, prefix }) => (source ?? file.source) === file.source && file.path.startsWith(prefix),
  );
  if (!origin || !passes(filter, file)) return undefined;
  if (place === 'keep') return [file.path.slice(origin.prefix.length)];
  if (place === 'flat') return [file.name];
  return place.paths(file) ?? otherwise?.paths(file);
}

/** Rules that keep some of the directories, and of the label rules, of others: those of which the bit is set. */
export function mixed(kept: SomeRules, mask: number, added: SomeRules): SomeRules {
  const isKept = (_: unknown, nth: number) => (mask & (1 << nth)) !== 0;
  const directories = kept.directories.filter(isKept);
  const paths = new Set(directories.map(({ path }) => path));
  return {
    labels: [...added.labels, ...kept.labels.filter(isKept)],
    directories: [...added.directories.filter(({ path }) => !paths.has(path)), ...directories],
  };
}
