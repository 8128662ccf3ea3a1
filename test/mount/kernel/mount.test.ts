/**
 * Real mounts of the mirror, each in its own temporary folder. Everything that touches a mountpoint runs in
 * another process or in Node's thread pool, and is given a time limit: a mount that hangs must fail its test.
 */

import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { FacetError } from '../../../src/errors.js';
import { openMount, unmount } from '../../../src/mount/kernel/fusermount.js';
import { encodeInvalidEntry, encodeInvalidInode, notify } from '../../../src/mount/kernel/notify.js';
import { createStopSwitch, type StopSwitch, stopSession } from '../../../src/mount/kernel/stop.js';

const WORKER = new URL('./mirror-worker.js', import.meta.url);
const MAX_READ = 2 ** 20;
const LIMIT_MS = 60_000;
const isRoot = process.getuid?.() === 0;

interface Ended {
  end: string;
  counters: { requests: number[]; malformed: number; faults: number; refusedReplies: number };
  negotiated: { passthrough: boolean; minor: number };
  faults: string[];
}

interface Mirror {
  source: string;
  mountpoint: string;
  device: number;
  stop: StopSwitch;
  ended: Promise<Ended>;
}

const run = promisify(execFile);

/** Runs a program with the mountpoint as its working folder's sibling; returns what it printed. */
async function output(program: string, ...args: string[]): Promise<string> {
  const { stdout } = await run(program, args, {
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
    encoding: 'latin1',
    maxBuffer: 2 ** 26,
    env: { PATH: process.env.PATH, LC_ALL: 'C' },
  });
  return stdout;
}

async function startSession(source: string, mountpoint: string, wantPassthrough: boolean): Promise<Mirror> {
  const device = await openMount(mountpoint, { fsname: 'mirror', subtype: 'facet', maxRead: MAX_READ });
  const stop = createStopSwitch();
  const worker = new Worker(WORKER, { workerData: { device, root: source, stop, wantPassthrough } });
  const ended = new Promise<Ended>(resolve => worker.once('message', resolve));
  return { source, mountpoint, device, stop, ended };
}

interface MountCase {
  fill?: (source: string) => void;
  name?: string;
  wantPassthrough?: boolean;
}

/** Mounts a mirror of a new folder for the length of `body`; checks that no reply was refused. */
async function mounted(cases: MountCase, body: (mirror: Mirror) => Promise<void>): Promise<Ended> {
  const base = fs.mkdtempSync(path.join(os.tmpdir(), 'facet-kernel-'));
  const source = path.join(base, 'source');
  const mountpoint = path.join(base, cases.name ?? 'mnt');
  fs.mkdirSync(source);
  fs.mkdirSync(mountpoint);
  cases.fill?.(source);
  const mirror = await startSession(source, mountpoint, cases.wantPassthrough ?? false);
  try {
    await body(mirror);
  } finally {
    await unmount(mountpoint, { lazy: true }).catch(() => undefined);
    await stopSession(mirror.stop);
    fs.closeSync(mirror.device);
    fs.rmSync(base, { recursive: true, force: true });
  }
  const ended = await mirror.ended;
  assert.deepEqual([ended.counters.malformed, ended.counters.refusedReplies, ended.faults], [0, 0, []]);
  return ended;
}

function fillSmall(source: string): void {
  fs.writeFileSync(path.join(source, 'hello.txt'), 'hello\n');
  fs.writeFileSync(path.join(source, 'empty'), '');
  fs.symlinkSync('hello.txt', path.join(source, 'link'));
  fs.mkdirSync(path.join(source, 'folder/deep'), { recursive: true });
  fs.writeFileSync(path.join(source, 'folder/deep/data'), randomBytes(5_000_001));
  // Before 1970, and of a precision that the mirror's doubles can hold.
  execFileSync('find', [source, '-exec', 'touch', '-h', '-d', '@-1.5', '{}', '+']);
}

describe('a mount', () => {
  for (const wantPassthrough of isRoot ? [false, true] : [false]) {
    it(`shows its files, ${wantPassthrough ? 'with' : 'without'} passthrough`, async () => {
      const ended = await mounted({ fill: fillSmall, wantPassthrough }, async ({ source, mountpoint }) => {
        const format = ['-printf', '%P %y %m %s %T@ %l\n'];
        const sorted = async (folder: string) => (await output('find', folder, ...format)).split('\n').sort();
        assert.deepEqual(await sorted(mountpoint), await sorted(source));
        assert.equal(await output('diff', '-r', source, mountpoint), '');
        assert.equal(await output('cat', path.join(mountpoint, 'link')), 'hello\n');
        assert.equal(await output('readlink', path.join(mountpoint, 'link')), 'hello.txt\n');
        assert.match(await output('ls', '-la', mountpoint), /link -> hello\.txt/);
        const copy = path.join(path.dirname(source), 'copy');
        await output('cp', '-a', mountpoint, copy);
        assert.equal(await output('diff', '-r', source, copy), '');
      });
      if (!wantPassthrough) assert.equal(ended.negotiated.passthrough, false);
    });
  }

  it('answers statfs with real numbers', () =>
    mounted({}, async ({ source, mountpoint }) => {
      const format = ['-f', '-c', '%l %b %S %c'];
      assert.equal(await output('stat', ...format, mountpoint), await output('stat', ...format, source));
      assert.match(await output('df', '--output=source,fstype', mountpoint), /mirror +fuse\.facet/);
    }).then(() => undefined));

  it('is read-only', () =>
    mounted({ fill: fillSmall }, async ({ mountpoint }) => {
      const attempts = [
        'echo x > new',
        'echo x >> hello.txt',
        'mkdir new',
        'rm hello.txt',
        'rmdir folder/deep',
        'mv hello.txt other',
        'ln hello.txt hard',
        'ln -s a soft',
        'mkfifo fifo',
        'chmod 600 hello.txt',
        'touch hello.txt',
        'truncate -s 1 hello.txt',
      ];
      for (const attempt of attempts) {
        const result = output('sh', '-c', `cd "$0" && ${attempt}`, mountpoint);
        await assert.rejects(result, /[Rr]ead-only file system/, attempt);
      }
    }).then(() => undefined));

  it('reads at every offset, and past the end', () =>
    mounted({ fill: fillSmall }, async ({ source, mountpoint }) => {
      const bytes = fs.readFileSync(path.join(source, 'folder/deep/data'));
      const file = await fs.promises.open(path.join(mountpoint, 'folder/deep/data'));
      try {
        for (const at of [0, 1, 4095, 4096, 1_048_575, 4_999_999, 5_000_000, 5_000_001, 2 ** 40, 2 ** 52]) {
          const { bytesRead, buffer } = await file.read(Buffer.alloc(10_000), 0, 10_000, at);
          assert.deepEqual(buffer.subarray(0, bytesRead), bytes.subarray(at, at + 10_000), `at ${at}`);
        }
      } finally {
        await file.close();
      }
    }).then(() => undefined));

  it('lists every kind of name', () => {
    const names = [
      'x'.repeat(255),
      '-rf',
      'new\nline',
      "quo'te",
      'back\\slash',
      ' ',
      'ä',
      '\xff\xfe',
      '\xe2\x82',
      '💾',
    ];
    const bytes = names.map(name => Buffer.from(name, name === '💾' || name === 'ä' ? 'utf8' : 'latin1'));
    const fill = (source: string) => {
      for (const name of bytes) fs.writeFileSync(Buffer.concat([Buffer.from(`${source}/`), name]), name);
    };
    return mounted({ fill }, async ({ source, mountpoint }) => {
      assert.equal(await output('diff', '-r', source, mountpoint), '');
      const listed = await fs.promises.readdir(mountpoint, { encoding: 'buffer' });
      const sort = (list: Buffer[]) => list.map(name => name.toString('latin1')).sort();
      assert.deepEqual(sort(listed), sort(bytes));
      const long = path.join(mountpoint, 'y'.repeat(256));
      await assert.rejects(fs.promises.stat(long), { code: 'ENAMETOOLONG' });
      await assert.rejects(fs.promises.stat(path.join(mountpoint, 'none')), { code: 'ENOENT' });
    }).then(() => undefined);
  });

  it('lists 100,000 entries, each once', () => {
    const fill = (source: string) => {
      for (let i = 0; i < 100_000; i += 1) fs.closeSync(fs.openSync(path.join(source, `file-${i}`), 'w'));
    };
    return mounted({ fill }, async ({ mountpoint }) => {
      const lines = (await output('find', mountpoint, '-type', 'f', '-printf', '%f\n')).trim().split('\n');
      assert.equal(lines.length, 100_000);
      assert.equal(new Set(lines).size, 100_000);
    }).then(() => undefined);
  });

  it('seeks in a folder', async () => {
    const program = `opendir(D, $ARGV[0]); my @all; my @at;
      while (1) { my $p = telldir(D); my $n = readdir(D); last unless defined $n; push @all, $n; push @at, $p; }
      for my $i (reverse 0 .. $#all) { seekdir(D, $at[$i]); my $n = readdir(D); die "$i" if $n ne $all[$i]; }
      rewinddir(D); my @again = readdir(D); die "rewind" if "@again" ne "@all"; print scalar @all;`;
    const fill = (source: string) => {
      for (let i = 0; i < 1000; i += 1) fs.writeFileSync(path.join(source, `f${i}`), '');
    };
    await mounted({ fill }, async ({ mountpoint }) => {
      assert.equal(await output('perl', '-e', program, mountpoint), '1000');
    });
  });

  it('offers extended attributes', () =>
    mounted({ fill: fillSmall }, async ({ mountpoint }) => {
      const file = path.join(mountpoint, 'hello.txt');
      const python =
        'import os,sys; print(os.listxattr(sys.argv[1]), os.getxattr(sys.argv[1], "user.mirror"))';
      assert.equal(await output('python3', '-c', python, file), "['user.mirror'] b'yes'\n");
    }).then(() => undefined));

  it('may be on a mountpoint of any name', async () => {
    for (const name of ['with,comma', 'with space', 'back\\slash', '-dash', 'new\nline', 'ü', 'quo\'te"']) {
      await mounted({ name, fill: fillSmall }, async ({ mountpoint }) => {
        assert.equal(await output('cat', path.join(mountpoint, 'hello.txt')), 'hello\n');
        await unmount(mountpoint);
      });
    }
  });

  it('forgets names and contents when it is told to', () =>
    mounted({ fill: fillSmall }, async ({ source, mountpoint, device }) => {
      const file = path.join(mountpoint, 'hello.txt');
      assert.equal(await output('cat', file), 'hello\n');
      const { ino } = await fs.promises.stat(file);
      fs.writeFileSync(path.join(source, 'hello.txt'), 'other\n');
      assert.equal(notify(device, encodeInvalidInode(ino, 7)), true);
      assert.equal(notify(device, encodeInvalidEntry(1, 0, Buffer.from('hello.txt'))), true);
      assert.equal(await output('cat', file), 'other\n');
      assert.equal(notify(device, encodeInvalidInode(2 ** 39, 7)), false);
      assert.equal(notify(device, encodeInvalidEntry(1, 0, Buffer.from('unknown'))), false);
    }).then(() => undefined));
});

/** Looks up names that were never asked for before; says so after the first thousand. */
const LOOK_UP_FOREVER =
  'n=0; while :; do [ -e "$0/$n" ]; n=$((n + 1)); [ $n = 1000 ] && echo busy; done; exit 0';

/** Processor time that the FUSE thread has had, in ticks of 10 ms. */
function ticksOf(stop: StopSwitch): number {
  const [, , ...fields] = fs.readFileSync(`/proc/self/task/${stop[1]}/stat`, 'utf8').split(/\) | /);
  return Number(fields[11]) + Number(fields[12]);
}

describe('a mount that nobody uses', () => {
  it('takes no processor time, also after many requests, and wakes up again', () =>
    mounted({ fill: fillSmall }, async ({ mountpoint, stop }) => {
      const asker = spawn('timeout', ['1', 'sh', '-c', LOOK_UP_FOREVER, mountpoint], { stdio: 'ignore' });
      await once(asker, 'exit');
      const before = ticksOf(stop);
      await setTimeout(2000);
      const ticks = ticksOf(stop) - before;
      assert.ok(ticks < 10, `${ticks} of 200`);
      assert.equal(await output('cat', path.join(mountpoint, 'hello.txt')), 'hello\n');
    }).then(() => undefined));
});

describe('the end of a mount', () => {
  it('is DESTROY or ENODEV when it is unmounted', async () => {
    const ended = await mounted({ fill: fillSmall }, async ({ mountpoint }) => {
      await output('ls', mountpoint);
      await unmount(mountpoint);
    });
    assert.match(ended.end, /^(unmounted|destroyed)$/);
  });

  it('waits while a file is open, unless it is lazy, and can be forced by stopping', async () => {
    const ended = await mounted({ fill: fillSmall }, async ({ mountpoint, stop, device }) => {
      const holder = spawn('sleep', ['60'], { cwd: mountpoint, stdio: 'ignore' });
      await once(holder, 'spawn');
      try {
        const busy = (error: unknown) => error instanceof FacetError && error.code === 'in-use';
        await assert.rejects(unmount(mountpoint), busy);
        await unmount(mountpoint, { lazy: true });
        await stopSession(stop);
        assert.ok(fs.fstatSync(device).isCharacterDevice());
      } finally {
        holder.kill('SIGKILL');
        await once(holder, 'exit');
      }
    });
    assert.equal(ended.end, 'stopped');
  });

  it('comes at once when it is stopped between two requests of many', async () => {
    const ended = await mounted({}, async ({ mountpoint, stop }) => {
      const asker = spawn('sh', ['-c', LOOK_UP_FOREVER, mountpoint], { stdio: ['ignore', 'pipe', 'ignore'] });
      try {
        await once(asker.stdout, 'data');
        await stopSession(stop);
      } finally {
        asker.kill('SIGKILL');
      }
    });
    assert.equal(ended.end, 'stopped');
  });

  it('is ENOTCONN when its process is killed', async () => {
    const base = fs.mkdtempSync(path.join(os.tmpdir(), 'facet-kernel-'));
    const mountpoint = path.join(base, 'mnt');
    fs.mkdirSync(mountpoint);
    const program = fileURLToPath(new URL('./mirror-process.js', import.meta.url));
    const child = spawn(process.execPath, [program, os.tmpdir(), mountpoint], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      await once(child.stdout, 'data');
      await output('stat', mountpoint);
      child.kill('SIGKILL');
      await once(child, 'exit');
      await assert.rejects(fs.promises.readdir(mountpoint), { code: 'ENOTCONN' });
      const dead = (error: unknown) => error instanceof FacetError && error.code === 'in-use';
      await assert.rejects(openMount(mountpoint, {}), dead);
      await unmount(mountpoint);
      assert.deepEqual(await fs.promises.readdir(mountpoint), []);
    } finally {
      child.kill('SIGKILL');
      await unmount(mountpoint, { lazy: true }).catch(() => undefined);
      fs.rmSync(base, { recursive: true, force: true });
    }
  });
});
