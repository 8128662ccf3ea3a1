/** Where templates send files, and what is said about templates that are wrong. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Property } from '../../src/query/facts.js';
import { type Expansion, expand } from '../../src/rules/expand.js';
import { parseTemplate } from '../../src/rules/parse-template.js';
import { propertiesOf, TemplateError, usesLabels } from '../../src/rules/template.js';
import { factsOf } from '../support/facts.js';

type Properties = Record<string, Property>;

function expansion(template: string, properties: Properties = {}, told: Parameters<typeof factsOf>[0] = {}) {
  return expand(parseTemplate(template), factsOf({ properties, ...told }));
}

/** The only path, or the value that is missing in angle brackets. */
function place(template: string, properties: Properties = {}, told: Parameters<typeof factsOf>[0] = {}) {
  const result: Expansion = expansion(template, properties, told);
  if ('missing' in result) return `<${result.missing}>`;
  assert.equal(result.paths.length, 1, 'one path');
  return result.paths[0];
}

function places(template: string, properties: Properties, labels: string[] = []) {
  const result = expansion(template, properties, { labels: new Set(labels) });
  return 'missing' in result ? `<${result.missing}>` : result.paths;
}

test('values and text', () => {
  const file = { title: 'Dark', season: 1, episode: '2', 'titles.eng': 'Dark (eng)' };
  assert.equal(place('TV/{title}/S{season:pad2}E{episode:pad3}.{ext}', file), 'TV/Dark/S01E002.mkv');
  assert.equal(place('{titles.eng}', file), 'Dark (eng)');
  assert.equal(place('{source}/{path}'), 'media/series/Dark/e1.mkv');
  assert.equal(place('{node}/{dir}/{stem} {size}.{ext}'), 'nas/series/Dark/e1 1.mkv');
  assert.equal(place('{type}/{mime}/{fileName}'), 'video/video_x-matroska/e1.mkv');
  assert.equal(place('{{{title}}} (}}{{)', file), '{Dark} (}{)');
});

test('a property never takes the place of what a file has by itself', () => {
  const lies = { fileName: 'x', path: '../x', ext: 'exe', label: 'a lie' };
  assert.equal(place('{fileName}', lies), 'e1.mkv');
  assert.equal(place('{path}', lies), 'series/Dark/e1.mkv');
  assert.equal(place('{label}/x', lies), '<label>');
  assert.equal(place('{constructor}'), '<constructor>');
  assert.equal(place('{__proto__}/{toString}'), '<__proto__>');
});

test('what is missing', () => {
  assert.equal(place('{title}/{fileName}'), '<title>');
  assert.equal(place('{title|originalTitle}.mkv'), '<title|originalTitle>');
  assert.equal(place('{title}', { title: ' ' }), '<title>');
  assert.equal(place('{title}', { title: [] }), '<title>');
  assert.equal(place('{title}', { title: '..' }), '<title>');
  assert.equal(place('{title}', { title: '\u0007' }), '<title>');
  assert.equal(place('{dir}/x', {}, { path: 'a' }), '<dir>');
  assert.equal(place('a.{ext}', {}, { path: 'README' }), '<ext>');
  assert.equal(place('{season:pad2}', { season: 0 }), '00');
});

test('the first that is there', () => {
  assert.equal(place('{title|originalTitle|stem}'), 'e1');
  assert.equal(place('{title|originalTitle|stem}', { originalTitle: 'Dunkel' }), 'Dunkel');
  assert.equal(place('{title|"No title"}'), 'No title');
  assert.equal(place('{title:upper|originalTitle:lower}', { originalTitle: 'Dunkel' }), 'dunkel');
  assert.equal(place('{album|"no/album"}/x'), 'no/album/x');
  assert.equal(place('x{title|""}'), 'x');
});

test('what may be missing is left out, and a folder of which nothing is left with it', () => {
  assert.equal(place('{collection?}/{fileName}'), 'e1.mkv');
  assert.equal(place('a/{b?} {c?}/{fileName}'), 'a/e1.mkv');
  assert.equal(place('{stem}{year?}'), 'e1');
  assert.equal(place('{album|disc?}/{fileName}', { disc: 2 }), '2/e1.mkv');
  assert.equal(place('{title?}'), '<title>');
  assert.equal(place('x/{title?}'), '<title>');
});

test('text that depends on a value', () => {
  const template = '{title}{year?( ({year}))}.{ext}';
  assert.equal(place(template, { title: 'Dune', year: 2021 }), 'Dune (2021).mkv');
  assert.equal(place(template, { title: 'Dune' }), 'Dune.mkv');
  assert.equal(place('{album?({album}/)}{fileName}', { album: 'A' }), 'A/e1.mkv');
  assert.equal(place('{album?({album}/)}{fileName}'), 'e1.mkv');
  assert.equal(place('{a?(A{b?(B{c?(C)})})}x', { a: 1, b: 1, c: 1 }), 'ABCx');
  assert.equal(place('{a?(A{b?(B{c?(C)})})}x', { a: 1, c: 1 }), 'Ax');
  assert.equal(place('{a|b?(one of them)}x', { b: 1 }), 'one of themx');
  assert.equal(place('{a?({{{a}}})}x', { a: 1 }), '{1}x');
  assert.equal(place('{season?(S{season}E{episode})}x', { season: 1 }), '<episode>');
});

test('modifiers', () => {
  const of = (modifiers: string, v: Property) => place(`{v:${modifiers}}`, { v });
  assert.equal(of('pad2', 1.5), '01.5');
  assert.equal(of('pad3', '7'), '007');
  assert.equal(of('pad2', -1), '-01');
  assert.equal(of('pad2', 'Special'), 'Special');
  assert.equal(of('pad2', '1a'), '1a');
  assert.equal(of('upper', 'straße'), 'STRASSE');
  assert.equal(of('title', "the lord's ring of iPhones"), "The Lord's Ring Of IPhones");
  assert.equal(of('lower:title', 'THE MATRIX'), 'The Matrix');
  assert.equal(of('slug', '  Amélie: Le Fabuleux—Destin! '), 'amelie-le-fabuleux-destin');
  assert.equal(of('slug', "Don't AC/DC"), 'dont-ac-dc');
  assert.equal(of('slug', 'Йога がき हिन्दी'), 'йога-がき-हिन्दी');
  assert.equal(of('slug', '!?'), '<v>');
  assert.equal(place('{path:upper}'), 'SERIES/DARK/E1.MKV');
  assert.equal(place('{path:slug}'), 'series/dark/e1-mkv');
});

test('dates', () => {
  const of = (format: string, v: Property) => place(`{v:${format}}`, { v });
  assert.equal(of('YYYY-MM', '2024-05-01'), '2024-05');
  assert.equal(of('YY.MM.DD HH.mm.ss', '2024-05-01T10:30:09.5+09:00'), '24.05.01 10.30.09');
  assert.equal(of('YYYYMMDD_HHmmss', '2024:05:01 10:30:00'), '20240501_103000');
  assert.equal(of('YYYY-MM-DD', 20240501), '2024-05-01');
  assert.equal(of('YYYY', 1999), '1999');
  assert.equal(of('YYYY', '1999-12'), '1999');
  assert.equal(of('YYYY-MM', 1999), '<v>');
  assert.equal(of('YYYY', '0000:00:00 00:00:00'), '<v>');
  assert.equal(of('YYYY', 'soon'), '<v>');
  assert.equal(of('YYYY-MM:upper', '2024-05-01'), '2024-05');
});

test('a time is shown as the clock here showed it', () => {
  const mtimeMs = new Date(2024, 0, 31, 23, 59, 58).getTime();
  assert.equal(place('{mtime}', {}, { mtimeMs }), '2024-01-31');
  assert.equal(place('{mtime:YYYY}/{mtime:MM}/{mtime:HHmmss}', {}, { mtimeMs }), '2024/01/235958');
  const v = new Date(mtimeMs).toISOString();
  assert.equal(place('{v:YYYY-MM-DD HHmm}', { v }), '2024-01-31 2359');
  assert.equal(place('{mtime:YYYY}', {}, { mtimeMs: Number.NaN }), '<mtime>');
});

test('several values: the first, or with a star each', () => {
  const file = { genre: ['Noir', 'Drama'], tags: ['b', 'a'] };
  assert.deepEqual(places('{genre}', file), ['Noir']);
  assert.deepEqual(places('{genre*}/{stem}', file), ['Noir/e1', 'Drama/e1']);
  assert.deepEqual(places('{genre*}/{tags*}', file), ['Noir/b', 'Noir/a', 'Drama/b', 'Drama/a']);
  assert.deepEqual(places('{genre*}/{genre*:upper} {genre}', file), ['Noir/NOIR Noir', 'Drama/DRAMA Noir']);
  assert.deepEqual(places('{label*}/x', {}, ['work', 'home']), ['home/x', 'work/x']);
  assert.deepEqual(places('{label*}/x', {}, ['a/b', 'a_b']), ['a_b/x']);
  assert.deepEqual(places('{v*}/x', { v: ['', 'a'] }), ['a/x']);
  assert.deepEqual(places('{v*}/x', { v: 'a' }), ['a/x']);
  assert.equal(places('{v*}/{fileName}', {}), '<v>');
  assert.deepEqual(places('{v*|"none"}/{w*?}/x', { w: [1, 2] }), ['none/1/x', 'none/2/x']);
  assert.deepEqual(places('{v?(by {v*}/)}x', { v: [1, 2] }), ['by 1/x', 'by 2/x']);
  const many = places('{v*}/{w*}', {
    v: [...'abcdefghijklmnopqrstuvwxyz'],
    w: [...'abcdefghijklmnopqrstuvwxyz'],
  });
  assert.equal(many.length, 100);
});

test('a value makes no folder, and a name fits', () => {
  assert.equal(place('{v}', { v: 'AC/DC\0\u0001 x\u009f' }), 'AC_DC_ x');
  assert.equal(place('{v}/x', { v: '../../etc' }), '.._.._etc/x');
  assert.equal(place('{v}/x', { v: '\ud800a' }), 'a/x');
  assert.equal(place('a{v}/ x ', { v: ' ' }), '<v>');
  assert.equal(place('{v} / x ', { v: ' a ' }), 'a/x');
  assert.equal(place('{v}', { v: `${'x'.repeat(300)}.mkv` }), `${'x'.repeat(251)}.mkv`);
  assert.equal(place('a/{v}/b', { v: '語'.repeat(100) }), `a/${'語'.repeat(85)}/b`);
  assert.equal(place('{v}', { v: '\uef80'.repeat(100) }), '\uef80'.repeat(85));
  const family = '👨‍👩‍👧‍👦';
  assert.equal(place('{v}', { v: family.repeat(11) }), family.repeat(10));
  assert.equal(place('{v}{w?}', { v: '.', w: '.' }), '<v>');
  assert.equal(place('.{w?}', {}), '<w>');
  assert.equal(place('{path}', {}, { path: 'a/ /b ' }), 'a/b');
});

test('what a template asks for', () => {
  const template = parseTemplate('{title|stem}/{label*}/{year?({titles.eng})}');
  assert.deepEqual(
    propertiesOf(template).map(({ name, column }) => [name, column]),
    [
      ['title', 2],
      ['year', 24],
      ['titles.eng', 31],
    ],
  );
  assert.ok(usesLabels(template));
  assert.ok(!usesLabels(parseTemplate('{labels}')));
});

test('what is wrong, and where', () => {
  const wrong: [template: string, column: number, message: RegExp, hint?: RegExp][] = [
    ['', 1, /empty/],
    ['a/{title', 3, /not closed/, /\{\{/],
    ['a}b', 2, /closes nothing/, /\}\}/],
    ['{}', 2, /"}" cannot be here/],
    ['{a b}', 3, /" " cannot be here/],
    ['{a:pad}', 4, /no modifier "pad"/, /did you mean pad2/],
    ['{a:uper}', 4, /no modifier "uper"/, /did you mean upper/],
    ['{a:yyyy}', 4, /no modifier "yyyy"/, /did you mean YYYY/],
    ['{a:wat}', 4, /no modifier "wat"/, /pad2, upper/],
    ['{a:}', 4, /no modifier ""/],
    ['{a:constructor}', 4, /no modifier/],
    ['{a:YYYY/MM}', 4, /one name/, /\{…:YYYY\}\/\{…:MM\}/],
    ['{a:upper:YYYY}', 10, /comes first/],
    ['{a:HH:mm}', 7, /comes first/, /HH\.mm/],
    ['{a?(b}', 6, /closes nothing/],
    ['{a?(b', 4, /not closed/],
    ['{a*?(b)}', 2, /condition/, /\{a\?\(… \{a\*\}\)\}/],
    ['{"x"|a}', 6, /never used/],
    ['{a|"x}', 4, /quote is not closed/],
    ['{a|".."}', 5, /cannot be a name/],
    ['/a/{b}', 1, /begin with a slash/],
    ['a/{b}/', 6, /end with a slash/, /fileName/],
    ['a//{b}', 3, /without a name/],
    ['a/ /{b}', 3, /without a name/],
    ['a/../{b}', 3, /called \.\./],
    ['./{b}', 1, /called \./],
    ['{b}/..', 5, /called \.\./],
    ['{a?(x/../y)}z', 7, /called \.\./],
    ['{a}\n', 4, /new line/],
  ];
  for (const [template, column, message, hint] of wrong) {
    assert.throws(
      () => parseTemplate(template),
      (error: unknown) => {
        assert.ok(error instanceof TemplateError, String(error));
        assert.match(error.message, message, template);
        assert.equal(error.column, column, `column in ${template}`);
        if (hint !== undefined) assert.match(error.hint ?? '', hint, template);
        return true;
      },
    );
  }
});
