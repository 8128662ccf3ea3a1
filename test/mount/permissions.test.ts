/** Who may do what in a mount: nobody writes, and reading is as the origin's permissions say. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { inPlace, type Place, root, users } from '../support/mounted.js';

/** Somebody whom permissions keep out. */
const reader = users.at(-1) ?? assert.fail();

const NOT_UTF8 = Buffer.from('not-utf8-\u00ff', 'latin1');

const NOBODY = { uid: 65534, gid: 65534 };

for (const user of users) {
  describe(`a tree that ${user.name} mounted`, () => {
    it('refuses every kind of write with EROFS, and stays as it was', () =>
      inPlace(user, async place => {
        place.write('file', 'contents');
        mkdirSync(join(place.source, 'folder'));
        symlinkSync('file', join(place.source, 'link'));
        await place.index();
        await place.mount();
        const docs = join(place.mountpoint, 'docs');
        for (const write of WRITES) {
          const { status, stderr } = await place.run('sh', ['-c', `cd '${docs}' && ${write}`]);
          assert.notEqual(status, 0, write);
          assert.match(stderr, /[Rr]ead-only file system/, write);
        }
        assert.equal(await place.output('diff', '-r', place.source, docs), '');
      }));

    it('shows the given owner, and permissions without those of writing and of the mask', () =>
      inPlace(user, async place => {
        fillModes(place);
        await place.index();
        const list = async (...options: string[]) => {
          const mounted = await place.mount(options);
          const format = '%f %m %U %G\\n';
          const printed = await place.output(
            'find',
            join(place.mountpoint, 'docs'),
            '-maxdepth',
            '1',
            '-printf',
            format,
          );
          assert.equal((await mounted.stop()).status, 0);
          return printed.trim().split('\n').sort();
        };
        const own = user.ids ?? { uid: process.getuid?.(), gid: process.getgid?.() };
        const all = (modes: string, owner: string) => modes.split(', ').map(each => `${each} ${owner}`);
        const modes = '000 400, 644 444, 755 555, docs 555, folder 510';
        assert.deepEqual(await list(), all(modes, `${own.uid} ${own.gid}`));
        assert.deepEqual(await list('--uid', '0', '--gid', '7'), all(modes, '0 7'));
        const masked = '000 400, 644 400, 755 500, docs 500, folder 500';
        assert.deepEqual(await list('--umask', '077'), all(masked, `${own.uid} ${own.gid}`));
      }));

    it('has room for everything and for nothing more', () =>
      inPlace(user, async place => {
        place.write('file', Buffer.alloc(1_000_000));
        place.write('other', Buffer.alloc(1_000_000));
        await place.index();
        await place.mount();
        const format = '%T %S %f %a %c %d %l';
        const status = await place.output('stat', '-f', '-c', format, place.mountpoint);
        assert.match(status, /^fuse\S* 4096 0 0 2 0 255\n$/);
        const df = await place.output('df', '--output=source,fstype,size,avail', place.mountpoint);
        assert.match(df, /\nfacet +fuse.facet +195\d +0\n$/);
      }));

    it('says in extended attributes where a file comes from', () =>
      inPlace(user, async place => {
        place.write('a folder/file', 'contents');
        writeFileSync(Buffer.concat([Buffer.from(`${place.source}/`), NOT_UTF8]), '');
        await place.index('--hash');
        await place.mount();
        const file = join(place.mountpoint, 'docs/a folder/file');
        const get = async (name: string) =>
          place.output('getfattr', '--only-values', '-n', `user.facet.${name}`, file);
        const { id } = JSON.parse(await place.done('index', 'stat', '/docs/a folder/file', '--json'));
        assert.equal(await get('source'), 'docs');
        assert.equal(await get('path'), 'a folder/file');
        assert.equal(await get('id'), `${id}`);
        assert.equal(await get('tier'), 'local');
        assert.equal(await get('sha256'), createHash('sha256').update('contents').digest('hex'));
        const names = await place.output('getfattr', '-d', '--absolute-names', file);
        for (const name of ['source', 'path', 'id', 'tier', 'sha256', 'version']) {
          assert.match(names, new RegExp(`^user\\.facet\\.${name}="`, 'm'));
        }
        const odd =
          'for each in "$1"/docs/not-utf8-*; do getfattr --only-values -n user.facet.path "$each"; done';
        const path = await place.succeed('sh', ['-c', odd, 'sh', place.mountpoint]);
        assert.deepEqual(path.bytes, NOT_UTF8);
        const unknown = await place.run('getfattr', ['-n', 'user.facet.unknown', file]);
        assert.match(unknown.stderr, /No such attribute/);
      }));
  });
}

describe(`a tree that ${reader.name} mounted`, () => {
  it('does not show what its user may not read at the origin', () =>
    inPlace(reader, async place => {
      place.write('closed', 'secret');
      await place.index();
      chmodSync(join(place.source, 'closed'), 0);
      await place.mount();
      const { status, stderr } = await place.run('cat', [join(place.mountpoint, 'docs/closed')]);
      assert.deepEqual([status, /Permission denied/.test(stderr)], [1, true], stderr);
    }));
});

describe('a tree that root mounted', { skip: !root && 'only root can be somebody else' }, () => {
  it('is closed to other users', () =>
    asRoot(async place => {
      await place.mount();
      const { status, stderr } = await asNobody(place, 'ls', place.mountpoint);
      assert.deepEqual([status, /Permission denied/.test(stderr)], [2, true], stderr);
    }));

  it('shows other users with --allow-other what the origin would show them', () =>
    asRoot(async place => {
      await place.mount(['--allow-other']);
      const read = (name: string) => asNobody(place, 'cat', join(place.mountpoint, 'docs', name));
      assert.equal((await read('644')).stdout, 'x');
      assert.match((await read('000')).stderr, /Permission denied/);
      assert.match((await read('folder/below')).stderr, /Permission denied/);
      const access = await asNobody(place, 'sh', '-c', ACCESS, 'sh', join(place.mountpoint, 'docs'));
      assert.equal(access.stdout, '000--- 644r-- 755r-x folder--- ');
      const write = await asNobody(place, 'touch', join(place.mountpoint, 'docs/644'));
      assert.match(write.stderr, /Permission denied|Read-only/);
    }));
});

/** Each in a folder with a file, a folder and a link. */
const WRITES = [
  'touch new',
  'touch file',
  'echo more >> file',
  'echo other > file',
  'mkdir new',
  'rmdir folder',
  'rm -f file',
  'rm link',
  'mv file new',
  'mv -T folder other',
  'mv folder/../file folder/',
  'ln file new',
  'ln -s file new',
  'mkfifo new',
  'mknod new p',
  'chmod 600 file',
  'chmod u+w folder',
  `chown ${process.getuid?.()} file`,
  'truncate -s 3 file',
  'truncate -s 0 file',
  'setfattr -n user.new -v x file',
  'setfattr -x user.facet.id file',
  'dd if=/dev/null of=file conv=notrunc',
  'fallocate -l 10 file',
  'cp file new',
  `perl -e 'open(F, "+<", "file") or die $!'`,
  `perl -e 'use Fcntl; sysopen(F, "file", O_RDWR | O_CREAT) or die $!'`,
];

const ACCESS = `cd "$1" && for each in *; do
  printf %s "$each"; for right in r w x; do test -$right "$each" && printf $right || printf -- -; done; printf ' '; done`;

function fillModes(place: Place): void {
  for (const mode of ['000', '644', '755']) chmodSync(place.write(mode, 'x'), Number.parseInt(mode, 8));
  mkdirSync(join(place.source, 'folder'));
  chmodSync(join(place.source, 'folder'), 0o710);
}

async function asRoot(body: (place: Place) => Promise<void>): Promise<void> {
  assert.ok(root);
  await inPlace(root, async place => {
    fillModes(place);
    place.write('folder/below', 'x');
    chmodSync(place.base, 0o755);
    await place.index();
    await body(place);
  });
}

function asNobody(place: Place, program: string, ...args: string[]) {
  return place.run(program, args, NOBODY);
}
