/** Opening a file of a source: whatever became of the path meanwhile, nothing outside the source is ever read. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  fstatSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { FacetError, type FacetErrorCode } from '../../src/errors.js';
import { type OpenedFile, openContained } from '../../src/sources/contained.js';
import { decodeName } from '../../src/sources/file-names.js';
import { isRoot, runProgram } from '../support/processes.js';
import { temporaryFolder, writeFile, writeFiles } from '../support/temporary-folder.js';

const OPENING = new URL('./open-process.js', import.meta.url);
/** Not among Node's constants. */
const O_CLOEXEC = 0o2000000;
const BOTH = [false, true];

interface Place {
  root: string;
  outside: string;
}

/** A source with `folder/file`, and a folder beside it with a `file` that nobody may see. */
function makePlace(context: TestContext): Place {
  const above = temporaryFolder(context);
  const [root, outside] = [join(above, 'source'), join(above, 'source-not')];
  writeFile(root, 'folder/file', 'inside');
  writeFile(outside, 'file', 'outside');
  return { root, outside };
}

function contentsOf({ fd, stats }: OpenedFile): string {
  try {
    assert.deepEqual(stats.ino, fstatSync(fd).ino);
    const buffer = Buffer.alloc(stats.size);
    return buffer.toString('latin1', 0, readSync(fd, buffer));
  } finally {
    closeSync(fd);
  }
}

function assertRefused(root: string, path: string, code: FacetErrorCode, follow: boolean): void {
  assert.throws(
    () => openContained(root, path, follow),
    error => {
      assert.ok(error instanceof FacetError, String(error));
      assert.equal(error.code, code, `${error.message}, follow: ${follow}`);
      return true;
    },
  );
}

test('a file of the source is opened, with what it is', t => {
  const { root } = makePlace(t);
  for (const follow of BOTH) {
    const opened = openContained(root, 'folder/file', follow);
    assert.equal(opened.stats.size, 6);
    assert.equal(contentsOf(opened), 'inside');
  }
});

test('a descriptor is not passed on to programs that are started', t => {
  const { root } = makePlace(t);
  const { fd } = openContained(root, 'folder/file', false);
  const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '';
  closeSync(fd);
  assert.notEqual(Number.parseInt(flags, 8) & O_CLOEXEC, 0);
});

test('a file anywhere can be opened where the source is the root of the machine', t => {
  const { root } = makePlace(t);
  for (const follow of BOTH) {
    assert.equal(contentsOf(openContained('/', `${root.slice(1)}/folder/file`, follow)), 'inside');
  }
});

test('names of every kind lead to their files', t => {
  const { root } = makePlace(t);
  for (const name of ['new\nline', '😀', '-', ' ', '\\', '...', '..a', 'x'.repeat(255), 'a (deleted)']) {
    writeFile(root, `${name}/${name}`, 'x');
    for (const follow of BOTH) assert.equal(contentsOf(openContained(root, `${name}/${name}`, follow)), 'x');
  }
  const odd = Buffer.from([0x61, 0xff]);
  writeFileSync(Buffer.concat([Buffer.from(`${root}/`), odd]), 'odd');
  for (const follow of BOTH) assert.equal(contentsOf(openContained(root, decodeName(odd), follow)), 'odd');
});

test('what is gone is not-found', t => {
  const { root } = makePlace(t);
  for (const path of ['nothing', 'folder/nothing', 'nowhere/file', 'folder/file/below']) {
    for (const follow of BOTH) assertRefused(root, path, 'not-found', follow);
  }
  rmSync(root, { recursive: true });
  for (const follow of BOTH) assertRefused(root, 'folder/file', 'not-found', follow);
});

test('a folder on the way that was exchanged for a link to the outside is refused', t => {
  const { root, outside } = makePlace(t);
  renameSync(join(root, 'folder'), join(root, 'aside'));
  for (const target of [outside, '../source-not']) {
    symlinkSync(target, join(root, 'folder'));
    for (const follow of BOTH) assertRefused(root, 'folder/file', 'denied', follow);
    rmSync(join(root, 'folder'));
  }
});

test('a folder on the way that was exchanged for a link inside is followed only with follow', t => {
  const { root } = makePlace(t);
  renameSync(join(root, 'folder'), join(root, 'aside'));
  symlinkSync('aside', join(root, 'folder'));
  assertRefused(root, 'folder/file', 'denied', false);
  assert.equal(contentsOf(openContained(root, 'folder/file', true)), 'inside');
});

test('a file that was exchanged for a link is no longer that file', t => {
  const { root, outside } = makePlace(t);
  symlinkSync(join(outside, 'file'), join(root, 'link'));
  assertRefused(root, 'link', 'content-changed', false);
  assertRefused(root, 'link', 'denied', true);
  symlinkSync('folder/file', join(root, 'good'));
  assertRefused(root, 'good', 'content-changed', false);
  assert.equal(contentsOf(openContained(root, 'good', true)), 'inside');
});

test('a link in a circle is no file, and ends', t => {
  const { root } = makePlace(t);
  symlinkSync('itself', join(root, 'itself'));
  assertRefused(root, 'itself', 'content-changed', false);
  assertRefused(root, 'itself', 'content-changed', true);
});

test('a file that was exchanged for a folder, a FIFO or a socket is no longer a file, and nothing waits', async t => {
  const { root } = makePlace(t);
  mkdirSync(join(root, 'directory'));
  execFileSync('mkfifo', [join(root, 'fifo')]);
  const server = createServer().listen(join(root, 'socket'));
  await new Promise(done => server.once('listening', done));
  t.after(() => server.close());
  for (const path of ['directory', 'fifo', 'socket']) {
    for (const follow of BOTH) assertRefused(root, path, 'content-changed', follow);
  }
});

test('a file that was exchanged for a device is no longer a file', {
  skip: isRoot ? false : 'only root can make devices',
}, t => {
  const { root } = makePlace(t);
  execFileSync('mknod', [join(root, 'zero'), 'c', '1', '5']);
  for (const follow of BOTH) assertRefused(root, 'zero', 'content-changed', follow);
});

test('paths that no listing has are refused, even where they would stay inside', t => {
  const { root } = makePlace(t);
  const paths = [
    '../source-not/file',
    '..',
    '.',
    '',
    'folder/../../source-not/file',
    'folder/../folder/file',
  ];
  for (const path of [
    ...paths,
    './folder/file',
    'folder//file',
    '/folder/file',
    'folder/file/',
    'folder/.',
  ]) {
    for (const follow of BOTH) assertRefused(root, path, 'denied', follow);
  }
});

test('a path with a NUL in it leads nowhere', t => {
  const { root } = makePlace(t);
  for (const path of ['folder/file\0', 'folder/file\0.txt', 'folder/file\0/x']) {
    for (const follow of BOTH) assertRefused(root, path, 'denied', follow);
  }
});

test('a source is not left into one whose name begins alike', t => {
  const { root, outside } = makePlace(t);
  symlinkSync(join(outside, 'file'), join(root, 'alike'));
  assertRefused(root, 'alike', 'denied', true);
});

test('a hard link is a file of the source, wherever its other names are', t => {
  const { root, outside } = makePlace(t);
  linkSync(join(outside, 'file'), join(root, 'hard'));
  for (const follow of BOTH) assert.equal(contentsOf(openContained(root, 'hard', follow)), 'outside');
});

test('a root whose own path was exchanged for a link is refused', t => {
  const { root, outside } = makePlace(t);
  writeFile(outside, 'folder/file', 'outside');
  renameSync(root, `${root}-aside`);
  symlinkSync(outside, root);
  for (const follow of BOTH) assertRefused(root, 'folder/file', 'denied', follow);
});

test('a file without permission is denied', async t => {
  const { root } = makePlace(t);
  writeFiles(root, 'closed/file');
  chmodSync(join(root, 'folder/file'), 0);
  chmodSync(join(root, 'closed'), 0);
  for (const path of ['folder/file', 'closed/file']) {
    const outcomes = await runProgram<Record<string, number>>(t, OPENING, [root, path, '1'], {
      unprivileged: true,
    });
    assert.deepEqual(outcomes, { denied: 2 });
  }
});
