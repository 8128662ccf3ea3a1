/** Starts a program that mounts something and waits until the mount answers. */
import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMounted } from './mountpoints.js';
import { gather, run, stopProcess, type User } from './processes.js';
import { stopSignal } from './stop.js';

export interface MountProcess {
  child: ChildProcess;
  /** From the start of the program until its mount had answered a listing. */
  secondsToReady: number;
}

export interface MountCommand {
  program: string;
  args: readonly string[];
  /** The folder that the program mounts on. */
  mountpoint: string;
  as?: User | undefined;
}

const LOOK_EVERY_MS = 1;
const PATIENCE_MS = 60_000;

/** Throws, with the program's own words, when it ends or does not mount. */
export async function startMount(command: MountCommand): Promise<MountProcess> {
  const startedAt = performance.now();
  const child = spawn(command.program, command.args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    // Ctrl-C is for the benchmark, which unmounts when nothing uses the mount any more.
    detached: true,
    ...command.as,
  });
  const words = gather(child.stderr);
  try {
    await untilMounted(child, command.mountpoint);
    // In another process, because a mount that does not answer would keep ours from ending.
    await run('ls', ['-f', command.mountpoint], { as: command.as, limitSeconds: PATIENCE_MS / 1000 });
    return { child, secondsToReady: (performance.now() - startedAt) / 1000 };
  } catch (error) {
    await stopProcess(child);
    const why = words().trim() || (error instanceof Error ? error.message : String(error));
    throw new Error(`${command.program} does not mount: ${why}`);
  }
}

async function untilMounted(child: ChildProcess, mountpoint: string): Promise<void> {
  let failed: Error | undefined;
  child.once('error', error => {
    failed = error;
  });
  for (const deadline = performance.now() + PATIENCE_MS; !isMounted(mountpoint); ) {
    stopSignal.throwIfAborted();
    if (failed) throw failed;
    if (child.exitCode !== null) throw new Error(`it ended with status ${child.exitCode}`);
    if (performance.now() > deadline) throw new Error('it takes too long');
    await sleep(LOOK_EVERY_MS);
  }
}
