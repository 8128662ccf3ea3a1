/** `facet mount` as a command: what it shows while it runs, and the settings it takes from config.yaml. */
import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { inPlace, mountsBelow, until, users } from '../support/mounted.js';

const user = users.at(-1) ?? assert.fail();

const HOSTILE = '\u001b[2J\u001b]0;title\u0007\u009b31m';

describe('facet mount on a terminal', () => {
  it('shows a panel that no name can take over, until Ctrl-C', () =>
    inPlace(user, async place => {
      const file = place.write(`hostile ${HOSTILE}`, 'x');
      await place.index();
      const terminal = place.start(
        'script',
        ['-qec', `stty cols 200 rows 50; exec ${place.shellCommand} mount mnt`, '/dev/null'],
        {
          env: { SHELL: '/bin/sh', TERM: 'xterm' },
          stdio: ['pipe', 'pipe', 'pipe'],
        },
      );
      let shown = '';
      terminal.process.stdout?.on('data', text => {
        shown += text;
      });
      await until('there is a panel', async () => shown.includes('so far'));
      appendFileSync(file, 'more');
      await place.done('index', 'scan');
      await until('it shows the change', async () => shown.includes('modified docs:hostile')).catch(e => {
        console.error(JSON.stringify(shown.slice(-900).replaceAll('─', '')));
        throw e;
      });
      terminal.process.stdin?.write('\u0003');
      const { status } = await terminal.ended;
      assert.equal(status, 0);
      assert.deepEqual(mountsBelow(place.base), []);
      assert.ok(
        !shown.includes('\u001b]') && !shown.includes('\u0007') && !shown.includes('\u009b'),
        JSON.stringify(shown),
      );
    }));
});

describe('facet mount', () => {
  it('takes its defaults from config.yaml', () =>
    inPlace(user, async place => {
      place.write('file', 'x');
      await place.index();
      writeFileSync(join(place.home, 'config.yaml'), 'mount:\n  gid: 7\n  umask: "077"\n');
      place.give(place.home);
      const shown = async (...options: string[]) => {
        const mounted = await place.mount(options);
        const stat = await place.output('stat', '-c', '%a %g', join(place.mountpoint, 'docs/file'));
        assert.equal((await mounted.stop()).status, 0);
        return stat;
      };
      assert.equal(await shown(), '400 7\n');
      assert.equal(await shown('--gid', '8', '--umask', '0'), '444 8\n');
      writeFileSync(join(place.home, 'config.yaml'), 'mount:\n  umask: nonsense\n');
      const { status, stderr } = await place.facet('mount', place.mountpoint);
      assert.equal(status, 2);
      assert.match(stderr, /config\.yaml:2.*umask/);
    }));

  it('stays when nobody reads what it prints', () =>
    inPlace(user, async place => {
      place.write('file', 'x');
      await place.index();
      const line = `{ ${place.shellCommand} mount mnt --json; echo ended >&2; } | head -1`;
      const piped = place.start('bash', ['-c', line]);
      const file = join(place.mountpoint, 'docs/file');
      await until('it is mounted', async () => (await place.run('cat', [file])).stdout === 'x');
      await place.output('fusermount3', '-u', place.mountpoint);
      const { stdout, stderr } = await piped.ended;
      assert.equal(JSON.parse(stdout).event, 'mounted');
      assert.equal(stderr, 'ended\n');
    }));

  it('needs user_allow_other in /etc/fuse.conf to let others in, unless root mounts', async () => {
    await inPlace(user, async place => {
      mkdirSync(join(place.source, 'folder'));
      await place.index();
      const allowed = await place.run('grep', ['-q', '^user_allow_other', '/etc/fuse.conf']);
      if (allowed.status === 0) {
        const mounted = await place.mount(['--allow-other']);
        assert.equal((await mounted.stop()).status, 0);
        return;
      }
      const { status, stderr } = await place.facet('mount', '--allow-other', place.mountpoint);
      assert.equal(status, 1);
      assert.match(stderr, /user_allow_other.*\nhint: .*\/etc\/fuse\.conf/);
    });
  });
});
