/** Recognising facet's own mounts. Those made here have nobody who answers: whatever touches one would wait for ever. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { FacetError } from '../../src/errors.js';
import { openMount } from '../../src/mount/kernel/fusermount.js';
import { facetMountDevice, facetMounts } from '../../src/sources/facet-mounts.js';
import { openRoot } from '../../src/sources/local.js';
import { runProgram } from '../support/processes.js';
import { makeFolder, removeFolder, writeFiles } from '../support/temporary-folder.js';

const CRAWLING = new URL('./crawl-process.js', import.meta.url);
const PATIENCE_MS = 20_000;

interface Mounts {
  /** A folder for mountpoints. */
  folder: string;
  mount(name: string, subtype?: string): Promise<string>;
  unmountAll(): void;
}

/** Everything mounted is unmounted when the test is over. */
function makeMounts(context: TestContext): Mounts {
  const folder = makeFolder();
  const open = new Map<string, number>();
  const mounts: Mounts = {
    folder,
    async mount(name, subtype = 'facet') {
      const mountpoint = join(folder, name);
      mkdirSync(mountpoint, { recursive: true });
      open.set(mountpoint, await openMount(mountpoint, { fsname: 'test', subtype, maxRead: 131_072 }));
      return mountpoint;
    },
    unmountAll() {
      for (const [mountpoint, device] of open) {
        closeSync(device);
        const command = ['fusermount3', '-uzq', '--', mountpoint];
        if (spawnSync(command[0] ?? '', command.slice(1)).status !== 0)
          spawnSync('umount', ['-l', mountpoint]);
      }
      open.clear();
    },
  };
  context.after(() => {
    mounts.unmountAll();
    removeFolder(folder);
  });
  return mounts;
}

/** Crawls in a process of its own. One that waits for a mount fails when that is taken away. */
async function crawl(context: TestContext, folder: string, unmountAll: () => void): Promise<unknown> {
  const patience = setTimeout(unmountAll, PATIENCE_MS);
  try {
    return await runProgram(context, CRAWLING, [folder]);
  } finally {
    clearTimeout(patience);
  }
}

test('mounts of facet are known by their paths, whatever characters these have', async t => {
  const { folder, mount, unmountAll } = makeMounts(t);
  const names = [
    'plain',
    'with space',
    'tab\tbed',
    'new\nline',
    'back\\slash',
    'octal\\040',
    '- dash',
    '#hash',
    'é 写',
    'a,b=c',
  ];
  const mounted: string[] = [];
  for (const name of names) mounted.push(await mount(name));
  const known = facetMounts().filter(each => each.startsWith(folder));
  assert.deepEqual(known.sort(), mounted.sort());
  for (const mountpoint of mounted) assert.match(facetMountDevice(mountpoint) ?? '', /^\d+:\d+$/);
  unmountAll();
  assert.deepEqual(
    facetMounts().filter(each => each.startsWith(folder)),
    [],
  );
});

test('mounts of others are none of facet', async t => {
  const { folder, mount } = makeMounts(t);
  await mount('other', 'facetious');
  assert.deepEqual(
    facetMounts().filter(each => each.startsWith(folder)),
    [],
  );
  assert.equal(facetMountDevice(join(folder, 'other')), undefined);
  assert.equal(facetMountDevice('/'), undefined);
});

test('a mount inside a source is not part of it, and not touched', async t => {
  const { folder, mount, unmountAll } = makeMounts(t);
  writeFiles(folder, 'a', 'below/b');
  await mount('below/mnt');
  assert.deepEqual(await crawl(t, folder, unmountAll), { listed: ['a', 'below/b'], unreadable: [] });
});

test('a folder inside a mount is refused as a root before anything touches it', async t => {
  const { mount } = makeMounts(t);
  const mountpoint = await mount('mnt');
  for (const path of [mountpoint, join(mountpoint, 'a/b'), join(mountpoint, 'x/../y')]) {
    assert.throws(
      () => openRoot(path),
      error =>
        error instanceof FacetError &&
        error.code === 'usage' &&
        error.message.includes('inside the facet mount'),
    );
  }
});

test('a mount below a folder whose name is not UTF-8 is known by the name that a crawl gives it', async t => {
  const { folder, mount, unmountAll } = makeMounts(t);
  await mount('odd/mnt');
  const odd = Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff])]);
  renameSync(join(folder, 'odd'), odd);
  try {
    assert.deepEqual(
      facetMounts().filter(each => each.startsWith(folder)),
      [`${folder}/\uefff/mnt`],
    );
    assert.deepEqual(await crawl(t, folder, unmountAll), { listed: [], unreadable: [] });
  } finally {
    renameSync(odd, join(folder, 'odd'));
  }
});
