/** A remote of rclone as a user meets it, whose files others write to: real processes, and a real mount. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { inPlace, type Place, until, users } from '../support/mounted.js';

const user = users[0] ?? assert.fail();
const [one, two] = [Buffer.alloc(12_000_000, 'one '), Buffer.alloc(12_000_000, 'two ')];

/** A place with the source `r`, a remote that has `file`, whose first block is in the cache. */
function atRemote(body: (place: Place) => Promise<void>): Promise<void> {
  return inPlace(user, async place => {
    const config = join(place.base, '.config/rclone');
    mkdirSync(config, { recursive: true });
    writeFileSync(join(config, 'rclone.conf'), `[test]\ntype = alias\nremote = ${place.source}\n`);
    place.give(join(place.base, '.config'));
    place.write('file', one);
    await place.done('index', 'add', 'r', 'rclone:test:');
    await place.done('index', 'scan');
    await place.done('fetch', '/r/file', '--stdout', '--range', '0-9');
    await body(place);
  });
}

test('a file as long that took the place of another is not fetched for it', () =>
  atRemote(async place => {
    place.write('file', two);
    const out = join(place.base, 'out');
    for (const args of [
      ['-o', out],
      ['--stdout', '--range', '9000000-9000009'],
    ]) {
      const { status, stdout, stderr } = await place.facet('fetch', '/r/file', ...args);
      assert.deepEqual([status, stdout], [1, ''], args.join(' '));
      assert.match(stderr, /not the file it was any more\nhint: .*facet index scan/);
    }
    assert.equal(existsSync(out), false);
    await place.done('index', 'scan');
    await place.done('fetch', '/r/file', '-o', out);
    assert.ok(readFileSync(out).equals(two));
  }));

test('nor read for it through a mount, which learns of the new one', () =>
  atRemote(async place => {
    const { mountpoint, stop } = await place.mount();
    place.write('file', two);
    const script = 'dd if="$1" bs=1M skip=8 count=1 status=none';
    const read = () => place.run('bash', ['-c', script, 'sh', join(mountpoint, 'r/file')]);
    const early = await read();
    assert.deepEqual([early.status, early.stdout], [1, '']);
    assert.match(early.stderr, /Stale file handle/);
    await until('the new version is read', async () => (await read()).stdout.startsWith('two '));
    const { status, stderr } = await stop();
    assert.equal(status, 0);
    assert.match(stderr, /cannot read .*file: .* is not the file it was any more/);
  }));
