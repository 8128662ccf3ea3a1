/** `facet index watch`, `edit` and `log` from outside, and a mount that watches. */
import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { inPlace, type Place, type Running, until, users } from '../support/mounted.js';

const user = users.at(-1) ?? assert.fail();

interface Told {
  /** What it has printed by now. */
  lines(): Record<string, unknown>[];
  warnings(): string;
  running: Running;
}

/** Starts a command that prints JSON lines until it is told to end. */
function startTelling(place: Place, ...args: string[]): Told {
  return listenTo(place.startFacet([...args, '--json']));
}

/** Watches everything in a user namespace, with what `before` allows there. */
function startLimited(place: Place, before: string): Told {
  const script = `${before}\nexec ${place.shellCommand} index watch --json`;
  return listenTo(place.start('unshare', ['-Ur', 'sh', '-c', script]));
}

function listenTo(running: Running): Told {
  const printed = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    running.process[name]?.on('data', text => {
      printed[name] += text;
    });
  }
  const lines = () =>
    printed.stdout
      .split('\n')
      .slice(0, -1)
      .map(line => JSON.parse(line));
  return { lines, warnings: () => printed.stderr, running };
}

async function stop({ running }: Told): Promise<void> {
  running.process.kill('SIGINT');
  const { status, stderr } = await running.ended;
  assert.equal(status, 0, stderr);
}

async function untilListed(place: Place, folder: string, name: string): Promise<void> {
  const listing = async () => (await place.facet('index', 'ls', folder)).stdout;
  await until(`${folder} has ${name}`, async () => (await listing()).includes(` ${name}\n`));
}

const isScanned = ({ extent }: Record<string, unknown>) => extent === 'all';

describe('facet index watch', () => {
  it('scans, tells of each batch of changes, and ends with Ctrl-C', () =>
    inPlace(user, async place => {
      place.write('a', 'x');
      await place.done('index', 'add', 'docs', place.source);
      const told = startTelling(place, 'index', 'watch', 'docs');
      await until('it has scanned', async () => told.lines().some(isScanned));
      place.write('new/b', 'x');
      await until('it tells of the file', async () =>
        told
          .lines()
          .some(({ extent, added, source }) => extent === 'changes' && added === 1 && source === 'docs'),
      );
      await stop(told);
      assert.match(await place.done('index', 'ls', '/docs/new'), / b\n/);
    }));

  it('leaves nothing to repair when it is killed', () =>
    inPlace(user, async place => {
      place.write('a', 'x');
      await place.done('index', 'add', 'docs', place.source);
      for (let nth = 0; nth < 3; nth++) {
        const told = startTelling(place, 'index', 'watch', 'docs');
        await until('it has scanned', async () => told.lines().some(isScanned));
        for (let file = 0; file < 300; file++) place.write(`${nth}/${file % 20}/${file}`, 'x');
        told.running.process.kill('SIGKILL');
        await told.running.ended;
      }
      const { files } = JSON.parse(await place.done('index', 'scan', 'docs', '--json'));
      assert.equal(files, 901);
    }));

  it('watches what is told to be watched while it runs', () =>
    inPlace(user, async place => {
      place.write('a', 'x');
      await place.done('index', 'add', 'docs', place.source);
      const told = startTelling(place, 'index', 'watch');
      await place.done('index', 'edit', 'docs', '--watch');
      await until('it watches', async () => told.lines().some(isScanned));
      await stop(told);
    }));

  it('scans on a schedule', () =>
    inPlace(user, async place => {
      place.write('a', 'x');
      await place.done('index', 'add', 'docs', place.source, '--every', '1s');
      const told = startTelling(place, 'index', 'watch');
      await until('it has scanned twice', async () => told.lines().filter(isScanned).length >= 2);
      await stop(told);
      assert.equal(told.warnings(), '');
    }));

  it('tells of too many folders, and scans them on the schedule', () =>
    inPlace(user, async place => {
      for (let nth = 0; nth < 20; nth++) place.write(`${nth}/file`, 'x');
      await place.done('index', 'add', 'docs', place.source, '--watch', '--every', '1s');
      const told = startLimited(place, 'echo 5 > /proc/sys/user/max_inotify_watches');
      await until('it says so', async () => told.warnings().includes('max_user_watches=524288'));
      await untilListed(place, '/docs/19', 'file');
      place.write('19/new', 'x');
      await untilListed(place, '/docs/19', 'new');
      await stop(told);
    }));

  it('says when others use up the means to watch, and watches when there are more', () =>
    inPlace(user, async place => {
      place.write('a', 'x');
      await place.done('index', 'add', 'docs', place.source, '--watch');
      const limit = '/proc/sys/user/max_inotify_instances';
      const release = join(place.source, 'release');
      const later = `(until [ -e '${release}' ]; do sleep 0.05; done; echo 100 > ${limit})`;
      const told = startLimited(place, `echo 0 > ${limit}; ${later} &`);
      await until('it says so', async () => told.warnings().includes('max_user_instances=1024'));
      place.write('release', '');
      // A scan by anybody has it try again.
      await until('it watches', async () => {
        await place.done('index', 'scan');
        return told.lines().some(isScanned);
      });
      place.write('sub/new', 'x');
      await untilListed(place, '/docs/sub', 'new');
      await stop(told);
    }));

  it('refuses what makes no sense', () =>
    inPlace(user, async place => {
      await place.done('index', 'add', 'docs', place.source);
      await place.done('index', 'add', 'films', 's3://bucket/films');
      const refused = async (...args: string[]) => {
        const { status, stderr } = await place.facet('index', ...args);
        assert.match(stderr, /^facet: .+\nhint: .+\n$/);
        return status;
      };
      assert.equal(await refused('watch', 'nope'), 3);
      assert.equal(await refused('watch', 'films'), 2);
      assert.equal(await refused('edit', 'films', '--watch'), 2);
      assert.equal(await refused('edit', 'docs'), 2);
      assert.equal(await refused('edit', 'docs', '--every', '1ms'), 2);
      assert.equal(await refused('add', 'more', 's3://bucket/more', '--watch'), 2);
    }));
});

describe('facet index log', () => {
  it('prints the changes from anywhere, and follows', () =>
    inPlace(user, async place => {
      const file = place.write('a', 'x');
      mkdirSync(join(place.source, 'sub'));
      await place.index();
      appendFileSync(file, 'more');
      await place.done('index', 'scan');
      const log = async (...args: string[]) =>
        (await place.done('index', 'log', '--json', ...args))
          .trimEnd()
          .split('\n')
          .map(line => JSON.parse(line));
      const all = await log();
      assert.deepEqual(
        all.map(({ seq, kind, source, path }) => [seq, kind, source, path]),
        [
          [1, 'added', 'docs', 'a'],
          [2, 'modified', 'docs', 'a'],
        ],
      );
      assert.deepEqual(await log('--since', '1'), all.slice(1));
      assert.deepEqual(await log('--limit', '1'), all.slice(1));
      const told = startTelling(place, 'index', 'log', '--follow', '--since', '1');
      await until('it prints what there is', async () => told.lines().length === 1);
      rmSync(file);
      await place.done('index', 'scan', '--allow-shrink');
      await until('it prints what comes', async () => told.lines().at(-1)?.kind === 'deleted');
      await stop(told);
    }));
});

describe('facet mount', () => {
  it('shows what happens in sources that are watched', () =>
    inPlace(user, async place => {
      place.write('a', 'x');
      await place.done('index', 'add', 'docs', place.source, '--watch');
      const mounted = await place.mount();
      const shown = (path: string) => place.run('cat', [join(place.mountpoint, 'docs', path)]);
      await until('the first scan', async () => (await shown('a')).stdout === 'x');
      place.write('b/c', 'new');
      await until('a new file', async () => (await shown('b/c')).stdout === 'new');
      place.write('b/c', 'changed');
      await until('a changed file', async () => (await shown('b/c')).stdout === 'changed');
      assert.equal((await mounted.stop()).status, 0);
    }));
});
