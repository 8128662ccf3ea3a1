/** What a crawl of a real folder lists, leaves out and reports. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { Crawler, type CrawlOptions } from '../../src/sources/crawl.js';
import { decodeName, encodeName } from '../../src/sources/file-names.js';
import { modifiedUs } from '../../src/sources/local.js';
import { attributesAt, type FolderListing, nothingSkipped } from '../../src/sources/source.js';
import { isRoot, runProgram } from '../support/processes.js';
import { temporaryFolder, writeFile, writeFiles } from '../support/temporary-folder.js';

const CRAWLING = new URL('./crawl-process.js', import.meta.url);

function crawlerOf(root: string, options: Partial<CrawlOptions> = {}): Crawler {
  return new Crawler({ root, include: [], exclude: [], follow: false, ...options });
}

interface Crawl {
  crawler: Crawler;
  listings: FolderListing[];
  /** Folders with a slash at the end, files, and links with where they lead: `a -> b`. */
  paths: string[];
}

function crawl(root: string, options?: Partial<CrawlOptions>): Crawl {
  const crawler = crawlerOf(root, options);
  const listings = [...crawler.folders()];
  return { crawler, listings, paths: listings.flatMap(pathsIn).sort() };
}

function pathsIn({ path, names, targets }: FolderListing): string[] {
  const prefix = path === '' ? '' : `${path}/`;
  const inside = names.map((name, at) => prefix + name + (targets.has(at) ? ` -> ${targets.get(at)}` : ''));
  return path === '' ? inside : [prefix, ...inside];
}

const NOTHING_SKIPPED = nothingSkipped();

test('every folder and file is listed once, folders above before those below', t => {
  const root = temporaryFolder(t);
  writeFiles(root, 'b', 'a', 'x/c', 'x/y/d', 'z/e');
  mkdirSync(join(root, 'empty'));
  const { crawler, listings, paths } = crawl(root);
  assert.deepEqual(paths, ['a', 'b', 'empty/', 'x/', 'x/c', 'x/y/', 'x/y/d', 'z/', 'z/e']);
  assert.deepEqual(
    listings.map(listing => listing.path),
    ['', 'empty', 'x', 'x/y', 'z'],
  );
  assert.deepEqual(crawler.skipped, NOTHING_SKIPPED);
  assert.deepEqual(crawler.unreadable, []);
});

test('attributes are those of lstat', t => {
  const root = temporaryFolder(t);
  const file = writeFile(root, 'x/a', 'twelve bytes');
  chmodSync(file, 0o640);
  symlinkSync('nowhere', join(root, 'x/link'));
  utimesSync(file, 1_600_000_000.5, 1_600_000_000.123_456);
  const listing = crawl(root).listings.find(each => each.path === 'x');
  assert.ok(listing);
  for (const [at, name] of ['a', 'link'].entries()) {
    const stats = lstatSync(join(root, 'x', name));
    const { size, mode, dev, ino } = stats;
    const mtimeUs = modifiedUs(stats);
    const target = name === 'link' ? 'nowhere' : null;
    assert.deepEqual(attributesAt(listing, at), {
      ...{ size, mtimeUs, mode, dev, ino, target },
      ...{ version: null, key: null },
    });
  }
  const folder = lstatSync(join(root, 'x'));
  assert.deepEqual([listing.mode, listing.mtimeUs], [folder.mode, modifiedUs(folder)]);
});

test('names of every kind are listed and lead back to their files', t => {
  const root = temporaryFolder(t);
  const names = [
    'new\nline',
    `"it's"`,
    '😀🎬',
    '-rf',
    '--',
    ' ',
    '\t',
    '\\',
    'a\u0301',
    '*?[x]',
    '\u001b[31m',
    '%00',
    '#',
    'x'.repeat(255),
  ];
  for (const name of names) {
    mkdirSync(join(root, name));
    writeFileSync(join(root, name, name), '');
  }
  const { paths, crawler } = crawl(root);
  assert.deepEqual(paths, names.flatMap(name => [`${name}/`, `${name}/${name}`]).sort());
  assert.equal(crawler.skipped.notUtf8, 0);
});

test('names that are not UTF-8 are listed, counted, and lead back to their files', t => {
  const root = temporaryFolder(t);
  const names = [[0xff], [0x61, 0xe9, 0x62], [0xc3], [0xed, 0xa0, 0x80], Array(255).fill(0xfe)].map(
    Buffer.from,
  );
  const at = (...parts: Buffer[]) => Buffer.concat(parts.flatMap(part => [Buffer.from('/'), part]).slice(1));
  for (const name of names) {
    mkdirSync(at(Buffer.from(root), name));
    writeFileSync(at(Buffer.from(root), name, name), '');
    symlinkSync(name, at(Buffer.from(root), name, Buffer.from('link')));
  }
  const { paths, crawler, listings } = crawl(root);
  const shown = names.map(decodeName);
  const expected = shown.flatMap(name => [`${name}/`, `${name}/${name}`, `${name}/link -> ${name}`]);
  assert.deepEqual(paths, expected.sort());
  assert.equal(crawler.skipped.notUtf8, 2 * names.length);
  for (const { path } of listings) assert.ok(lstatSync(encodeName(`${root}/${path}`)).isDirectory());
});

test('names that look like escaped bytes are not taken for them', t => {
  const root = temporaryFolder(t);
  writeFileSync(join(root, '\uefff'), '');
  writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0xff])]), '');
  const { listings } = crawl(root);
  const names = listings[0]?.names ?? [];
  assert.equal(names.length, 2);
  const onDisk = readdirSync(root, { encoding: 'buffer' }).map(name => name.toString('hex'));
  assert.deepEqual(names.map(name => encodeName(name).toString('hex')).sort(), onDisk.sort());
});

test('FIFOs and sockets are left out and counted', async t => {
  const root = temporaryFolder(t);
  writeFiles(root, 'a');
  execFileSync('mkfifo', [join(root, 'fifo')]);
  const server = createServer().listen(join(root, 'socket'));
  await new Promise(done => server.once('listening', done));
  t.after(() => server.close());
  const { paths, crawler } = crawl(root);
  assert.deepEqual(paths, ['a']);
  assert.deepEqual(crawler.skipped, { ...NOTHING_SKIPPED, special: 2 });
});

test('devices are left out and counted', { skip: isRoot ? false : 'only root can make devices' }, t => {
  const root = temporaryFolder(t);
  execFileSync('mknod', [join(root, 'null'), 'c', '1', '3']);
  execFileSync('mknod', [join(root, 'loop'), 'b', '7', '0']);
  const { paths, crawler } = crawl(root);
  assert.deepEqual(paths, []);
  assert.equal(crawler.skipped.special, 2);
});

test('a hard link is a file of its own', t => {
  const root = temporaryFolder(t);
  linkSync(writeFile(root, 'a'), join(root, 'b'));
  assert.deepEqual(crawl(root).paths, ['a', 'b']);
});

test('links are listed as links, wherever they lead, and not entered', t => {
  const root = temporaryFolder(t);
  writeFiles(root, 'folder/a');
  const targets = {
    dangling: 'nowhere',
    itself: 'itself',
    up: '..',
    inside: 'folder',
    out: '/etc',
    file: 'folder/a',
  };
  for (const [name, target] of Object.entries(targets)) symlinkSync(target, join(root, name));
  const { paths, crawler } = crawl(root);
  const links = Object.entries(targets).map(([name, target]) => `${name} -> ${target}`);
  assert.deepEqual(paths, ['folder/', 'folder/a', ...links].sort());
  assert.deepEqual(crawler.skipped, NOTHING_SKIPPED);
});

test('with follow, links inside the source are listed as what they lead to', t => {
  const root = temporaryFolder(t);
  writeFiles(root, 'folder/a', 'folder/below/b');
  symlinkSync('folder', join(root, 'linked'));
  symlinkSync('folder/a', join(root, 'file'));
  symlinkSync('linked', join(root, 'twice'));
  const { paths, crawler, listings } = crawl(root, { follow: true });
  const folder = ['/', '/a', '/below/', '/below/b'];
  assert.deepEqual(
    paths,
    ['file', ...['folder', 'linked', 'twice'].flatMap(name => folder.map(rest => name + rest))].sort(),
  );
  const size = listings[0] && attributesAt(listings[0], 0).size;
  assert.equal(size, 'folder/a'.length, 'of the file, not of the link');
  assert.equal(crawler.skipped.linksNotFollowed, 0);
});

test('with follow, links that lead out, nowhere, to themselves or to a folder above stay links', t => {
  const outside = temporaryFolder(t);
  writeFiles(outside, 'secret');
  const root = join(outside, 'source');
  writeFiles(root, 'a/b/c');
  const links = {
    'a/b/out': '../../..',
    'a/b/secret': '../../../secret',
    'a/b/absolute': '/etc/passwd',
    'a/b/up': '../..',
    'a/b/here': '.',
    'a/b/dangling': 'nowhere',
    'a/b/itself': 'itself',
    neighbour: `${root}-not`,
  };
  mkdirSync(`${root}-not`);
  for (const [path, target] of Object.entries(links)) symlinkSync(target, join(root, path));
  const { paths, crawler } = crawl(root, { follow: true });
  const expected = Object.entries(links).map(([path, target]) => `${path} -> ${target}`);
  assert.deepEqual(paths, ['a/', 'a/b/', 'a/b/c', ...expected].sort());
  assert.equal(crawler.skipped.linksNotFollowed, expected.length);
});

test('with follow, folders that link to each other end', t => {
  const root = temporaryFolder(t);
  writeFiles(root, 'a/x', 'b/y');
  symlinkSync('../b', join(root, 'a/to-b'));
  symlinkSync('../a', join(root, 'b/to-a'));
  assert.deepEqual(
    crawl(root, { follow: true }).paths,
    ['a/', 'a/to-b/', 'a/to-b/to-a -> ../a', 'a/to-b/y', 'a/x'].concat([
      'b/',
      'b/to-a/',
      'b/to-a/to-b -> ../b',
      'b/to-a/x',
      'b/y',
    ]),
  );
});

test('with follow, a link to a FIFO is as special as the FIFO', t => {
  const root = temporaryFolder(t);
  execFileSync('mkfifo', [join(root, 'fifo')]);
  symlinkSync('fifo', join(root, 'link'));
  const { paths, crawler } = crawl(root, { follow: true });
  assert.deepEqual(paths, []);
  assert.equal(crawler.skipped.special, 2);
});

test('what the source excludes is counted and not entered', t => {
  const root = temporaryFolder(t);
  writeFiles(root, 'a.o', 'a.c', 'build/x', 'build/y/z', 'src/b.o', 'src/b.c');
  const { paths, crawler } = crawl(root, { exclude: ['*.o', 'build'] });
  assert.deepEqual(paths, ['a.c', 'src/', 'src/b.c']);
  assert.equal(crawler.skipped.excluded, 3);
  assert.deepEqual(crawl(root, { include: ['*.c'] }).paths, ['a.c', 'build/', 'build/y/', 'src/', 'src/b.c']);
});

test('.facetignore files hold for their folders, and are listed themselves', t => {
  const root = temporaryFolder(t);
  writeFiles(root, 'a.log', 'a.txt', 'x/a.log', 'x/y/a.log', 'x/y/a.txt', 'z/a.txt');
  writeFile(root, '.facetignore', '*.log\nz/\n');
  writeFile(root, 'x/y/.facetignore', '!*.log\n*.txt\n');
  assert.deepEqual(
    crawl(root).paths,
    ['.facetignore', 'a.txt', 'x/', 'x/y/', 'x/y/.facetignore', 'x/y/a.log'].sort(),
  );
});

test('a .facetignore that is no file says nothing and stops nothing', t => {
  const root = temporaryFolder(t);
  writeFiles(root, 'fifo/a', 'folder/a', 'link/a', 'link/rules');
  execFileSync('mkfifo', [join(root, 'fifo/.facetignore')]);
  mkdirSync(join(root, 'folder/.facetignore'));
  symlinkSync('/dev/zero', join(root, 'link/.facetignore'));
  assert.deepEqual(
    crawl(root).paths,
    ['fifo/', 'fifo/a', 'folder/', 'folder/.facetignore/', 'folder/a'].concat([
      'link/',
      'link/.facetignore -> /dev/zero',
      'link/a',
      'link/rules',
    ]),
  );
});

test('what is closed to us is reported, and the rest is listed', async t => {
  const root = temporaryFolder(t);
  writeFiles(root, 'a', 'closed/b', 'no-entry/c', 'open/d', 'unlisted/e');
  writeFile(root, 'hidden/.facetignore', '*');
  chmodSync(join(root, 'closed'), 0);
  chmodSync(join(root, 'unlisted'), 0o300);
  chmodSync(join(root, 'no-entry'), 0o400);
  chmodSync(join(root, 'hidden/.facetignore'), 0);
  const { listed, unreadable } = await runProgram<{
    listed: string[];
    unreadable: { path: string; reason: string }[];
  }>(t, CRAWLING, [root], { unprivileged: true });
  assert.deepEqual(listed, ['a', 'hidden/.facetignore', 'open/d']);
  assert.deepEqual(
    unreadable.sort((one, other) => (one.path < other.path ? -1 : 1)),
    ['closed', 'hidden/.facetignore', 'no-entry/c', 'unlisted'].map(path => ({ path, reason: 'EACCES' })),
  );
});

test('a folder that is deeper than a path can be is reported, and the rest is listed', t => {
  const root = temporaryFolder(t);
  const name = 'd'.repeat(200);
  // Paths end at 4096 bytes; a process that goes down step by step does not care.
  const script = `for (let at = 0; at < 30; at++) {
    fs.mkdirSync('${name}');
    process.chdir('${name}');
    fs.writeFileSync('file', '');
  }`;
  assert.equal(spawnSync(process.execPath, ['-e', script], { cwd: root, stdio: 'inherit' }).status, 0);
  writeFiles(root, 'z');
  const { paths, crawler } = crawl(root);
  assert.ok(paths.includes('z'));
  assert.ok(paths.filter(path => path.endsWith('/file')).length >= 18);
  assert.deepEqual(new Set(crawler.unreadable.map(each => each.reason)), new Set(['ENAMETOOLONG']));
});

test('a folder that vanishes during the crawl is gone, not unreadable', t => {
  const root = temporaryFolder(t);
  writeFiles(root, 'a/x', 'b/y', 'c/z');
  const crawler = crawlerOf(root);
  const paths: string[] = [];
  for (const { path } of crawler.folders()) {
    if (path === '') rmSync(join(root, 'b'), { recursive: true });
    paths.push(path);
  }
  assert.deepEqual(paths, ['', 'a', 'c']);
  assert.deepEqual(crawler.unreadable, []);
});

test('a folder that becomes a file during the crawl is not listed', t => {
  const root = temporaryFolder(t);
  writeFiles(root, 'a/x', 'b/y');
  const paths: string[] = [];
  for (const { path } of crawlerOf(root).folders()) {
    if (path === '') {
      rmSync(join(root, 'b'), { recursive: true });
      writeFiles(root, 'b');
    }
    paths.push(path);
  }
  assert.deepEqual(paths, ['', 'a']);
});

test('a folder that becomes a link to the outside during the crawl is not listed', t => {
  const outside = temporaryFolder(t);
  writeFiles(outside, 'secret');
  const root = temporaryFolder(t);
  writeFiles(root, 'a/x', 'b/y');
  const names: string[] = [];
  for (const listing of crawlerOf(root).folders()) {
    if (listing.path === '') {
      rmSync(join(root, 'b'), { recursive: true });
      symlinkSync(outside, join(root, 'b'));
    }
    names.push(...listing.names);
  }
  assert.deepEqual(names, ['x']);
});

for (const [what, replace] of Object.entries({
  'is gone': () => {},
  'is an empty folder by now, as when a disk is unmounted': (root: string) => mkdirSync(root),
})) {
  test(`a root that ${what} in the middle of the crawl ends it with an error`, t => {
    const above = temporaryFolder(t);
    const root = join(above, 'source');
    writeFiles(root, 'a/x', 'b/y', 'c/z');
    assert.throws(() => {
      for (const { path } of crawlerOf(root).folders()) {
        if (path !== 'a') continue;
        renameSync(root, join(above, 'elsewhere'));
        replace(root);
      }
    });
  });
}

test('a root that cannot be listed is an error of its own', t => {
  const root = temporaryFolder(t);
  assert.throws(() => crawl(join(root, 'nowhere')), { code: 'ENOENT' });
  assert.throws(() => crawl(writeFile(root, 'file')), { code: 'ENOTDIR' });
});

test('an empty root is a listing without names', t => {
  const root = temporaryFolder(t);
  mkdirSync(join(root, 'x'));
  rmdirSync(join(root, 'x'));
  const { listings, paths } = crawl(root);
  assert.deepEqual(paths, []);
  assert.equal(listings.length, 1);
});
