/** Random changes to a folder: files and folders that come, go, move, change places and are linked. */
import {
  appendFileSync,
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import fc from 'fast-check';
import { systemErrorCode } from '../../src/errors.js';

/** Few names, so that paths meet: as files and as folders. */
const path = fc
  .array(fc.constantFrom('a', 'b', 'c', 'é', '😀', '\ufb00'), { minLength: 1, maxLength: 3 })
  .map(names => names.join('/'));

/** One of the files and folders that there are at that moment, or any path. */
const somewhere = fc.oneof({ weight: 3, arbitrary: fc.nat(100) }, { weight: 2, arbitrary: path });

const step = fc.record({
  kind: fc.constantFrom(
    ...(['write', 'write', 'write', 'move', 'move', 'move', 'move', 'exchange', 'exchange'] as const),
    ...(['make folder', 'remove', 'append', 'touch', 'close', 'link', 'hard link'] as const),
  ),
  at: somewhere,
  to: somewhere,
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** One step after another without an end, the same for the same seed. */
export function* steps(seed: number): Generator<Step> {
  for (let page = 0; ; page++) yield* fc.sample(step, { seed: seed + page, numRuns: 1_000 });
}

/** Each list is what happens between two scans; the first one begins with some files. */
export const history = fc
  .tuple(
    fc.array(path, { minLength: 4, maxLength: 12 }),
    fc.array(fc.array(step, { maxLength: 10 }), { maxLength: 6 }),
  )
  .map(([paths, steps]) => [paths.map((at): Step => ({ kind: 'write', at, to: 0 })), ...steps]);

/** What a random step may meet: the path is not there, or is something else. */
const MISMATCHES = ['ENOENT', 'ENOTDIR', 'EISDIR', 'EEXIST', 'ENOTEMPTY', 'EINVAL', 'ELOOP', 'EPERM'];

let clock = 1_000;

export function take(root: string, { kind, at, to }: Step): void {
  try {
    actions[kind](join(root, pathOf(root, at)), join(root, pathOf(root, to)));
  } catch (error) {
    if (!MISMATCHES.includes(systemErrorCode(error) ?? '')) throw error;
  }
}

function pathOf(root: string, where: number | string): string {
  if (typeof where === 'string') return where;
  // Without these, links to folders would be followed, round and round.
  const entries = readdirSync(root, { recursive: true, withFileTypes: true });
  const there = entries.map(({ parentPath, name }) => relative(root, join(parentPath, name))).sort();
  return there[where % there.length] ?? 'a';
}

const actions: Record<Step['kind'], (at: string, to: string) => void> = {
  write(at) {
    mkdirSync(dirname(at), { recursive: true });
    clock += 1;
    writeFileSync(at, String.fromCodePoint(97 + (clock % 26)).repeat(clock % 5));
  },
  append(at) {
    lstatSync(at);
    appendFileSync(at, 'more');
  },
  touch(at) {
    // A time that no other file has: a new file with the number of an old one is not taken for it.
    clock += 1;
    utimesSync(at, clock, clock);
  },
  close: at => chmodSync(at, 0o700),
  'make folder': at => mkdirSync(at, { recursive: true }),
  remove: at => rmSync(at, { recursive: true, force: true }),
  move(at, to) {
    mkdirSync(dirname(to), { recursive: true });
    renameSync(at, to);
  },
  exchange(at, to) {
    const aside = join(dirname(at), 'aside');
    renameSync(at, aside);
    if (existsSync(to)) renameSync(to, at);
    renameSync(aside, to);
  },
  link: (at, to) => symlinkSync(at, to),
  'hard link': (at, to) => linkSync(at, to),
};
