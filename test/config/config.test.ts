import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { defaultConfig, loadConfig } from '../../src/config/config.js';
import { type Home, resolveHome } from '../../src/config/home.js';
import { FacetError } from '../../src/errors.js';

test('no file: the defaults, nothing written, and neither yaml nor zod loaded', async t => {
  const home = temporaryHome(t);
  assert.deepEqual(await loadConfig(home), defaultConfig());
  assert.equal(existsSync(home.cacheDir), false);
  assertNoLibraries(home);
});

test('an empty file, and one of keys without values, mean the defaults too', async t => {
  for (const text of [
    '',
    '# nothing\n',
    '---\n',
    'cache:\n  # maxSize: 1GB\nmount:\nmounts:\n',
    'version: 1\n',
  ]) {
    const { version, ...config } = await loadConfig(withConfig(t, text));
    assert.deepEqual(config, defaultConfig(), text);
    assert.ok(version === undefined || version === 1);
  }
});

test('values are read in their units', async t => {
  const home = withConfig(
    t,
    `scan: { exclude: ['*.tmp', "node_modules/**"] }
mount: { uid: 1000, gid: 0, umask: '022', allowOther: true }
mounts: [{ source: films, prefix: /2024//new, at: /mnt/nas }, { source: docs, at: ~/sync }]
cache: { maxSize: 50GB, minFree: 1.5GiB, maxAge: 12h, memory: 1000 }
redis: { uri: 'redis://nas', publish: true, keyPrefix: 'x:', node: laptop }
`,
  );
  assert.deepEqual(await loadConfig(home), {
    scan: { exclude: ['*.tmp', 'node_modules/**'] },
    mount: { uid: 1000, gid: 0, umask: 0o022, allowOther: true },
    mounts: [
      { source: 'films', prefix: '2024/new/', at: '/mnt/nas' },
      { source: 'docs', prefix: '', at: '~/sync' },
    ],
    cache: { maxSize: 50_000_000_000, minFree: 1_610_612_736, maxAge: 43_200_000, memory: 1000 },
    redis: { uri: 'redis://nas', publish: true, keyPrefix: 'x:', node: 'laptop' },
  });
});

test('errors say where, what was expected and what was found', async t => {
  const errors: [yaml: string, place: string, message: RegExp, hint?: RegExp][] = [
    ['cache:\n  maxSise: 1GB\n', '2:3', /^unknown key cache\.maxSise$/, /did you mean maxSize\?/],
    ['cahce: {}\n', '1:1', /^unknown key cahce$/, /did you mean cache\?/],
    ['zzz: 1\n', '1:1', /^unknown key zzz$/, /the keys are version, mounts, scan, mount, cache/],
    ['__proto__: 1\n', '1:1', /^unknown key __proto__$/],
    ['? [a, b]\n: 1\n', '1:1', /^unknown key/],
    [
      'cache:\n  maxSize: 10 apples\n',
      '2:12',
      /^cache\.maxSize: expected a size such as .*, found '10 apples'$/,
    ],
    ['cache:\n  maxSize: 10G\n', '2:12', /expected a size/, /write GB for powers of 1000/],
    ['cache:\n  maxAge: 30\n', '2:11', /^cache\.maxAge: expected a duration .* found the number 30$/],
    [
      'mounts: [{ source: a }]\n',
      '1:10',
      /^mounts\.0\.at: expected a folder of this machine, found nothing$/,
    ],
    ['mounts: [{ source: a, at: b, to: c }]\n', '1:30', /^unknown key mounts\.0\.to$/],
    ['cache: [1]\n', '1:8', /^cache: expected a map of keys and values, found a list$/],
    ['cache: { memory: true }\n', '1:18', /^cache\.memory: expected a size .* found the boolean true$/],
    ['scan: { exclude: "*.tmp" }\n', '1:18', /^scan\.exclude: expected a list, found '\*\.tmp'$/],
    [
      'scan:\n  exclude:\n    - a\n    - 1\n',
      '4:7',
      /^scan\.exclude\.1: expected a glob, found the number 1$/,
    ],
    ['scan:\n  exclude:\n    -\n', '3:6', /^scan\.exclude\.0: expected a glob, found nothing$/],
    [
      'mount: { umask: 022 }\n',
      '1:17',
      /expected an octal number in quotes such as '022', found the number 22$/,
    ],
    ['mount: { umask: "088" }\n', '1:17', /expected an octal number in quotes/],
    ['mount: { uid: -1 }\n', '1:15', /expected the number of a user, found the number -1$/],
    ['mount: { uid: 4294967295 }\n', '1:15', /expected the number of a user/],
    ['mount: { allowOther: yes }\n', '1:22', /expected true or false, found 'yes'$/],
    ['version: 2\n', '1:10', /^version: expected 1, found the number 2$/],
    ['- a\n', '1:1', /^expected a map of keys and values, found a list$/],
    ['cache: {}\ncache: {}\n', '2:1', /not valid YAML: .*unique/],
    ['cache: {\n', '2:1', /not valid YAML/],
    ['a: 1\n---\nb: 1\n', '2:1', /not valid YAML/],
    ['cache: !secret x\n', '1:8', /not valid YAML: Unresolved tag/],
    ['x: &a { maxSize: 1 }\ncache: *a\n', '1:1', /^unknown key x$/],
    ['cache: { maxSize: &a 1X, minFree: *a }\n', '1:22', /maxSize: expected a size .* \(and 1 more\)$/],
  ];
  for (const [yaml, place, message, hint] of errors) {
    const home = withConfig(t, yaml);
    const error = await failure(home);
    const prefix = `${home.configFile}:${place}: `;
    assert.equal(error.code, 'usage', yaml);
    assert.ok(error.message.startsWith(prefix), `${yaml}: ${error.message}`);
    assert.match(error.message.slice(prefix.length), message);
    if (hint !== undefined) assert.match(error.hint ?? '', hint);
    assert.ok(!error.message.includes('\n'), yaml);
  }
});

test('hostile files end in a plain error', async t => {
  const bomb = ['a: &a [x,x,x,x,x,x,x,x,x,x]'];
  for (let i = 1; i < 12; i++) bomb.push(`k${i}: &k${i} [${`*${i === 1 ? 'a' : `k${i - 1}`},`.repeat(10)}]`);
  const files: [string | Buffer, RegExp][] = [
    [`${bomb.join('\n')}\n`, /alias count/],
    ['cache: *nowhere\n', /alias/i],
    ['['.repeat(200_000), /nested too deeply|not valid YAML/],
    [Buffer.from([0x63, 0xff, 0xfe]), /not UTF-8/],
    ['#'.repeat(5_000_000), /larger than/],
    ['\u0000\u0001: 1\n', /./],
  ];
  for (const [content, message] of files)
    assert.match((await failure(withConfig(t, content))).message, message);
});

test('what is not a readable file is named for what it is', async t => {
  const directory = temporaryHome(t);
  mkdirSync(directory.configFile, { recursive: true });
  assert.match((await failure(directory)).message, /cannot read .*config\.yaml: it is a directory/);

  const pipe = withConfig(t, '');
  rmSync(pipe.configFile);
  assert.equal(spawnSync('mkfifo', [pipe.configFile]).status, 0);
  assert.match((await failure(pipe)).message, /it is not a regular file/);
});

test('an unreadable file is an error, not the defaults', async t => {
  const home = withConfig(t, 'cache: {}\n');
  await loadConfig(home);
  chmodSync(dirname(home.configFile), 0o755);
  chmodSync(home.configFile, 0);
  const { code, hint } = await asNobody(() => failure(home));
  assert.equal(code, 'denied');
  assert.match(hint ?? '', /permissions/);
});

test('the copy spares yaml and zod, and follows every change', async t => {
  const home = withConfig(t, 'cache: { maxSize: 1GB }\n');
  const copy = join(home.cacheDir, 'config.json');
  // A file that has just been written is not copied yet.
  for (let tries = 0; !existsSync(copy) && tries < 500; tries++) {
    assert.equal((await loadConfig(home)).cache.maxSize, 1_000_000_000);
    await setTimeout(10);
  }
  assert.equal(statSync(copy).mode & 0o777, 0o600);
  assert.equal(statSync(home.cacheDir).mode & 0o777, 0o700);
  assertNoLibraries(home);
  const read = await loadConfig(home);

  for (const damage of ['', 'null', '{"key":1}', readFileSync(copy, 'utf8').slice(0, -10)]) {
    writeFileSync(copy, damage);
    assert.deepEqual(await loadConfig(home), read);
  }
  writeFileSync(home.configFile, 'cache: { maxSize: 2GB }\n');
  assert.equal((await loadConfig(home)).cache.maxSize, 2_000_000_000);
  writeFileSync(home.configFile, 'cache: { maxSize: oh }\n');
  await failure(home);
  rmSync(home.configFile);
  assert.deepEqual(await loadConfig(home), defaultConfig());
});

test('a cache directory that cannot be made is no error', async t => {
  const home = withConfig(t, 'cache: { maxSize: 1GB }\n');
  writeFileSync(home.cacheDir, 'in the way');
  await setTimeout(150);
  assert.equal((await loadConfig(home)).cache.maxSize, 1_000_000_000);
  assert.deepEqual(readFileSync(home.cacheDir, 'utf8'), 'in the way');
});

function temporaryHome(t: TestContext): Home {
  const directory = mkdtempSync(join(tmpdir(), 'facet-config-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return resolveHome({ home: directory, env: {} });
}

function withConfig(t: TestContext, content: string | Buffer): Home {
  const home = temporaryHome(t);
  writeFileSync(home.configFile, content);
  return home;
}

async function failure(home: Home): Promise<FacetError> {
  const error: unknown = await loadConfig(home).then(
    () => undefined,
    reason => reason,
  );
  assert.ok(error instanceof FacetError, String(error));
  return error;
}

/** root reads every file, so that it has to be somebody else for a while. */
async function asNobody<T>(act: () => Promise<T>): Promise<T> {
  if (process.getuid?.() !== 0) return act();
  process.seteuid?.(65_534);
  try {
    return await act();
  } finally {
    process.seteuid?.(0);
  }
}

/** Loads the configuration in a fresh process in which `yaml` and `zod` cannot be imported. */
function assertNoLibraries(home: Home): void {
  const refusing = `export async function resolve(name, context, next) {
    if (name === 'yaml' || name === 'zod') throw new Error(name + ' was imported');
    return next(name, context);
  }`;
  const script = `
    import { register } from 'node:module';
    register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(refusing)}`)});
    const { loadConfig } = await import(${JSON.stringify(new URL('../../src/config/config.js', import.meta.url).href)});
    await loadConfig(${JSON.stringify(home)});
  `;
  const run = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  assert.equal(run.status, 0, run.stderr);
}
