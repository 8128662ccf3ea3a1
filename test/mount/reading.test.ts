/** What a mount shows is what the source has: names, kinds, sizes, times, link targets and every byte. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  renameSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { inPlace, type Place, users } from '../support/mounted.js';

const KiB = 1024;
/** Around a page, around where passthrough begins, around the kernel's read-ahead. */
const SIZES = [0, 1, 4095, 4096, 4097, 32 * KiB - 1, 32 * KiB, 32 * KiB + 1].concat([
  128 * KiB - 1,
  128 * KiB,
  128 * KiB + 1,
  5 * KiB * KiB,
]);

const ODD_NAMES = [
  'new\nline',
  `quo"te's`,
  '🎬 film',
  '.hidden',
  '-dash',
  '--',
  'back\\slash',
  ' spaces ',
  'tab\t',
  '*[?]{a,b}',
  '$(touch x)`y`',
  '\u001b[31mred',
  'e\u0301 and \u00e9',
  '\ufffd',
  '\uef80',
  'x'.repeat(255),
  `${'é'.repeat(127)}x`,
];
const NOT_UTF8 = [Buffer.from([0x66, 0xff, 0xfe]), Buffer.alloc(255, 0xff), Buffer.from([0xc3])];

/** In whole microseconds, which is what a catalog keeps. */
const TIMES = [-1.5, 0, 0.001, 1_600_000_000.123, 4_000_000_000, 7_000_000_000.5];

function fill(place: Place): void {
  for (const size of SIZES) place.write(`sizes/${size}`, randomBytes(size));
  for (const name of ODD_NAMES) place.write(`odd/${name}/${name}`, `in ${name}\n`);
  const folder = Buffer.from(join(place.source, 'odd/'));
  for (const name of NOT_UTF8) {
    mkdirSync(Buffer.concat([folder, name]));
    writeFileSync(Buffer.concat([folder, name, Buffer.from('/'), name]), name);
  }
  mkdirSync(join(place.source, 'empty/er'), { recursive: true });
  TIMES.forEach((time, at) => {
    const date = new Date(time * 1000);
    utimesSync(place.write(`times/${at}`, 'x'), date, date);
  });
  for (const mode of [0o400, 0o444, 0o600, 0o640, 0o644, 0o755, 0o711]) {
    chmodSync(place.write(`modes/${mode.toString(8)}`, 'x'), mode);
  }
  fillLinks(place);
  place.write('sparse', 'beginning');
  truncateSync(join(place.source, 'sparse'), 10 * KiB * KiB);
  execFileSync('find', [
    place.source,
    '!',
    '-path',
    '*/times/*',
    ...'-exec touch -hd @1600000000.654321 {} +'.split(' '),
  ]);
}

function fillLinks(place: Place): void {
  mkdirSync(join(place.source, 'links'));
  const targets = ['../sizes/4096', '../sizes', 'dangling', '/etc/hostname', 'itself', '..', 'x'.repeat(255)];
  targets.forEach((target, at) => {
    symlinkSync(target, join(place.source, 'links', `${at}`));
  });
  symlinkSync('itself', join(place.source, 'links/itself'));
  symlinkSync(Buffer.from([0x66, 0xff]), join(place.source, 'links/not-utf8'));
}

for (const user of users) {
  describe(`a tree that ${user.name} mounted`, () => {
    it('is the source to find, diff, grep, tar, cp and sha256sum', () =>
      inPlace(user, async place => {
        fill(place);
        await place.index();
        await place.mount();
        const docs = join(place.mountpoint, 'docs');
        await assertSameEntries(place, docs);
        await assertSameContents(place, docs);
        assert.equal(await place.output('diff', '-r', '--no-dereference', place.source, docs), '');
        await assertSameMatches(place, docs);
        for (const copy of [await copied(place, docs), await unpacked(place, docs)]) {
          await assertSameEntries(place, copy);
          assert.equal(await place.output('diff', '-r', '--no-dereference', place.source, copy), '');
        }
      }));

    it('reads the same at random places, through a mapping, and with several readers at once', () =>
      inPlace(user, async place => {
        for (const size of SIZES) place.write(`${size}`, randomBytes(size));
        await place.index();
        await place.mount();
        const check = (how: string, seed: number) =>
          place.output('perl', '-e', how, `${seed}`, place.source, join(place.mountpoint, 'docs'));
        const checks = [1, 2, 3].map(seed => check(COMPARE_AT_RANDOM, seed)).concat(check(COMPARE_MAPPED, 0));
        for (const compared of await Promise.all(checks)) assert.equal(compared, `${SIZES.length}`);
      }));

    it('reads beyond 4 GiB', () =>
      inPlace(user, async place => {
        const file = place.write('huge', '');
        truncateSync(file, 5 * 2 ** 30);
        execFileSync('dd', ['bs=1', `seek=${2 ** 32 - 3}`, 'conv=notrunc', `of=${file}`, 'status=none'], {
          input: 'across',
        });
        await place.index();
        await place.mount();
        const mounted = join(place.mountpoint, 'docs/huge');
        assert.equal(await place.output('stat', '-c', '%s', mounted), `${5 * 2 ** 30}\n`);
        const at = (from: number) => [`if=${mounted}`, 'bs=1', 'count=8', `skip=${from}`, 'status=none'];
        assert.equal(await place.output('dd', ...at(2 ** 32 - 4)), '\0across\0');
        assert.equal(await place.output('dd', ...at(5 * 2 ** 30 - 1)), '\0');
      }));

    it('runs programs and scripts', () =>
      inPlace(user, async place => {
        copyFileSync('/bin/echo', join(place.source, 'echo'));
        chmodSync(join(place.source, 'echo'), 0o755);
        chmodSync(place.write('script', '#!/bin/sh\nexec "$(dirname "$0")/echo" from "$@"\n'), 0o755);
        await place.index();
        await place.mount();
        const script = join(place.mountpoint, 'docs/script');
        assert.equal(await place.output(script, 'the mount'), 'from the mount\n');
      }));

    it('says that its files cannot be read, not that they are gone, while the folder of their source is', () =>
      inPlace(user, async place => {
        for (const name of ['before', 'first', 'next']) place.write(name, name);
        await place.index();
        await place.mount();
        const read = (name: string) => place.run('cat', [join(place.mountpoint, 'docs', name)]);
        assert.equal((await read('before')).stdout, 'before');
        const away = join(place.base, 'away');
        renameSync(place.source, away);
        for (const name of ['first', 'next']) assert.match((await read(name)).stderr, /Input\/output error/);
        // As when it is led to by a link, and that is changed.
        symlinkSync(away, place.source);
        for (const name of ['first', 'next']) assert.equal((await read(name)).stdout, name);
      }));

    it('has the same inodes and the same stat after a restart', () =>
      inPlace(user, async place => {
        fill(place);
        await place.index();
        const format = '%P\\0%i\\0%m\\0%U\\0%G\\0%n\\0%s\\0%b\\0%T@\\0%C@\\0%l\\0\\n'.replace('%D-', '');
        const list = () => place.succeed('find', [place.mountpoint, '-printf', format]);
        const first = await place.mount();
        const before = await list();
        assert.equal((await first.stop()).status, 0);
        await place.mount();
        assert.ok(before.bytes.equals((await list()).bytes));
      }));
  });
}

describe('a source whose links are followed', () => {
  it('shows what they lead to, as far as that is in the source', () =>
    inPlace(users[0] ?? assert.fail(), async place => {
      place.write('folder/file', 'contents');
      place.write('large', randomBytes(100_000));
      const links = {
        'to-file': 'folder/file',
        'to-large': 'large',
        'to-folder': 'folder',
        'folder/up': '..',
      };
      const outside = { dangling: 'nothing', 'to-outside': '/etc/hostname', itself: 'itself' };
      for (const [name, target] of Object.entries({ ...links, ...outside })) {
        symlinkSync(target, join(place.source, name));
      }
      place.give();
      await place.done('index', 'add', 'docs', place.source, '--follow');
      await place.done('index', 'scan');
      await place.mount();
      const docs = join(place.mountpoint, 'docs');
      const listed = await place.output('find', docs, '-printf', '%P %y %l\n');
      const still = [
        'dangling l nothing',
        'folder/up l ..',
        'itself l itself',
        'to-folder/up l ..',
        'to-outside l /etc/hostname',
      ];
      const wanted = [
        ' d ',
        'folder d ',
        'folder/file f ',
        'large f ',
        'to-file f ',
        'to-folder d ',
        'to-folder/file f ',
        'to-large f ',
      ];
      assert.deepEqual(listed.trimEnd().split('\n').sort(), [...wanted, ...still].sort());
      for (const name of ['to-file', 'to-large', 'to-folder/file']) {
        await place.output('cmp', join(docs, name), join(place.source, name));
      }
    }));
});

/** Name, kind, size, time and target of everything below a folder. */
async function entries(place: Place, folder: string): Promise<string[]> {
  const format = '%P\\0%y\\0%s\\0%T@\\0%l\\0';
  const { bytes } = await place.succeed('find', [folder, '-mindepth', '1', '-printf', format]);
  const fields = bytes.toString('latin1').split('\0');
  const found: string[] = [];
  for (let at = 0; at + 4 < fields.length; at += 5) {
    const [name, kind, size, ...rest] = fields.slice(at, at + 5);
    // The size of a folder is its file system's business.
    found.push([name, kind, kind === 'd' ? '' : size, ...rest].join('\0'));
  }
  return found.sort();
}

async function assertSameEntries(place: Place, folder: string): Promise<void> {
  const wanted = await entries(place, place.source);
  const found = await entries(place, folder);
  const different = found.filter(each => !wanted.includes(each));
  assert.deepEqual([different, found.length], [[], wanted.length]);
}

async function assertSameContents(place: Place, folder: string): Promise<void> {
  const sums = async (of: string) => {
    const script = 'cd "$1" && find . -type f -print0 | sort -z | xargs -0 sha256sum -z --';
    return (await place.succeed('sh', ['-c', script, 'sh', of])).bytes;
  };
  assert.ok((await sums(folder)).equals(await sums(place.source)));
}

async function assertSameMatches(place: Place, folder: string): Promise<void> {
  const matches = async (of: string) => {
    const script = 'cd "$1" && grep -raZ "in " odd | sort';
    return (await place.succeed('sh', ['-c', script, 'sh', of])).bytes.toString('latin1');
  };
  const found = await matches(folder);
  assert.match(found, /in 🎬|in \u00f0/);
  assert.equal(found, await matches(place.source));
}

async function copied(place: Place, from: string): Promise<string> {
  const to = join(place.base, 'copied');
  await place.output('cp', '-rp', '--', from, to);
  return to;
}

async function unpacked(place: Place, from: string): Promise<string> {
  const to = join(place.base, 'unpacked');
  const script = 'mkdir "$2" && tar -C "$1" --format=posix -c . | tar -C "$2" -xp';
  await place.output('sh', '-c', script, 'sh', from, to);
  return to;
}

const COMPARE_AT_RANDOM = `
  use strict; my ($seed, $one, $other) = @ARGV; srand($seed); my $files = 0;
  opendir(my $d, $one) or die; for my $name (grep { !/^\\./ } readdir $d) {
    open(my $a, '<:raw', "$one/$name") or die; open(my $b, '<:raw', "$other/$name") or die "$name: $!";
    my $size = -s $a; die "size of $name" unless $size == -s $b;
    for (1 .. 60) {
      my $at = int(rand($size + 10)); my $length = int(rand(300000));
      sysseek($a, $at, 0); sysseek($b, $at, 0);
      my $n = sysread($a, my $x, $length); my $m = sysread($b, my $y, $length);
      die "$name at $at for $length" unless $n == $m && $x eq $y;
    }
    $files++;
  }
  print $files;`;

const COMPARE_MAPPED = `
  use strict; my (undef, $one, $other) = @ARGV; my $files = 0; local $/;
  opendir(my $d, $one) or die; for my $name (grep { !/^\\./ } readdir $d) {
    open(my $a, '<:raw', "$one/$name") or die; open(my $b, '<:mmap', "$other/$name") or die "$name: $!";
    my $x = <$a> // ''; my $y = <$b> // ''; die $name unless $x eq $y;
    $files++;
  }
  print $files;`;
