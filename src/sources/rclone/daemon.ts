/**
 * The user's own rclone, as a server that only this process can talk to: on the loopback interface, with a password made for
 * it alone, which it is given in its environment, where other users cannot read it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { FacetError } from '../../errors.js';
import { type Connections, discard } from '../web/connections.js';
import { TransientError } from '../web/transient.js';

export interface Daemon {
  origin: string;
  headers: Record<string, string>;
  /** Has it ended by itself? */
  ended(): boolean;
  stop(): Promise<void>;
}

const LONGEST_START_MS = 15_000;

/**
 * How often rclone tries in each of our own attempts, unless the user says otherwise. Its ten, all of which wait for each other, take
 * minutes when a remote is down; how long one wants to be left alone it keeps to in any case.
 */
const LOW_LEVEL_RETRIES = '1';

const SETPRIV = '/usr/bin/setpriv';
/** On Linux the kernel ends the server when this process is killed and cannot do it any more. */
const LAUNCHER = process.platform === 'linux' && existsSync(SETPRIV) ? [SETPRIV, '--pdeathsig', 'TERM'] : [];
/** What setpriv says, as shells do, when there is no such program. */
const NOT_FOUND = 127;

/** Throws `unreachable` when there is no rclone, or it does not start. */
export async function startDaemon(connections: Connections): Promise<Daemon> {
  const port = await freePort();
  const [user, password] = [secret(), secret()];
  const [program = '', ...args] = [...LAUNCHER, 'rclone', 'rcd', '--rc-serve'];
  const child = spawn(program, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      RCLONE_LOW_LEVEL_RETRIES: LOW_LEVEL_RETRIES,
      ...process.env,
      RCLONE_RC_ADDR: `127.0.0.1:${port}`,
      RCLONE_RC_USER: user,
      RCLONE_RC_PASS: password,
    },
  });
  const process_ = watch(child);
  const daemon: Daemon = {
    origin: `http://127.0.0.1:${port}`,
    headers: { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` },
    ended: () => process_.failure() !== undefined,
    stop: process_.stop,
  };
  await untilReady(daemon, process_.failure, connections);
  return daemon;
}

function secret(): string {
  return randomBytes(24).toString('hex');
}

/** Follows a process of rclone; it does not outlive this one. */
function watch(child: ChildProcess) {
  let failure: FacetError | undefined;
  const said = lastWords(child);
  const kill = () => child.kill();
  process.once('exit', kill);
  const ended = new Promise<void>(resolve => {
    child.once('error', error => {
      failure ??= noRclone(error);
      resolve();
    });
    child.once('close', status => {
      failure ??=
        status === NOT_FOUND ? noRclone(said()) : new FacetError('unreachable', `rclone ended: ${said()}`);
      process.removeListener('exit', kill);
      resolve();
    });
  });
  const stop = async () => {
    kill();
    await ended;
  };
  return { failure: () => failure, stop };
}

export function noRclone(error: unknown): FacetError {
  return new FacetError('unreachable', 'rclone cannot be started', {
    cause: error,
    hint: 'install it from https://rclone.org/install, and set up the remote: rclone config',
  });
}

/** `2024/05/01 10:00:00 ERROR : `: what rclone begins a line with. */
export const LOG_TIME = /^[\d/]+ [\d:]+ (?:\w+\s*: )?/;

/** The last line that a process writes about what went wrong. */
function lastWords(child: ChildProcess): () => string {
  const MOST_CHARACTERS = 4096;
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', piece => {
    said = (said + piece).slice(-MOST_CHARACTERS);
  });
  return () => said.trim().split('\n').at(-1)?.replace(LOG_TIME, '') ?? '';
}

async function untilReady(daemon: Daemon, failure: () => FacetError | undefined, connections: Connections) {
  const signal = AbortSignal.timeout(LONGEST_START_MS);
  for (;;) {
    const failed = failure();
    if (failed !== undefined) throw failed;
    try {
      const { origin, headers } = daemon;
      const answer = await connections.request({ origin, path: '/rc/noop', method: 'POST', headers, signal });
      await discard(answer);
      if (answer.status === 200) return;
    } catch (error) {
      if (error instanceof TransientError) await wait(50);
      else if (signal.aborted) break;
      else throw error;
    }
  }
  await daemon.stop();
  throw new FacetError('unreachable', 'rclone does not start to serve');
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return address !== null && typeof address === 'object' ? address.port : 0;
}
