/** Starts the server of the benchmark, and the long lines to it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { stopProcess } from '../processes.js';
import type { BucketSize } from './objects.js';

/** A way to the server. */
export interface Line {
  /** How long a round trip takes. */
  delayMs: number;
  endpoint: string;
}

export interface Sent {
  requests: number;
  bytes: number;
}

export interface Server {
  lines: Line[];
  /** What it has answered so far. */
  sent(): Promise<Sent>;
  close(): Promise<void>;
}

/** The server, and a line to it for each delay; without a delay it is asked directly. */
export async function startServer(size: BucketSize, delaysMs: readonly number[]): Promise<Server> {
  const children: ChildProcess[] = [];
  const close = async () => void (await Promise.all(children.map(stopProcess)));
  try {
    const port = await start(children, './server.js', [size.largeBytes, size.listed]);
    const lines: Line[] = [];
    for (const delayMs of delaysMs) {
      const own = delayMs === 0 ? port : await start(children, './proxy.js', [port, delayMs]);
      lines.push({ delayMs, endpoint: addressOf(own) });
    }
    return { lines, sent: () => sent(addressOf(port)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

function addressOf(port: number): string {
  return `http://127.0.0.1:${port}`;
}

/** Starts one of the programs beside this file; resolves to the port that it prints. */
async function start(children: ChildProcess[], program: string, args: readonly number[]): Promise<number> {
  const file = fileURLToPath(new URL(program, import.meta.url));
  const child = spawn(process.execPath, [file, ...args.map(String)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    // Ctrl-C is for the benchmark, which stops it when nobody asks any more.
    detached: true,
  });
  children.push(child);
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  return Number(line);
}

async function sent(endpoint: string): Promise<Sent> {
  const answer = await fetch(`${endpoint}/-/sent`);
  const { requests, bytes } = JSON.parse(await answer.text());
  return { requests: Number(requests), bytes: Number(bytes) };
}
