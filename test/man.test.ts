/**
 * The man pages against the declarations, the commands and the formatter: nothing out of date, no option that does not
 * exist, no field of `--json` that is not described, no warning.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { longFlag } from '../commands/command.js';
import { globalOptions } from '../commands/context.js';
import root from '../commands/root.js';
import { folder, readPages, renew } from './man/pages.js';
import { commandsAt } from './man/sections.js';
import { serveFolder, startServer } from './support/file-server.js';

const binary = fileURLToPath(new URL('../commands/facet.js', import.meta.url));
const manifest: { man: string[] } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
);

const pages = readPages();

function pageText(file: string): string {
  return pages.find(page => page.file === file)?.text ?? '';
}

for (const page of pages) {
  test(`${page.file} is as "npm run man" makes it`, async () => {
    const renewed = (await renew(page)).split('\n');
    const old = page.text.split('\n');
    const at = renewed.findIndex((line, index) => line !== old[index]);
    const where = `run "npm run man": man/${page.file}:${at + 1}`;
    if (at >= 0) assert.equal(old[at], renewed[at], where);
    assert.equal(old.length, renewed.length, where);
  });
}

test('every command has its place, and every page is installed', () => {
  for (const name of Object.keys(root.commands)) {
    const own = pages.some(({ file }) => file === `facet-${name}.1`);
    const place = own ? pageText(`facet-${name}.1`) : pageText('facet.1');
    assert.match(place, new RegExp(`^\\.\\\\" generated: (options|subcommands) ${name}$`, 'm'), name);
  }
  assert.deepEqual(
    manifest.man,
    pages.map(({ file }) => `./man/${file}`),
  );
});

/** Options of other programs that the examples run. */
const foreignOptions = ['--user', '--now'];

test('the pages name no option that does not exist', async () => {
  const commands = await commandsAt([]);
  const specs = [globalOptions, ...commands.map(({ command }) => command.options ?? {})];
  const known = new Set(specs.flatMap(options => Object.keys(options).map(longFlag)));
  for (const { file, text } of pages) {
    const named = text.replaceAll('\\-', '-').match(/(?<![\w-])--[a-z][a-z-]*/g) ?? [];
    const unknown = named.filter(
      name => !known.has(name) && ![...foreignOptions, '--help', '--version'].includes(name),
    );
    assert.deepEqual(unknown, [], file);
  }
});

const formatters: Readonly<Record<string, readonly string[]>> = {
  groff: ['-man', '-ww', '-Kutf8', '-Tutf8', '-z'],
  man: ['--warnings', '-E', 'UTF-8', '-l'],
};
for (const [program, words] of Object.entries(formatters)) {
  const installed = spawnSync(program, ['--version']).status === 0;
  test(`${program} formats the pages without a warning`, {
    skip: !installed && `${program} is not installed`,
  }, () => {
    for (const { file } of pages) {
      const { status, stderr } = spawnSync(program, [...words, join(folder, file)], { encoding: 'utf8' });
      assert.deepEqual([status, stderr], [0, ''], file);
    }
  });
}

test('the pages describe every field of --json', async t => {
  const { facet, objects, rulesFile, cacheDirectory, folder } = inNewHome(t);
  const described = async (file: string, section: string, words: string[]) =>
    assertDescribes(jsonSection(file, section), await objects(...words), words.join(' '));

  await described('facet-index.1', 'facet index add', ['index', 'add', 'docs', 'docs']);
  await described('facet-index.1', 'facet index scan', ['index', 'scan', '--hash']);
  await described('facet-index.1', 'facet index status', ['index', 'status']);
  await described('facet-index.1', 'facet index ls', ['index', 'ls', '/docs']);
  await described('facet-index.1', 'facet index search', ['index', 'search', 'a']);
  await described('facet-index.1', 'facet index label add', ['index', 'label', 'add', '/docs/a.txt', 'work']);
  await described('facet-index.1', 'facet index label ls', ['index', 'label', 'ls', '/docs/a.txt']);
  await described('facet-index.1', 'facet index label ls', ['index', 'label', 'ls']);
  await described('facet-index.1', 'facet index label add', ['index', 'label', 'rm', '/docs/a.txt', 'work']);
  await described('facet-index.1', 'facet index set', ['index', 'set', '--from-json', 'said.json']);
  await described('facet-index.1', 'facet index stat', ['index', 'stat', '/docs/a.txt']);
  await described('facet-rules.1', 'facet rules init', ['rules', 'init']);
  writeFileSync(rulesFile, 'version: 1\ndirectories: [{path: /, place: "{source}/by/{path}"}]\n');
  await described('facet-rules.1', 'facet rules plan', ['rules', 'plan']);
  await described('facet-rules.1', 'facet rules tree', ['rules', 'tree']);
  await described('facet-rules.1', 'facet rules apply', ['rules', 'apply']);
  await described('facet-rules.1', 'facet rules explain', ['rules', 'explain', 'docs:a.txt']);
  await described('facet-rules.1', 'facet rules edit', ['rules', 'edit']);
  writeFileSync(rulesFile, 'version: 1\ndirectories: [{path: /a, place: "{b}"}, {path: /c, where: "("}]\n');
  await described('facet-rules.1', 'facet rules check', ['rules', 'check']);
  writeFileSync(rulesFile, 'version: 1\n');
  await described('facet-rules.1', 'facet rules apply', ['rules', 'apply']);
  const { url } = await startServer(t, serveFolder(folder));
  await described('facet-index.1', 'facet index add', ['index', 'add', 'web', `${url}/docs/`]);
  await described('facet-index.1', 'facet index add', ['index', 'add', 's3', 's3://b', '--region', 'r']);
  await facet('index', 'scan', 'web');
  await described('facet-cache.1', 'facet cache warm', ['cache', 'warm', '/web']);
  await described('facet-cache.1', 'facet cache pin', ['cache', 'pin', '/web']);
  await described('facet-cache.1', 'facet cache ls', ['cache', 'ls']);
  await described('facet-cache.1', 'facet cache status', ['cache', 'status']);
  writeFileSync(join(cacheDirectory, 'tmp', 'stray'), '');
  damageFiles(join(cacheDirectory, 'blobs'));
  await described('facet-cache.1', 'facet cache verify', ['cache', 'verify']);
  await described('facet-cache.1', 'facet cache unpin', ['cache', 'unpin', '/web']);
  await described('facet-cache.1', 'facet cache evict', ['cache', 'evict']);
  await described('facet-cache.1', 'facet cache clear', ['cache', 'clear']);
  await described('facet-fetch.1', '', ['fetch', '/docs/a.txt', '/docs/missing', '-o', 'out']);
  await described('facet.1', '', ['index', 'stat', '/missing']);
  await described('facet-index.1', 'facet index rm', ['index', 'rm', 'docs']);
  for (const name of ['web', 's3']) await facet('index', 'rm', name);
  assert.equal((await facet('index', 'ls', '--json')).stdout, '');
});

/** A home with a folder `docs` beside it. */
function inNewHome(t: TestContext) {
  const cwd = mkdtempSync(join(tmpdir(), 'facet-man-'));
  t.after(() => rmSync(cwd, { recursive: true }));
  mkdirSync(join(cwd, 'docs'));
  writeFileSync(join(cwd, 'docs', 'a.txt'), 'a');
  writeFileSync(join(cwd, 'said.json'), '{"path":"docs:a.txt"}\n');
  const facet = async (...words: string[]) => {
    const { stdout, stderr } = spawn(process.execPath, [binary, '--home', 'home', ...words], {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, EDITOR: 'true', VISUAL: '' },
    });
    const [told, said] = await Promise.all([text(stdout), text(stderr)]);
    return { stdout: told, stderr: said };
  };
  /** What a command prints with --json, on stdout and, where that is empty, on stderr. */
  const objects = async (...words: string[]): Promise<object[]> => {
    const { stdout, stderr } = await facet(...words, '--json');
    const lines = (stdout || stderr).trim().split('\n');
    return lines.map(line => JSON.parse(line));
  };
  return {
    facet,
    objects,
    rulesFile: join(cwd, 'home', 'rules.yaml'),
    cacheDirectory: join(cwd, 'home', 'cache'),
    folder: cwd,
  };
}

/** Changes the first byte of each. */
function damageFiles(folder: string): void {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) writeFileSync(join(entry.parentPath, entry.name), '#', { flag: 'r+' });
}

/** What a page says of JSON: all of it, or what is below the heading of a command. */
function jsonSection(file: string, heading: string): string {
  const all = /^\.SH JSON OUTPUT\n([\s\S]*?)^\.SH /m.exec(pageText(file))?.[1] ?? '';
  if (heading === '') return all;
  const parts = all.split(/^\.SS /m);
  return parts.find(part => part.startsWith(`${heading}\n`)) ?? '';
}

function assertDescribes(text: string, objects: object[], what: string): void {
  const words = new Set(text.match(/[A-Za-z0-9]+/g));
  assert.ok(objects.length > 0);
  const missing = objects.flatMap(fieldsOf).filter(field => !words.has(field));
  assert.deepEqual(missing, [], `facet ${what} --json`);
}

function fieldsOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(fieldsOf);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => [name, ...fieldsOf(inner)]);
}
