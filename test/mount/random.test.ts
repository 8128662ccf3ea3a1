/** Random changes of a source, seen through a mount whose caches are warm: after each scan the mount is as the source is. */
import {
  appendFileSync,
  chmodSync,
  type Dirent,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { inPlace, type Place, until, users } from '../support/mounted.js';

const ROUNDS = 8;

/** What is done to the source, with numbers that choose what it is done to. */
interface Step {
  change: number;
  one: number;
  other: number;
}

const step = fc.record(
  { change: fc.nat(11), one: fc.nat(999), other: fc.nat(999) },
  { noNullPrototype: true },
);
const rounds = fc.array(fc.array(step, { minLength: 1, maxLength: 6 }), {
  minLength: ROUNDS,
  maxLength: ROUNDS,
});

for (const user of users) {
  describe(`a tree that ${user.name} mounted`, () => {
    it('follows whatever happens to its source', () =>
      fc.assert(
        fc.asyncProperty(rounds, plan => inPlace(user, place => follow(place, plan))),
        // A smaller example would take minutes to find; the seed repeats this one.
        { numRuns: 1, endOnFailure: true, includeErrorInReport: true },
      ));
  });
}

async function follow(place: Place, plan: Step[][]): Promise<void> {
  for (let nth = 0; nth < 40; nth++) apply(place, { change: nth % 3, one: nth * 7, other: nth * 13 });
  await place.index();
  await place.mount();
  for (const steps of plan) {
    for (const each of steps) apply(place, each);
    place.give();
    const readers = place.run('sh', ['-c', READ_ALL, 'sh', place.mountpoint]);
    await place.done('index', 'scan', '--allow-shrink');
    await readers;
    await until(`the mount is as the source after ${JSON.stringify(steps)}`, () => isSame(place));
  }
}

async function isSame(place: Place): Promise<boolean> {
  const docs = join(place.mountpoint, 'docs');
  const [one, other] = [await list(place, place.source), await list(place, docs)];
  if (one.status !== 0 || other.status !== 0 || one.lines !== other.lines) return false;
  return (await place.run('diff', ['-r', '--no-dereference', place.source, docs])).status === 0;
}

/**
 * Times to the second: those of the source have nanoseconds. Without the permissions that a mount takes away or adds.
 * Fails when something goes away between its listing and the look at it.
 */
async function list(place: Place, folder: string): Promise<{ status: number | null; lines: string }> {
  const formats = ['-type', 'l', '-printf', '%P l %l %Ts\n', '-o', '-type', 'd', '-printf', '%P d %m %Ts\n'];
  const files = ['-o', '-printf', '%P f %m %Ts %s\n'];
  const { status, stdout } = await place.run('find', [folder, '-mindepth', '1', ...formats, ...files]);
  const lines = stdout.split('\n').map(line => line.replace(/ ([fd]) (\d+) /, ignoreWriting));
  return { status, lines: lines.sort().join('\n') };
}

function ignoreWriting(_: string, kind: string, mode: string): string {
  return ` ${kind} ${((Number.parseInt(mode, 8) & 0o555) | 0o400).toString(8)} `;
}

const READ_ALL = `for i in 1 2 3; do ls -laR "$1"; find "$1" -type f -exec cat {} +; done > /dev/null 2>&1; true`;

/** Changes the source; does nothing where there is nothing to change. */
function apply(place: Place, { change, one, other }: Step): void {
  const all = [...everything(place.source)];
  const pick = (nth: number, wanted: (entry: Dirent) => boolean) => {
    const fit = all.filter(wanted);
    const chosen = fit[nth % Math.max(fit.length, 1)];
    return chosen && join(chosen.parentPath, chosen.name);
  };
  const fresh = join(pick(one, isFolder) ?? place.source, `n${other % 30}`);
  const file = pick(one, entry => entry.isFile());
  const any = pick(one, () => true);
  const contents = Buffer.alloc([0, 1, 5, 4096, 50_000, 200_000][other % 6] ?? 0, 97 + (one % 26));
  if (change <= 2 && !exists(fresh)) {
    if (change === 0) writeFileSync(fresh, contents);
    if (change === 1) mkdirSync(fresh);
    if (change === 2) symlinkSync(`n${one % 30}`, fresh);
  }
  if (change === 3 && any && !exists(fresh) && !fresh.startsWith(`${any}/`)) renameSync(any, fresh);
  if (change === 4 && any) rmSync(any, { recursive: true });
  if (!file) return;
  if (change === 5) writeFileSync(file, contents);
  if (change === 6) appendFileSync(file, 'more');
  if (change === 7) chmodSync(file, [0o644, 0o755, 0o600][other % 3] ?? 0o644);
  if (change === 8) utimesSync(file, other * 1e6, other * 1e6);
  if (change === 9) exchange(place, file, pick(other, entry => entry.isFile()) ?? file);
  if (change === 10) {
    rmSync(file);
    mkdirSync(file);
  }
  if (change === 11) renameSync(place.write(`../new-${one}`, contents), file);
}

function isFolder(entry: Dirent): boolean {
  return entry.isDirectory();
}

function* everything(folder: string): Generator<Dirent> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    yield entry;
    if (entry.isDirectory()) yield* everything(join(folder, entry.name));
  }
}

function exchange(place: Place, one: string, other: string): void {
  if (one === other) return;
  const aside = join(place.base, 'aside');
  renameSync(one, aside);
  renameSync(other, one);
  renameSync(aside, other);
}

function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}
