/** Where a tree can be mounted, and where not; how a mount ends. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { inPlace, mountsBelow, type Place, until, users } from '../support/mounted.js';

const user = users.at(-1) ?? assert.fail();

async function withFile(body: (place: Place) => Promise<void>): Promise<void> {
  await inPlace(user, async place => {
    place.write('file', 'contents');
    await place.index();
    await body(place);
  });
}

/** A folder of the place's user. */
function folder(place: Place, name: string): string {
  const path = join(place.base, name);
  mkdirSync(path, { recursive: true });
  place.give(path);
  return path;
}

async function refused(place: Place, mountpoint: string, status: number, message: RegExp): Promise<void> {
  const result = await place.facet('mount', '--', mountpoint);
  assert.equal(result.stdout, '');
  assert.match(result.stderr, message);
  assert.match(result.stderr, /\nhint: /);
  assert.equal(result.status, status, result.stderr);
}

describe('a mountpoint', () => {
  it('may have any name', () =>
    withFile(async place => {
      for (const name of [
        'with space',
        'with,comma',
        'back\\slash',
        'new\nline',
        '-dash',
        'ü',
        'quo\'t"e',
        '%41',
      ]) {
        const mounted = await place.mount([], folder(place, name));
        assert.equal(await place.output('cat', join(mounted.mountpoint, 'docs/file')), 'contents');
        assert.equal((await mounted.stop()).status, 0);
        assert.deepEqual(mountsBelow(place.base), []);
      }
    }));

  it('may be given relative to the current folder, and through a link', () =>
    withFile(async place => {
      symlinkSync(place.mountpoint, join(place.base, 'link'));
      for (const name of ['mnt', './mnt/', `../${basename(place.base)}/mnt`, 'link']) {
        const mounted = await place.mount([], name);
        assert.deepEqual(mountsBelow(place.base), [place.mountpoint]);
        await refused(place, place.mountpoint, 7, /already/);
        assert.equal((await mounted.stop()).status, 0);
        assert.deepEqual(mountsBelow(place.base), []);
      }
    }));

  it('is refused when it is missing, a file, not empty, or mounted already', () =>
    withFile(async place => {
      await refused(place, join(place.base, 'missing'), 3, /does not exist\nhint: create it/);
      await refused(place, join(place.base, 'missing/below'), 3, /missing/);
      await refused(place, join(place.source, 'file'), 2, /is not a folder/);
      writeFileSync(join(folder(place, 'full'), 'file'), '');
      await refused(place, join(place.base, 'full'), 1, /is not empty/);
      await place.mount();
      await refused(place, place.mountpoint, 7, /is a facet mount already/);
      assert.equal(await place.output('cat', join(place.mountpoint, 'docs/file')), 'contents');
    }));

  it('is refused when it would hide a source', () =>
    withFile(async place => {
      await refused(place, place.source, 2, /would hide the source/);
      await refused(place, place.base, 2, /would hide the source/);
    }));

  it('may be inside a source, which does not list it', () =>
    withFile(async place => {
      const inside = folder(place, 'source/folder/mnt');
      await place.mount([], inside);
      const scanned = JSON.parse(await place.done('index', 'scan', '--json'));
      assert.equal(scanned.files, 1);
      const found = await until('the scan shows', async () => {
        const lines = await place.output('find', inside, '-printf', '%P\n');
        return lines.includes('folder') && lines;
      });
      assert.deepEqual(found.trim().split('\n').sort(), ['docs', 'docs/file', 'docs/folder']);
    }));

  it('has no source inside it', () =>
    withFile(async place => {
      await place.mount();
      for (const path of [place.mountpoint, join(place.mountpoint, 'docs')]) {
        const { status, stderr } = await place.facet('index', 'add', 'again', path);
        assert.equal(status, 2);
        assert.match(stderr, /is inside the facet mount .*\nhint: /);
      }
      symlinkSync(join(place.mountpoint, 'docs'), join(place.base, 'link'));
      const { status, stderr } = await place.facet('index', 'add', 'again', join(place.base, 'link'));
      assert.deepEqual([status, /is inside the facet mount/.test(stderr)], [2, true], stderr);
    }));

  for (const follow of [[], ['--follow']]) {
    it(`does not wait for itself where a source was bent into it ${follow}`, () =>
      inPlace(user, async place => {
        for (const name of ['sub/file', 'other/file', 'link/file']) place.write(name, 'contents');
        place.give();
        await place.done('index', 'add', 'docs', place.source, ...follow);
        await place.done('index', 'scan');
        const mounted = await place.mount();
        const docs = join(place.mountpoint, 'docs');
        assert.equal(await place.output('cat', join(docs, 'other/file')), 'contents');
        rmSync(join(place.source, 'sub'), { recursive: true });
        symlinkSync(join(docs, 'other'), join(place.source, 'sub'));
        rmSync(join(place.source, 'link/file'));
        symlinkSync(join(docs, 'other/file'), join(place.source, 'link/file'));
        for (const name of ['sub/file', 'link/file']) {
          const { status, signal, stdout } = await place.run('timeout', [
            '-s',
            'KILL',
            '5',
            'cat',
            join(docs, name),
          ]);
          assert.deepEqual([status, signal, stdout], [1, null, ''], name);
        }
        rmSync(place.source, { recursive: true });
        symlinkSync(docs, place.source);
        const { status } = await place.run('timeout', ['-s', 'KILL', '5', 'cat', join(docs, 'other/file')]);
        assert.equal(status, 1);
        assert.equal((await mounted.stop()).status, 0);
      }));
  }

  it('is taken over from a facet that was killed', () =>
    withFile(async place => {
      const killed = await place.mount();
      // The kernel goes on saying what it was told.
      await place.output('stat', place.mountpoint);
      killed.process.kill('SIGKILL');
      await killed.ended;
      assert.match((await place.run('ls', [place.mountpoint])).stderr, /not connected/);
      const next = await place.mount();
      assert.equal(await place.output('cat', join(place.mountpoint, 'docs/file')), 'contents');
      const { status, stderr } = await next.stop();
      assert.equal(status, 0);
      assert.match(stderr, /left behind by a facet that was killed/);
      assert.deepEqual(mountsBelow(place.base), []);
    }));
});

describe('a mount', () => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    it(`is unmounted by ${signal}, and facet ends with status 0`, () =>
      withFile(async place => {
        const mounted = await place.mount();
        await place.output('cat', join(place.mountpoint, 'docs/file'));
        const { status, stderr } = await mounted.stop(signal);
        assert.deepEqual([status, stderr], [0, '']);
        assert.deepEqual(mountsBelow(place.base), []);
      }));
  }

  it('ends with status 0 when somebody else unmounts it', () =>
    withFile(async place => {
      const mounted = await place.mount();
      await place.output('fusermount3', '-u', place.mountpoint);
      assert.deepEqual([(await mounted.ended).status, (await mounted.ended).stderr], [0, '']);
    }));

  it('is not left behind when facet is told to stop while it begins', () =>
    withFile(async place => {
      for (const delay of [40, 60, 80, 100, 120, 150, 200, 300]) {
        const begun = place.startFacet(['mount', place.mountpoint]);
        await wait(delay);
        begun.process.kill('SIGTERM');
        const { status } = await Promise.race([
          begun.ended,
          wait(5_000, { status: 'not ended' }, { ref: false }),
        ]);
        assert.ok(status === 0 || status === 130 || status === null, `${status} after ${delay} ms`);
        assert.deepEqual(mountsBelow(place.base), []);
      }
    }));

  it('that is in use stays, says who uses it, and goes at the second signal', () =>
    withFile(async place => {
      const mounted = await place.mount();
      const file = join(place.mountpoint, 'docs/file');
      const holder = place.start('perl', ['-e', HOLD, file, place.base]);
      await until(
        'the file is open',
        async () => (await place.run('test', ['-e', join(place.base, 'open')])).status === 0,
      );
      let told = '';
      mounted.process.stderr?.on('data', piece => {
        told += piece;
      });
      mounted.process.kill('SIGINT');
      await until('it is told', async () => told.includes('\n'));
      assert.match(told, new RegExp(`in use by perl \\(${holder.process.pid}\\)`));
      assert.equal(await place.output('cat', file), 'contents');
      const { status } = await mounted.stop('SIGINT');
      assert.equal(status, 0);
      assert.deepEqual(mountsBelow(place.base), []);
      holder.process.kill('SIGTERM');
      assert.equal((await holder.ended).status, 0, 'the holder was stuck');
    }));

  it('goes on, or fails clearly, when its catalog is gone, closed or damaged', () =>
    withFile(async place => {
      const catalog = join(place.home, 'catalog.db');
      const damages: Record<string, () => unknown> = {
        closed: () => chmodSync(catalog, 0),
        renamed: () => place.output('mv', catalog, `${catalog}.away`),
        'cut off': () => truncateSync(`${catalog}.away`, 0),
      };
      const mounted = await place.mount();
      const look = () =>
        place.run('sh', [
          '-c',
          'ls -R "$1"; cat "$1/docs/file"; stat "$1/docs/nothing"',
          'sh',
          place.mountpoint,
        ]);
      for (const [name, damage] of Object.entries(damages)) {
        await damage();
        const { signal } = await look();
        assert.equal(signal, null, name);
      }
      assert.equal((await mounted.stop()).status, 0);
    }));
});

describe('facet mount', () => {
  it('says what is wrong with the catalog', () =>
    inPlace(user, async place => {
      await refused(place, place.mountpoint, 3, /there is no catalog|there are no sources/);
      place.write('file', '');
      await place.index();
      const catalog = join(place.home, 'catalog.db');
      await place.done('index', 'ls');
      const broken = 'this is no database at all'.repeat(100);
      for (const file of [catalog, `${catalog}-wal`]) writeFileSync(file, file === catalog ? broken : '');
      await refused(place, place.mountpoint, 6, /not a catalog, or damaged/);
    }));

  it('says what it did: as one JSON object, and nothing at all without a terminal', () =>
    withFile(async place => {
      const silent = place.startFacet(['mount', place.mountpoint]);
      await until(
        'it is mounted',
        async () => (await place.run('test', ['-e', join(place.mountpoint, 'docs')])).status === 0,
      );
      silent.process.kill('SIGINT');
      const { status, stdout, stderr } = await silent.ended;
      assert.deepEqual([status, stdout, stderr], [0, '', '']);
      const told = await (await place.mount()).stop();
      assert.deepEqual(JSON.parse(told.stdout.split('\n')[0] ?? ''), {
        event: 'mounted',
        mountpoint: place.mountpoint,
      });
    }));
});

/** Holds a file open until it is told to end. */
const HOLD = `open(my $f, '<', $ARGV[0]) or die; $SIG{TERM} = sub { exit 0 };
  open(my $mark, '>', "$ARGV[1]/open"); close $mark; sleep 1 while 1;`;
