/** Rules of MetaMesh: what they say in facet's language, and that files go where MetaMesh would show them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { FacetError } from '../../src/errors.js';
import { importMetamesh } from '../../src/rules/import-metamesh.js';
import { placing } from '../support/placing.js';
import { seededPicks } from '../support/random.js';

const media = {
  operator: 'OR',
  conditions: ['video', 'subtitle', 'torrent'].map(value => ({ type: 'EQUALS', field: 'fileType', value })),
};
const exists = (field: string) => ({ type: 'EXISTS', field });
const and = (...conditions: object[]) => ({ operator: 'AND', conditions });
const rest = '{subtitleLanguage?(.{subtitleLanguage})}{version?( {version})}.{extension}';
const title = '{title|originalTitle}';

/** What a MetaMesh that nobody has configured goes by. */
const defaults = {
  version: 1,
  rules: [
    {
      id: 'movies',
      name: 'Movies',
      enabled: true,
      priority: 80,
      conditions: and(
        media,
        exists('extension'),
        { operator: 'OR', conditions: [exists('title'), exists('originalTitle')] },
        { type: 'NOT_EXISTS', field: 'season' },
      ),
      template: `Movies/${title}{movieYear?( ({movieYear}))}/${title}{movieYear?( ({movieYear}))}${rest}`,
      fallbackToUnsorted: true,
    },
    {
      id: 'tv-series',
      name: 'TV Series',
      description: 'Regular episodes',
      enabled: true,
      priority: 90,
      conditions: and(media, exists('extension'), exists('season'), exists('episode')),
      template: `TV Shows/${title}/S{season:pad2}/${title} S{season:pad2}E{episode:pad2}${rest}`,
      fallbackToUnsorted: true,
    },
    {
      id: 'tv-extras',
      name: 'TV Series - Extras',
      enabled: true,
      priority: 100,
      conditions: and(media, exists('extension'), { type: 'EQUALS', field: 'extra', value: true }),
      template: `TV Shows/${title}/extra/${title}{season?( S{season:pad2})}{episode?(E{episode:pad2})}${rest}`,
      fallbackToUnsorted: true,
    },
    {
      id: 'images',
      name: 'Images',
      enabled: true,
      priority: 70,
      conditions: and({
        operator: 'OR',
        conditions: ['image', 'document'].map(value => ({ type: 'EQUALS', field: 'fileType', value })),
      }),
      template: 'Images/{fileName}',
      fallbackToUnsorted: true,
    },
  ],
  defaultRule: {
    id: 'fallback-unsorted',
    name: 'Unsorted',
    enabled: true,
    priority: 0,
    conditions: and(),
    template: 'Unsorted/{fileName}',
    fallbackToUnsorted: false,
  },
};

function imported(config: object) {
  return importMetamesh(JSON.stringify(config, null, 2), 'renaming-rules.json');
}

/** One rule with these conditions and this template. */
function ruleWith(more: object) {
  return imported({ rules: [{ name: 'R', template: 'x/{fileName}', ...more }] });
}

interface Written {
  directories: { mounts: { where?: string | undefined; place: string }[] }[];
}

function firstMount(text: string) {
  const written: Written = parse(text);
  return written.directories[0]?.mounts[0];
}

/** The query of the only rule. */
function where(conditions: object): string | undefined {
  return firstMount(ruleWith({ conditions }).text)?.where;
}

/** The template of the only rule. */
function place(template: string): string | undefined {
  const { text, warnings } = ruleWith({ template });
  assert.deepEqual(warnings, []);
  return firstMount(text)?.place;
}

test('the defaults of MetaMesh, as text', () => {
  const { text, warnings } = imported(defaults);
  assert.deepEqual(warnings, []);
  assert.equal(
    text,
    `# The rules of MetaMesh from renaming-rules.json, the highest priority first: the first that takes a file places it.
# Other than there, a slash in a value makes no folder, and characters that Windows does not allow stay in names.

version: 1
directories:
  - path: /
    pick: first
    mounts:
      # tv-extras, priority 100
      - name: TV Series - Extras
        where: fileType in [video, subtitle, torrent] and ext is present and extra=true
        place: TV Shows/{title|originalTitle}/extra/{title|originalTitle}{season?( S{season:pad2})}{episode?(E{episode:pad2})}{subtitleLanguage?(.{subtitleLanguage})}{version?( {version})}.{ext}
        otherwise: Unsorted/{fileName}
      # tv-series, priority 90: Regular episodes
      - name: TV Series
        where: fileType in [video, subtitle, torrent] and ext is present and season is present and episode is present
        place: TV Shows/{title|originalTitle}/S{season:pad2}/{title|originalTitle} S{season:pad2}E{episode:pad2}{subtitleLanguage?(.{subtitleLanguage})}{version?( {version})}.{ext}
        otherwise: Unsorted/{fileName}
      # movies, priority 80
      - name: Movies
        where: fileType in [video, subtitle, torrent] and ext is present and (title is present or originalTitle is present) and season is missing
        place: Movies/{title|originalTitle}{movieYear?( ({movieYear}))}/{title|originalTitle}{movieYear?( ({movieYear}))}{subtitleLanguage?(.{subtitleLanguage})}{version?( {version})}.{ext}
        otherwise: Unsorted/{fileName}
      # images, priority 70
      - name: Images
        where: fileType in [image, document]
        place: Images/{fileName}
        otherwise: Unsorted/{fileName}
      # fallback-unsorted, priority 0
      - name: Unsorted
        place: Unsorted/{fileName}
`,
  );
});

interface Media {
  title?: string | undefined;
  originalTitle?: string | undefined;
  season?: number | undefined;
  episode?: number | undefined;
  extra?: string | undefined;
  movieYear?: number | undefined;
  version?: string | undefined;
  subtitleLanguage?: string | undefined;
  fileType?: string | undefined;
}

/** Where MetaMesh shows it, written as a function instead of a template. */
function expected(name: string, file: Media): string {
  const known = file.title ?? file.originalTitle;
  const ending = `${file.subtitleLanguage ? `.${file.subtitleLanguage}` : ''}${file.version ? ` ${file.version}` : ''}.${name.split('.').at(-1)}`;
  const two = (number: number) => String(number).padStart(2, '0');
  const season = file.season === undefined ? '' : `S${two(file.season)}`;
  const episode = file.episode === undefined ? '' : `E${two(file.episode)}`;
  if (file.fileType === 'image') return `Images/${name}`;
  if (file.fileType !== undefined && known !== undefined) {
    if (file.extra === 'true')
      return `TV Shows/${known}/extra/${known}${season && ` ${season}`}${episode}${ending}`;
    if (season && episode) return `TV Shows/${known}/${season}/${known} ${season}${episode}${ending}`;
    const film = `${known}${file.movieYear === undefined ? '' : ` (${file.movieYear})`}`;
    if (!season) return `Movies/${film}/${film}${ending}`;
  }
  return `Unsorted/${name}`;
}

test('thousands of files go where MetaMesh shows them', () => {
  const places = placing(imported(defaults).text);
  const below = seededPicks(7);
  const pick = <T>(...choices: readonly T[]): T | undefined => choices[below(choices.length)];
  const titles = [
    'Dark',
    'Amélie',
    '進撃の巨人',
    "It's Always Sunny in Philadelphia",
    'M*A*S*H',
    '1917',
    'WALL·E',
    'Se7en',
  ];
  const seen = new Map<string, number>();
  for (let nth = 0; nth < 5_000; nth++) {
    const drawn: Media = {
      title: pick(...titles, undefined),
      originalTitle: pick('Le Fabuleux Destin', undefined),
      season: pick(undefined, undefined, 0, 1, 12),
      episode: pick(undefined, 1, 7, 24, 113),
      extra: pick('true', 'false', undefined, undefined),
      movieYear: pick(1979, 2019, undefined),
      version: pick('1080p BluRay', undefined, undefined),
      subtitleLanguage: pick('eng', undefined, undefined),
      fileType: pick('video', 'video', 'subtitle', 'torrent', 'image', undefined),
    };
    const given = Object.fromEntries(Object.entries(drawn).filter(([, value]) => value !== undefined));
    const name = `release.${nth}.${pick('mkv', 'srt', 'torrent', 'jpg')}`;
    const path = expected(name, drawn);
    assert.deepEqual(places({ path: `in/${name}`, properties: given }), [path], JSON.stringify(given));
    const top = path.slice(0, path.indexOf('/'));
    seen.set(top, (seen.get(top) ?? 0) + 1);
  }
  for (const top of ['TV Shows', 'Movies', 'Images', 'Unsorted']) assert.ok((seen.get(top) ?? 0) > 300, top);
});

test('conditions of both spellings', () => {
  assert.equal(where({ operator: 'OR', conditions: [] }), undefined);
  assert.equal(where({ field: 'a', operator: 'exists' }), 'a is present');
  assert.equal(where({ field: 'a', operator: 'notExists' }), 'a is missing');
  assert.equal(where({ field: 'titles/eng', type: 'NOT_EQUALS', value: 'x y' }), 'titles.eng!="x y"');
  assert.equal(where({ field: 'a', type: 'EQUALS', value: 7 }), 'a=7');
  assert.equal(where({ field: 'a', operator: 'contains', value: 'C++ (1)' }), String.raw`a~"C\+\+ \(1\)"`);
  assert.equal(where({ field: 'a', operator: 'startsWith', value: '[' }), String.raw`a~"^\["`);
  assert.equal(where({ field: 'filePath', operator: 'endsWith', value: '"' }), `path~'"$'`);
  assert.equal(where({ field: 'a', type: 'MATCHES', value: '^S\\d+' }), String.raw`a~"^S\d+"`);
  assert.equal(where({ field: 'year', operator: 'greaterThan', value: '2000' }), 'year>2000');
  assert.equal(where({ field: 'fileSize', operator: 'lessThan', value: 2_000_000 }), 'size<2MB');
  assert.equal(where({ field: 'extension', operator: 'equals', value: '.MKV' }), 'ext=mkv');
  const group = (operator: string, ...conditions: object[]) => ({ operator, conditions });
  const [a, b] = [exists('a'), exists('b')];
  assert.equal(
    where(group('and', a, group('or', b, group('and', a, b)))),
    'a is present and (b is present or a is present and b is present)',
  );
  assert.equal(where(group('or', a, group('and'))), undefined);
  assert.equal(where(group('and', a, group('or'))), 'a is present');
});

test('what cannot be asked never matches, and is told', () => {
  const warned = (condition: object) => {
    const { text, warnings } = ruleWith({ conditions: condition });
    assert.match(text, /where: name is missing/);
    return warnings.join();
  };
  assert.match(
    warned({ field: 'a', type: 'MATCHES', value: '(?=x)' }),
    /^R: the condition on a never matches: .*not a regular/,
  );
  assert.match(warned({ field: 'a', type: 'SOUNDS_LIKE', value: 'x' }), /no test SOUNDS_LIKE/);
  assert.match(warned({ field: 'mtime', type: 'EQUALS', value: 'yesterday' }), /never matches/);
  assert.match(
    ruleWith({ conditions: exists('source') }).warnings.join(),
    /source is what facet itself knows/,
  );
});

test('templates', () => {
  assert.equal(place('/Movies//{title} ({year})/{fileName}'), 'Movies/{title} ({year})/{fileName}');
  assert.equal(place('{titles/eng|title}.{extension}'), '{titles.eng|title}.{ext}');
  assert.equal(
    place('{genre|"Unknown"}/{genre|No genre: none}/{fileName}'),
    '{genre|"Unknown"}/{genre|"No genre none"}/{fileName}',
  );
  assert.equal(place('{title:uppercase}{year:pad4?}{x:lower}'), '{title:upper}{year:pad4?}{x:lower}');
  assert.equal(place('a: "b"? {title}'), 'a b {title}');
  assert.equal(place('{a?( {a})}{b?(x (y))}{title}'), '{a?( {a})}{b?(x (y))}{title}');
  assert.equal(
    place('{season?(S{season:pad2}E{episode:pad2})}{title}'),
    '{season?({episode?(S{season:pad2}E{episode:pad2})})}{title}',
  );
  assert.equal(place('{a?({b|c}{d?})}{title}'), '{a?({b|c?({b|c}{d?})})}{title}');
  assert.equal(place('x}{title}/{y'), 'x}}{title}/{{y');
});

test('a rule whose template means nothing is left out, and told', () => {
  const { text, warnings } = ruleWith({ id: 'r1', template: '{title:shout}' });
  assert.deepEqual(warnings, [
    'R (r1): left out, because its template {title:shout} cannot be used: there is no modifier "shout"',
  ]);
  assert.doesNotMatch(text, /shout/);
  assert.match(ruleWith({ template: '../{title}' }).warnings.join(), /cannot be called \.\./);
});

test('the order, what is disabled, and what is left', () => {
  const rules = [
    { name: 'low', template: 'low/{fileName}', priority: 1 },
    { name: 'high', template: 'high/{fileName}', priority: 2 },
    { name: 'first of two', template: 'x/{fileName}', priority: 1, id: 'a\n- b: c' },
    { name: 'off: {x}\nversion: 2', template: 'off/{fileName}', priority: 9, enabled: false },
  ];
  const { text } = imported({ rules });
  assert.deepEqual(
    [...text.matchAll(/name: (.*)/g)].map(found => found[1]),
    ['high', 'low', 'first of two', 'unsorted'],
  );
  assert.match(text, /^# Left out, because disabled: off: \{x\} version: 2\.$/m);
  assert.match(text, /^ +# a - b: c, priority 1$/m);
  assert.deepEqual(placing(text)({ path: 'd/e' }), ['high/e']);
  const last = imported({
    rules: [],
    defaultRule: { template: '{title}/{fileName}', conditions: exists('x') },
  }).text;
  assert.deepEqual(placing(last)({ path: 'd/e' }), ['Unsorted/e']);
  assert.deepEqual(placing(last)({ path: 'd/e', properties: { title: 'T' } }), ['T/e']);
});

test("as MetaMesh's server answers", () => {
  assert.equal(imported({ config: defaults, lastModified: '2024-01-15' }).text, imported(defaults).text);
});

test('what is wrong, and where', () => {
  const fails = (text: string, message: RegExp) =>
    assert.throws(
      () => importMetamesh(text, 'r.json'),
      (error: unknown) =>
        error instanceof FacetError && error.code === 'usage' && message.test(error.message),
      text,
    );
  fails('{"rules": [', /^r\.json:1:\d+: /);
  fails('{}', /^r\.json:1:1: rules: expected the list of rules of MetaMesh, found nothing/);
  fails('{"rules": {}}', /rules: expected the list of rules of MetaMesh, found a map/);
  fails(
    '{"rules": [\n{"name": "a"}]}',
    /^r\.json:2:1: rules\.0\.template: expected a template, found nothing/,
  );
  fails('{"config": {"rules": 1}}', /config\.rules: expected the list/);
  const conditions = (json: string) => `{"rules": [{"template": "x", "conditions":\n ${json}}]}`;
  fails(
    conditions('{"type": "EXISTS"}'),
    /^r\.json:2:2: rules\.0\.conditions: expected a condition with a field/,
  );
  fails(
    conditions('{"conditions": [{"field": "a", "type": "EQUALS"}]}'),
    /rules\.0\.conditions\.conditions\.0: expected a condition with a value/,
  );
  fails(
    conditions('{"field": "a", "type": "EQUALS", "value": []}'),
    /value: expected a text, a number, true or false/,
  );
});
