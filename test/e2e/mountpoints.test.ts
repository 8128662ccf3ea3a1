/** What a mount leaves behind, whoever ends it and however: nothing. Where a tree can be mounted is in test/mount. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { inPlace, mountsBelow, type Place, until, users } from '../support/mounted.js';

async function withFile(
  body: (place: Place) => Promise<void>,
  user = users[0] ?? assert.fail(),
): Promise<void> {
  await inPlace(user, async place => {
    place.write('file', 'contents');
    await place.index();
    await body(place);
  });
}

const readsThrough = async (place: Place, mountpoint: string) =>
  assert.equal(await place.output('cat', '--', join(mountpoint, 'docs/file')), 'contents');

/** The processes of the group that a facet was started in: itself, and whatever it started. */
function processesOf({ pid }: ChildProcess): string[] {
  const table = execFileSync('ps', ['-eo', 'pgid=,stat=,args='], { encoding: 'utf8' }).split('\n');
  return table.map(line => line.trim()).filter(line => line.startsWith(`${pid} `) && !/^\d+ Z/.test(line));
}

function assertNothingIsLeft(place: Place, process: ChildProcess): void {
  assert.deepEqual(mountsBelow(place.base), []);
  assert.deepEqual(processesOf(process), []);
  assert.deepEqual(readdirSync(place.mountpoint), []);
}

describe('nothing is mounted and no process is left', () => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    it(`after ${signal}`, () =>
      withFile(async place => {
        const mounted = await place.mount();
        await readsThrough(place, place.mountpoint);
        assert.notDeepEqual(processesOf(mounted.process), []);
        assert.equal((await mounted.stop(signal)).status, 0);
        assertNothingIsLeft(place, mounted.process);
      }));
  }

  it('after fusermount3 -u, and after umount by root', () =>
    withFile(async place => {
      const ways = [['fusermount3', '-u'], ...(users.length > 1 ? [['umount']] : [])];
      for (const [program = '', ...args] of ways) {
        const mounted = await place.mount();
        await place.output(program, ...args, place.mountpoint);
        const { status, stderr } = await mounted.ended;
        assert.deepEqual([status, stderr], [0, '']);
        assertNothingIsLeft(place, mounted.process);
      }
    }));

  it('after two signals while a shell has its folder there', () =>
    withFile(async place => {
      const mounted = await place.mount();
      const inside = join(place.mountpoint, 'docs');
      const holder = place.start('sh', [
        '-c',
        'cd "$1" && echo > "$2/there" && exec sleep 60',
        'sh',
        inside,
        place.base,
      ]);
      await until('it is there', async () => existsSync(join(place.base, 'there')));
      let told = '';
      mounted.process.stderr?.on('data', piece => {
        told += piece;
      });
      mounted.process.kill('SIGTERM');
      await until('it is told', async () => told.includes('\n'));
      const { warning } = JSON.parse(told);
      assert.match(warning.message, new RegExp(`in use by \\w+ \\(${holder.process.pid}\\)`));
      assert.deepEqual(mountsBelow(place.base), [place.mountpoint], 'it stays');
      assert.equal((await mounted.stop('SIGTERM')).status, 0);
      assertNothingIsLeft(place, mounted.process);
    }));

  it('after kill -9, once somebody mounts there again: as often as that happens', () =>
    withFile(async place => {
      for (let round = 0; round < 3; round++) {
        const killed = await place.mount();
        await readsThrough(place, place.mountpoint);
        killed.process.kill('SIGKILL');
        await killed.ended;
        assert.deepEqual(processesOf(killed.process), []);
        assert.equal(mountsBelow(place.base).length, 1, 'a dead mount never hides another');
      }
      const last = await place.mount();
      await readsThrough(place, place.mountpoint);
      assert.equal((await last.stop()).status, 0);
      assertNothingIsLeft(place, last.process);
    }));
});

describe('a mountpoint of any name', () => {
  const names = ['-o', '.hidden', ' ', 'comma,ro', 'back\\slash\\040', 'new\nline', '🎬', 'x'.repeat(255)];

  it('is mounted on, read, found dead, taken over, and unmounted', () =>
    withFile(async place => {
      for (const name of names) {
        const folder = join(place.base, 'names', name);
        mkdirSync(folder, { recursive: true });
        const killed = await place.mount([], folder);
        await readsThrough(place, folder);
        killed.process.kill('SIGKILL');
        await killed.ended;
        const next = await place.mount([], folder);
        await readsThrough(place, folder);
        assert.equal((await next.stop()).status, 0);
        assert.deepEqual(mountsBelow(place.base), [], JSON.stringify(name));
      }
    }));

  it('that begins with a dash is taken after --', () =>
    withFile(async place => {
      mkdirSync(join(place.base, '-dir'));
      const mounted = await place.mount([], '-dir');
      await readsThrough(place, join(place.base, '-dir'));
      assert.equal((await mounted.stop()).status, 0);
      const { status, stderr } = await place.facet('mount', '-dir');
      assert.equal(status, 2);
      assert.match(stderr, /unknown option/);
    }));

  it('through a link, and never over a source, however it is written', () =>
    withFile(async place => {
      symlinkSync(place.mountpoint, join(place.base, 'link'));
      symlinkSync(place.source, join(place.base, 'to-source'));
      symlinkSync('.', join(place.base, 'above'));
      for (const path of ['to-source', 'above', 'above/source', 'mnt/../source/.']) {
        const { status, stderr } = await place.facet('mount', path);
        assert.equal(status, 2, path);
        assert.match(stderr, /would hide the source .*\nhint: /);
      }
      const mounted = await place.mount([], 'link');
      await readsThrough(place, place.mountpoint);
      const { status, stderr } = await place.facet('mount', 'link', '--json');
      assert.deepEqual([status, JSON.parse(stderr).error.code], [7, 'in-use']);
      await readsThrough(place, place.mountpoint);
      assert.equal((await mounted.stop()).status, 0);
    }));
});
