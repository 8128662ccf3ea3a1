/**
 * A facet home, a source and a mountpoint for the length of a test. Whatever a test starts in its place is ended and
 * unmounted again, whether the test passes, fails or is interrupted; a mount that does not end when it is told to fails
 * its test. What touches a mountpoint runs in another process, with a time limit: a mount that hangs must not stop the
 * suite.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, type SpawnOptions, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** Who runs facet: undefined is whoever runs the tests. */
export interface User {
  name: string;
  ids: { uid: number; gid: number } | undefined;
}

const isRoot = process.getuid?.() === 0;
const unprivileged: User = {
  name: 'an unprivileged user',
  ids: isRoot ? { uid: 65534, gid: 65534 } : undefined,
};
export const root: User | undefined = isRoot ? { name: 'root', ids: undefined } : undefined;

/** Everybody who can mount here: root reads through the kernel's passthrough, others do not. */
export const users: readonly User[] = root ? [root, unprivileged] : [unprivileged];

export interface Result {
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  /** Standard output, before it was decoded. */
  bytes: Buffer;
}

export interface Running {
  process: ChildProcess;
  ended: Promise<Result>;
}

export interface RunOptions {
  /** Somebody else than the user of the place. */
  uid?: number;
  gid?: number;
  env?: Record<string, string>;
  cwd?: string;
  stdio?: SpawnOptions['stdio'];
}

export interface FacetMount extends Running {
  mountpoint: string;
  /** Sends a signal and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<Result>;
}

const LIMIT_MS = 30_000;
const UNMOUNT_LIMIT_MS = 15_000;

/** Opens a place for the length of `body`. */
export async function inPlace(user: User, body: (place: Place) => Promise<void>): Promise<void> {
  const place = new Place(user);
  try {
    await body(place);
  } catch (error) {
    // What hangs now would hang for ever.
    place.sweep();
    throw error;
  }
  await place.close();
}

export class Place {
  readonly user: User;
  readonly base: string;
  readonly home: string;
  readonly source: string;
  readonly mountpoint: string;
  readonly #program: Program;
  readonly #running = new Set<Running>();
  readonly #mounts = new Set<Running>();

  constructor(user: User) {
    this.user = user;
    this.#program = programOf(user);
    this.base = mkdtempSync(join(tmpdir(), 'facet-place-'));
    this.home = join(this.base, 'home');
    this.source = join(this.base, 'source');
    this.mountpoint = join(this.base, 'mnt');
    mkdirSync(this.source);
    mkdirSync(this.mountpoint);
    this.give(this.base);
    open.add(this);
  }

  /** Writes a file of the source, and the folders above it. */
  write(path: string, contents: string | Buffer): string {
    const file = join(this.source, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, contents);
    return file;
  }

  /** Gives a folder, which must not contain a mount, and everything in it to the place's user. */
  give(folder = this.source): void {
    if (!this.user.ids) return;
    const { uid, gid } = this.user.ids;
    execFileSync('chown', ['-hR', `${uid}:${gid}`, folder]);
  }

  start(program: string, args: readonly string[], options: RunOptions = {}): Running {
    const running = startProcess(program, args, {
      ...this.user.ids,
      cwd: this.base,
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own, which is ended as a whole.
      detached: true,
      ...options,
      env: { ...this.#environment(), ...options.env },
    });
    this.#running.add(running);
    running.ended.finally(() => this.#running.delete(running)).catch(() => {});
    return running;
  }

  #environment(): Record<string, string> {
    const path = process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin';
    return { PATH: path, LC_ALL: 'C.UTF-8', HOME: this.base, FACET_HOME: this.home };
  }

  /** Runs a program to its end. */
  run(program: string, args: readonly string[], options?: RunOptions): Promise<Result> {
    return endOf(this.start(program, args, options), LIMIT_MS, `${program} ${args.join(' ')}`);
  }

  /** What a program prints that ends well. */
  async output(program: string, ...args: string[]): Promise<string> {
    return (await this.succeed(program, args)).stdout;
  }

  async succeed(program: string, args: readonly string[]): Promise<Result> {
    const result = await this.run(program, args);
    const { status, signal, stdout, stderr } = result;
    assert.equal(
      status,
      0,
      `${program} ${args.join(' ')}: ${signal ?? status}\n${(stdout + stderr).slice(0, 2000)}`,
    );
    return result;
  }

  startFacet(args: readonly string[], options?: RunOptions): Running {
    return this.start(this.#program.node, [this.#program.facet, ...args], options);
  }

  /** Runs facet to its end. */
  facet(...args: string[]): Promise<Result> {
    return this.facetWith({}, ...args);
  }

  facetWith(options: RunOptions, ...args: string[]): Promise<Result> {
    return this.run(this.#program.node, [this.#program.facet, ...args], options);
  }

  /** The command line of facet, for a shell. */
  get shellCommand(): string {
    return `'${this.#program.node}' '${this.#program.facet}'`;
  }

  /** Runs facet, which has to end well. */
  async done(...args: string[]): Promise<string> {
    return this.output(this.#program.node, this.#program.facet, ...args);
  }

  /** Adds the source as `docs` and scans it. */
  async index(...scanOptions: string[]): Promise<void> {
    this.give();
    await this.done('index', 'add', 'docs', this.source);
    await this.done('index', 'scan', ...scanOptions);
  }

  /** Mounts; rejects when facet ends before it has mounted. */
  async mount(args: readonly string[] = [], mountpoint = this.mountpoint): Promise<FacetMount> {
    const running = this.startFacet(['mount', '--json', ...args, '--', mountpoint]);
    this.#mounts.add(running);
    const mounted = new Promise(done => running.process.stdout?.once('data', () => done(undefined)));
    await Promise.race([mounted, running.ended.then(end => assert.fail(`not mounted: ${end.stderr}`))]);
    const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
      running.process.kill(signal);
      return endOf(running, UNMOUNT_LIMIT_MS, 'the mount');
    };
    return { ...running, mountpoint, stop };
  }

  /** Ends everything and removes the place; throws when something had to be ended by force. */
  async close(): Promise<void> {
    try {
      const helpers = [...this.#running].filter(each => !this.#mounts.has(each));
      for (const each of helpers) killGroup(each);
      await Promise.all(helpers.map(each => endOf(each, UNMOUNT_LIMIT_MS, 'what was killed')));
      const mounts = [...this.#running];
      for (const each of mounts) each.process.kill('SIGTERM');
      for (const each of mounts) {
        const { status, stderr } = await endOf(each, UNMOUNT_LIMIT_MS, 'the mount');
        assert.equal(status, 0, `the mount ended with ${status}: ${stderr}`);
      }
      assert.deepEqual(mountsBelow(this.base), [], 'mounts that were left behind');
    } finally {
      this.sweep();
    }
  }

  /** Ends everything by force, at once. */
  sweep(): void {
    open.delete(this);
    for (const each of this.#running) killGroup(each);
    for (const each of mountsBelow(this.base)) {
      const free = ['fusermount3', '-uzq', '--', each];
      if (spawnSync(free[0] ?? '', free.slice(1)).status !== 0) spawnSync('umount', ['-l', '--', each]);
    }
    rmSync(this.base, { recursive: true, force: true });
  }
}

function startProcess(program: string, args: readonly string[], options: SpawnOptions): Running {
  const child = spawn(program, args, options);
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout?.on('data', (piece: Buffer) => out.push(piece));
  child.stderr?.on('data', (piece: Buffer) => err.push(piece));
  const ended = once(child, 'close').then(([status, signal]): Result => {
    const bytes = Buffer.concat(out);
    return { status, signal, stdout: bytes.toString(), stderr: Buffer.concat(err).toString(), bytes };
  });
  return { process: child, ended };
}

function killGroup({ process: child }: Running): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

/** How it ends. Rejects when it does not, which in a mount that hangs not even SIGKILL brings about. */
function endOf(running: Running, limitMs: number, what: string): Promise<Result> {
  return new Promise((resolve, reject) => {
    const limit = setTimeout(() => {
      killGroup(running);
      reject(new Error(`not ended after ${limitMs} ms: ${what}`));
    }, limitMs);
    running.ended.then(resolve, reject).finally(() => clearTimeout(limit));
  });
}

/** Polls until `probe` finds something. Returns it. */
export async function until<T>(what: string, probe: () => Promise<T | false | undefined>): Promise<T> {
  const patienceMs = 5_000;
  const startedAt = performance.now();
  for (;;) {
    const found = await probe();
    if (found !== false && found !== undefined) return found;
    assert.ok(performance.now() - startedAt < patienceMs, `waited ${patienceMs} ms in vain until ${what}`);
    await wait(10);
  }
}

/** Mountpoints at or below a folder, the innermost first. */
export function mountsBelow(folder: string): string[] {
  const table = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  const mountpoints = table.map(line =>
    (line.split(' ')[4] ?? '').replace(/\\([0-7]{3})/g, (_, octal) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    ),
  );
  return mountpoints.filter(each => each.startsWith(`${folder}/`)).reverse();
}

interface Program {
  node: string;
  facet: string;
}

const built = fileURLToPath(new URL('../../', import.meta.url));
const own: Program = { node: process.execPath, facet: join(built, 'commands/facet.js') };
let copied: Program | undefined;
let copyFolder: string | undefined;

/** Another user may have no way into the folder of the one who runs the tests, /root for example: it gets a copy. */
function programOf(user: User): Program {
  if (!user.ids || runs(own, user.ids)) return own;
  copied ??= copyProgram();
  return copied;
}

function runs({ node, facet }: Program, ids: { uid: number; gid: number }): boolean {
  try {
    return spawnSync(node, [facet, '--version'], { ...ids, cwd: '/' }).status === 0;
  } catch {
    return false;
  }
}

function copyProgram(): Program {
  copyFolder = mkdtempSync(join(tmpdir(), 'facet-copy-'));
  const project = dirname(built);
  const development = /\/node_modules\/(typescript|fast-check|@biomejs|@types|@typescript|\.[^/]*)$/;
  for (const name of [
    'package.json',
    'node_modules',
    `${basename(built)}/src`,
    `${basename(built)}/commands`,
  ]) {
    const filter = (path: string) => !development.test(path);
    cpSync(join(project, name), join(copyFolder, name), { recursive: true, filter, dereference: true });
  }
  cpSync(process.execPath, join(copyFolder, 'node'));
  execFileSync('chmod', ['-R', 'a+rX', copyFolder]);
  return { node: join(copyFolder, 'node'), facet: join(copyFolder, basename(built), 'commands/facet.js') };
}

const open = new Set<Place>();

function sweepAll(): void {
  for (const each of open) each.sweep();
  if (copyFolder) rmSync(copyFolder, { recursive: true, force: true });
}

process.once('exit', sweepAll);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    sweepAll();
    process.kill(process.pid, signal);
  });
}
