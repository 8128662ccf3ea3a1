/** Runs programs and says how long they took and how much memory they had. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { stopSignal } from './stop.js';

/** Somebody else than the user who runs the benchmark. */
export interface User {
  uid: number;
  gid: number;
}

/** `nobody` and `nogroup` of Debian. */
export const NOBODY: User = { uid: 65534, gid: 65534 };

export const isRoot = process.getuid?.() === 0;

export interface RunOptions {
  cwd?: string;
  /** A file that the program reads as its standard input. */
  input?: string;
  as?: User | undefined;
  /** Keep what it prints; otherwise it prints to /dev/null. */
  capture?: boolean;
  /** Look at its memory and its processor time while it runs. */
  watchMemory?: boolean;
  /** Kill it with SIGKILL as soon as this is so; asked every few milliseconds. */
  killWhen?: () => boolean;
  /** Kill it with SIGKILL after so many seconds. */
  limitSeconds?: number;
  /** Do not throw when it fails. */
  mayFail?: boolean;
  /** Part of cleaning up: runs although the benchmark was stopped. */
  evenWhenStopped?: boolean;
}

export interface Finished {
  seconds: number;
  status: number | null;
  stdout: string;
  stderr: string;
  /** The largest resident set, in bytes; 0 when nobody looked. */
  peakRss: number;
  /** Processor time in seconds, likewise. */
  cpuSeconds: number;
}

/** Runs a program to its end. Throws when it fails or the benchmark is stopped. */
export async function run(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Finished> {
  if (!options.evenWhenStopped) stopSignal.throwIfAborted();
  const input = options.input === undefined ? 'ignore' : openSync(options.input, 'r');
  const startedAt = performance.now();
  try {
    const child = spawn(program, args, {
      cwd: options.cwd,
      ...options.as,
      stdio: [input, options.capture ? 'pipe' : 'ignore', 'pipe'],
      killSignal: 'SIGKILL',
      ...(options.limitSeconds === undefined ? {} : { timeout: options.limitSeconds * 1000 }),
      ...(options.evenWhenStopped ? {} : { signal: stopSignal }),
    });
    const finished = await finish(child, startedAt, options);
    if (finished.status !== 0 && !options.mayFail) throw failure(program, args, finished);
    return finished;
  } finally {
    if (input !== 'ignore') closeSync(input);
  }
}

async function finish(child: ChildProcess, startedAt: number, options: RunOptions): Promise<Finished> {
  const use = options.watchMemory ? watchUse(child.pid) : undefined;
  const killer = options.killWhen && killWhen(child, options.killWhen);
  const stdout = gather(child.stdout);
  const stderr = gather(child.stderr);
  try {
    const { status, at } = await ended(child);
    return {
      seconds: (at - startedAt) / 1000,
      status,
      stdout: stdout(),
      stderr: stderr(),
      peakRss: use?.peakRss ?? 0,
      cpuSeconds: use?.cpuSeconds ?? 0,
    };
  } finally {
    use?.stop();
    clearInterval(killer);
  }
}

/** The time counts when the process is gone; its output is complete a moment later. */
function ended(child: ChildProcess): Promise<{ status: number | null; at: number }> {
  return new Promise((resolve, reject) => {
    let at = 0;
    child.once('exit', () => {
      at = performance.now();
    });
    child.once('error', reject);
    child.once('close', status => resolve({ status, at }));
  });
}

function killWhen(child: ChildProcess, isTime: () => boolean): NodeJS.Timeout {
  return setInterval(() => {
    if (isTime()) child.kill('SIGKILL');
  }, 5);
}

/** Reads a stream to its end; the function returns what came. */
export function gather(stream: NodeJS.ReadableStream | null): () => string {
  let text = '';
  stream?.setEncoding('utf8').on('data', chunk => {
    text += chunk;
  });
  return () => text;
}

function failure(program: string, args: readonly string[], { status, stderr }: Finished): Error {
  return new Error(`${[program, ...args].join(' ')} failed (${status}): ${stderr.trim()}`);
}

const LOOK_EVERY_MS = 25;

/** What a process has used never falls, so the last look tells all but the last moment. */
function watchUse(pid: number | undefined) {
  const use = { peakRss: 0, cpuSeconds: 0, stop: () => clearInterval(timer) };
  const look = () => {
    use.peakRss = Math.max(use.peakRss, memoryOf(pid, 'VmHWM'));
    use.cpuSeconds = Math.max(use.cpuSeconds, cpuSecondsOf(pid));
  };
  const timer = setInterval(look, LOOK_EVERY_MS);
  return use;
}

/** Linux tells user space a hundredth of a second a tick, whatever the kernel's own are. */
const TICKS_PER_SECOND = 100;

/** The processor time of a process and all its threads so far. 0 when it is gone. */
export function cpuSecondsOf(pid: number | undefined): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // utime and stime of proc_pid_stat(5), the 14th and 15th field; the name before the third may have spaces.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  } catch {
    return 0;
  }
}

/** The memory of a process in bytes: resident now, or at its peak. 0 when it is gone. */
export function memoryOf(pid: number | undefined, what: 'VmRSS' | 'VmHWM'): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(new RegExp(`^${what}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

const STOP_GRACE_MS = 15_000;

/** Asks a process to end with SIGTERM, and after a while makes it. */
export async function stopProcess(child: ChildProcess): Promise<void> {
  const gone = () => child.exitCode !== null || child.signalCode !== null;
  child.kill('SIGTERM');
  for (const deadline = performance.now() + STOP_GRACE_MS; !gone() && performance.now() < deadline; ) {
    await sleep(5);
  }
  if (!gone()) child.kill('SIGKILL');
}
