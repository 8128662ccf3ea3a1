/** Directories that are larger than one answer: complete, seekable, and steady while they change. */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { inPlace, type Place, until, users } from '../support/mounted.js';

const MANY = 50_000;

for (const user of users.slice(-1)) {
  describe(`a directory that ${user.name} lists through a mount`, () => {
    it(`has each of its ${MANY} entries once, to several readers at once`, () =>
      inPlace(user, async place => {
        fill(place, MANY);
        await place.index();
        await place.mount();
        const readers = [1, 2, 3].map(() => names(place, 'many'));
        for (const found of await Promise.all(readers)) assertComplete(found, MANY);
        assert.equal((await names(place, 'many')).length, MANY, 'from the cache');
      }));

    it('can be read from any place in it, forwards and backwards', () =>
      inPlace(user, async place => {
        fill(place, 3_000);
        await place.index();
        await place.mount();
        for (const _ of ['uncached', 'cached']) {
          assert.equal(await place.output('perl', '-e', SEEK, directory(place, 'many')), '3002');
        }
      }));

    it('shows every entry that stays exactly once, while others come and go', () =>
      inPlace(user, async place => {
        fill(place, 5_000);
        await place.index();
        await place.mount();
        for (const cached of [true, false]) {
          if (cached) assertComplete(await staying(place), 5_000);
          const reader = place.start('perl', ['-e', READ_SLOWLY, directory(place, 'many'), place.base]);
          await until('the reader has begun', () => exists(place, 'begun'));
          change(place, !cached);
          await place.done('index', 'scan');
          const grown = cached ? 'before-2999' : 'before-0';
          const shown = (present: boolean) => present === cached;
          await until('the scan shows', async () => shown(await exists(place, `mnt/docs/many/${grown}`)));
          place.write('../go-on', '');
          const { stdout, stderr } = await reader.ended;
          assert.equal(stderr, '');
          assertComplete(
            stdout.split('\n').filter(name => name.startsWith('name-')),
            5_000,
          );
          for (const each of ['begun', 'go-on']) rmSync(join(place.base, each));
        }
      }));

    it('does not bring back what went since the listing began', () =>
      inPlace(user, async place => {
        fill(place, 1_000);
        await place.index();
        await place.mount();
        // Too far down to be in the first answer, near enough to be known when it is given.
        const late = 'mnt/docs/many/name-990';
        const reader = place.start('perl', ['-e', READ_SLOWLY, directory(place, 'many'), place.base]);
        await until('the reader has begun', () => exists(place, 'begun'));
        assert.ok(await exists(place, late));
        rmSync(join(place.source, 'many/name-990'));
        await place.done('index', 'scan');
        await until('it is gone', async () => !(await exists(place, late)));
        place.write('../go-on', '');
        assert.equal((await reader.ended).stderr, '');
        assert.ok(!(await exists(place, late)), 'it is back');
      }));
  });
}

function directory(place: Place, name: string): string {
  return join(place.mountpoint, 'docs', name);
}

function fill(place: Place, count: number): void {
  for (let nth = 0; nth < count; nth++) place.write(`many/name-${nth}`, '');
}

/** Entries that sort before all others come, or go again. */
function change(place: Place, remove: boolean): void {
  for (let nth = 0; nth < 3_000; nth++) {
    if (remove) rmSync(join(place.source, `many/before-${nth}`));
    else place.write(`many/before-${nth}`, '');
  }
  place.give();
}

async function names(place: Place, name: string): Promise<string[]> {
  return (await place.output('find', directory(place, name), '-type', 'f', '-printf', '%f\n'))
    .trim()
    .split('\n');
}

async function staying(place: Place): Promise<string[]> {
  return (await names(place, 'many')).filter(name => name.startsWith('name-'));
}

function assertComplete(found: string[], count: number): void {
  assert.equal(new Set(found).size, count);
  assert.equal(found.length, count, 'some are there twice');
}

async function exists(place: Place, path: string): Promise<boolean> {
  return (await place.run('test', ['-e', join(place.base, path)])).status === 0;
}

const SEEK = `
  use strict; opendir(my $d, $ARGV[0]) or die; my (@names, @places);
  while (1) { my $at = telldir($d); my $name = readdir($d); last unless defined $name; push @names, $name; push @places, $at; }
  for my $i (reverse grep { $_ % 7 == 0 } 0 .. $#names) {
    seekdir($d, $places[$i]); my $name = readdir($d); die "$i: $name" if $name ne $names[$i];
  }
  seekdir($d, $places[1234]); my @rest = readdir($d); die "rest" if "@rest" ne "@names[1234 .. $#names]";
  rewinddir($d); my @again = readdir($d); die "again" if "@again" ne "@names";
  print scalar @names;`;

/** Reads the beginning, waits for the file go-on, and reads the rest. */
const READ_SLOWLY = `
  use strict; my ($dir, $base) = @ARGV; opendir(my $d, $dir) or die;
  for (1 .. 10) { my $name = readdir($d); print "$name\\n"; -s "$dir/$name"; }
  open(my $f, '>', "$base/begun"); close $f;
  until (-e "$base/go-on") { select(undef, undef, undef, 0.01); }
  while (defined(my $name = readdir($d))) { print "$name\\n"; -s "$dir/$name"; }`;
