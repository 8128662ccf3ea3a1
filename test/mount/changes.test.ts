/** A mount follows its source: what a scan finds appears, and what is opened is what is there, whole and unmixed. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { inPlace, type Place, root, until, users } from '../support/mounted.js';

/** Read through the page cache, and by root in passthrough. */
const SIZES = { small: 1_000, large: 200_000 };

for (const user of users) {
  describe(`a tree that ${user.name} mounted`, () => {
    it('shows what the scan of another process found', context =>
      inPlace(user, async place => {
        fillBefore(place);
        // A change behind the same size and time is found by its checksum alone.
        await place.index('--hash');
        await place.mount();
        await remember(place);
        changeAll(place);
        place.give();
        await place.done('index', 'scan', '--full');
        const startedAt = performance.now();
        const same = () => place.run('diff', ['-r', '--no-dereference', place.source, at(place, '')]);
        await until('the mount is as the source', async () => (await same()).status === 0);
        context.diagnostic(`${Math.round(performance.now() - startedAt)} ms after the scan`);
        assert.equal(await place.output('cat', at(place, 'unnoticed')), 'b'.repeat(SIZES.large));
        assert.equal(await place.output('stat', '-c', '%a', at(place, 'mode')), '555\n');
        assert.equal(await place.output('readlink', at(place, 'link')), 'elsewhere\n');
      }));

    it('gives the present contents to whoever opens a file that was written since the scan', () =>
      inPlace(user, async place => {
        const texts = [1, 2, 3].flatMap(nth => [
          `${nth}`.repeat(SIZES.small),
          `${nth}`.repeat(SIZES.large),
          '',
          `${nth}`,
        ]);
        place.write('file', 'first');
        await place.index();
        await place.mount();
        for (const text of texts) {
          place.write('file', text);
          assert.equal((await place.output('cat', at(place, 'file'))).length, text.length);
          assert.equal(await place.output('cat', at(place, 'file')), text);
          assert.equal(await place.output('perl', '-e', SIZE_WHEN_OPEN, at(place, 'file')), `${text.length}`);
        }
      }));

    it('never mixes versions of a file that is replaced again and again', () =>
      inPlace(user, async place => {
        place.write('file', version(0));
        await place.index();
        await place.mount();
        const readers = [1, 2].map(() => place.start('sh', ['-c', READ_AGAIN, 'sh', at(place, 'file')]));
        let ended = false;
        const all = Promise.all(readers.map(each => each.ended)).finally(() => {
          ended = true;
        });
        for (let nth = 0; !ended; nth++) {
          place.write('../next', version(nth));
          if (user.ids) chmodSync(join(place.base, 'next'), 0o644);
          renameSync(join(place.base, 'next'), join(place.source, 'file'));
          await wait(nth % 7);
        }
        for (const { stderr, stdout } of await all) {
          assert.equal(stderr, '');
          for (const read of stdout.trim().split('\n')) {
            const [length, letters] = read.split(' ');
            assert.equal(letters?.length, 1, `${length} bytes of ${letters}`);
            assert.equal(Number(length), lengthOf(letters ?? ''), `of ${letters}`);
          }
        }
      }));

    // Without passthrough small and large are read alike.
    for (const [name, size] of Object.entries(user === root ? SIZES : { large: SIZES.large })) {
      it(`lets a reader finish the ${name} version that it opened, and gives others the new one`, () =>
        inPlace(user, async place => {
          place.write('file', 'o'.repeat(size));
          await place.index();
          await place.mount();
          const reader = place.start('perl', ['-e', READ_IN_TWO, at(place, 'file'), place.base]);
          await until('half is read', () => exists(place, 'half'));
          place.write('../next', 'n'.repeat(size));
          if (user.ids) chmodSync(join(place.base, 'next'), 0o644);
          renameSync(join(place.base, 'next'), join(place.source, 'file'));
          assert.equal(await place.output('cat', at(place, 'file')), 'n'.repeat(size));
          await place.done('index', 'scan');
          await wait(200);
          assert.equal(await place.output('cat', at(place, 'file')), 'n'.repeat(size));
          place.write('../go-on', '');
          const { stdout, stderr } = await reader.ended;
          assert.equal(stderr, '');
          assert.equal(stdout, 'o'.repeat(size));
        }));

      it(`does not fail while a ${name} log is written to`, () =>
        inPlace(user, async place => {
          const log = place.write('log', lines(0, Math.ceil(size / LINE)));
          await place.index();
          await place.mount();
          const readers = LOG_READERS.map(each => place.start('sh', ['-c', each, 'sh', at(place, 'log')]));
          let ended = false;
          const all = Promise.all(readers.map(each => each.ended)).finally(() => {
            ended = true;
          });
          for (let nth = Math.ceil(size / LINE); !ended; nth++) {
            appendFileSync(log, lines(nth, 1));
            await wait(1 + (nth % 4));
          }
          for (const { stdout, stderr } of await all) assert.equal(stdout + stderr, '');
        }));

      it(`shows the growth of a ${name} file to tail -f`, () =>
        inPlace(user, async place => {
          const log = place.write('log', 'x'.repeat(size));
          await place.index();
          await place.mount();
          const tail = place.start('tail', ['-c', '1', '-f', '-s', '0.05', at(place, 'log')]);
          let seen = '';
          tail.process.stdout?.on('data', piece => {
            seen += piece;
          });
          await until('tail has begun', async () => seen === 'x');
          for (const word of ['one\n', 'two\n', 'three\n']) {
            appendFileSync(log, word);
            await until(`tail shows ${word}`, async () => seen.endsWith(word));
          }
          assert.equal(seen, 'xone\ntwo\nthree\n');
        }));
    }

    it('neither hangs nor lies about a file that ends to be one while it is read', () =>
      inPlace(user, async place => {
        for (const name of Object.keys(ENDS)) place.write(name, 'x'.repeat(SIZES.large));
        await place.index();
        await place.mount();
        for (const [name, end] of Object.entries(ENDS)) {
          const reader = place.start('perl', ['-e', READ_IN_TWO, at(place, name), place.base]);
          await until('half is read', () => exists(place, 'half'));
          end(join(place.source, name));
          place.give();
          const opened = await place.run('cat', [at(place, name)]);
          if (name === 'shrinks') assert.equal(opened.stdout, 'x'.repeat(10));
          else assert.deepEqual([opened.status, opened.stdout], [1, ''], name);
          place.write('../go-on', '');
          const { status, stdout, stderr } = await reader.ended;
          // What was cut off can no longer be read: an end, or an error, but nothing made up.
          if (name !== 'shrinks' || stderr !== 'read: Stale file handle\n')
            assert.equal(status, 0, `${name}: ${stderr}`);
          assert.match(stdout, /^x+$/, `${name}: other bytes`);
          for (const each of ['half', 'go-on']) rmSync(join(place.base, each));
        }
        await place.done('index', 'scan', '--allow-shrink');
        const listed = async () =>
          (await place.output('find', at(place, ''), '-mindepth', '1', '-printf', '%f %y\n')).trim();
        const wanted = 'becomes-a-folder d\nbecomes-a-link l\nshrinks f';
        await until('the scan shows', async () => (await listed()).split('\n').sort().join('\n') === wanted);
      }));
  });
}

function at(place: Place, path: string): string {
  return join(place.mountpoint, 'docs', path);
}

async function exists(place: Place, path: string): Promise<boolean> {
  return (await place.run('test', ['-e', join(place.base, path)])).status === 0;
}

function fillBefore(place: Place): void {
  for (const name of ['changes', 'unnoticed', 'goes', 'is-renamed', 'moves', 'mode', 'becomes-a-folder']) {
    place.write(name, 'a'.repeat(SIZES.large));
  }
  chmodSync(join(place.source, 'mode'), 0o644);
  place.write('folder/below/file', 'a');
  place.write('folder-goes/file', 'a');
  place.write('becomes-a-file/file', 'a');
  symlinkSync('somewhere', join(place.source, 'link'));
}

/** Everything that a kernel can keep: listings, attributes, contents, and that there is nothing. */
async function remember(place: Place): Promise<void> {
  await place.output('find', at(place, ''), '-printf', '%s %l\n');
  await place.output('diff', '-r', '--no-dereference', place.source, at(place, ''));
  for (const name of ['comes', 'new-folder', 'renamed']) {
    assert.equal((await place.run('stat', [at(place, name)])).status, 1);
  }
}

function changeAll(place: Place): void {
  const inSource = (name: string) => join(place.source, name);
  place.write('comes', 'new');
  place.write('new-folder/below/file', 'new');
  place.write('changes', 'c'.repeat(SIZES.large));
  const reference = join(place.base, 'reference');
  execFileSync('cp', ['-p', inSource('unnoticed'), reference]);
  place.write('unnoticed', 'b'.repeat(SIZES.large));
  execFileSync('touch', ['-r', reference, inSource('unnoticed')]);
  renameSync(inSource('is-renamed'), inSource('renamed'));
  renameSync(inSource('moves'), inSource('folder/below/moved'));
  renameSync(inSource('folder'), inSource('folder-renamed'));
  chmodSync(inSource('mode'), 0o755);
  for (const each of ['goes', 'folder-goes', 'becomes-a-file', 'becomes-a-folder', 'link']) {
    rmSync(inSource(each), { recursive: true });
  }
  place.write('becomes-a-file', 'a file');
  place.write('becomes-a-folder/file', 'a folder');
  symlinkSync('elsewhere', inSource('link'));
}

const ENDS: Record<string, (file: string) => void> = {
  shrinks: file => writeFileSync(file, 'x'.repeat(10)),
  vanishes: file => rmSync(file),
  'becomes-a-link': file => {
    rmSync(file);
    symlinkSync('/etc/hostname', file);
  },
  'becomes-a-fifo': file => {
    rmSync(file);
    execFileSync('mkfifo', [file]);
  },
  'becomes-a-folder': file => {
    rmSync(file);
    mkdirSync(file);
  },
};

/** One letter, of a length of its own. */
function version(nth: number): string {
  const letter = String.fromCharCode(97 + (nth % 26));
  return letter.repeat(lengthOf(letter));
}

function lengthOf(letter: string): number {
  return 20_000 + letter.charCodeAt(0) * 1_013 * (letter.charCodeAt(0) % 3);
}

/** Says of each reading how long it was, and of which letters. */
const READ_AGAIN = `for i in $(seq 100); do perl -e 'local $/; open(F, "<", $ARGV[0]) or die "open: $!\\n";
  my $text = <F>; defined $text or die "read: $!\\n"; my %of; $of{$_}++ for $text =~ /(.)\\1*/g;
  print length($text), " ", join("", sort keys %of), "\\n"' "$1"; done`;

/** The size that a program sees which has opened the file. */
const SIZE_WHEN_OPEN = `open(F, '<', $ARGV[0]) or die $!; print -s F;`;

/** Prints a file, with a pause in the middle. */
const READ_IN_TWO = `
  use strict; my ($file, $base) = @ARGV; open(my $f, '<', $file) or die "open: $!\\n";
  my $half = (-s $f) / 2; sysread($f, my $text, $half); print $text;
  open(my $mark, '>', "$base/half"); close $mark;
  until (-e "$base/go-on") { select(undef, undef, undef, 0.01); }
  while (1) { my $n = sysread($f, $text, 65536); defined $n or die "read: $!\\n"; last unless $n; print $text; }`;

const LINE = 20;

function lines(from: number, count: number): string {
  return Array.from({ length: count }, (_, nth) => `line ${from + nth}`.padEnd(LINE - 1, '.'))
    .join('\n')
    .concat('\n');
}

/** Each prints what is wrong, and nothing when all is well. */
const LOG_READERS = [
  'tail -n 1 "$1" | grep -vE "^line [0-9]+[.]+$"',
  `cat "$1" | perl -ne 'print "$.: $_" unless /^line (\\d+)\\.+$/ && $1 == $. - 1'`,
  `wc -c < "$1" | perl -ne 'print if $_ % ${LINE}'`,
].map(each => `for i in $(seq 100); do ${each}; done; true`);
