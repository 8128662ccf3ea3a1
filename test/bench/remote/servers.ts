/** Starts the quick server of the benchmark, and the long lines to a server. */
import { spawn } from 'node:child_process';
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

export interface Lines {
  lines: Line[];
  close(): Promise<void>;
}

export interface Server extends Lines {
  /** What it has answered so far. */
  sent(): Promise<Sent>;
}

/** A program that listens on a port. */
interface Listener {
  port: number;
  close(): Promise<void>;
}

/** The quick server, and lines to it. */
export async function startServer(size: BucketSize, delaysMs: readonly number[]): Promise<Server> {
  const server = await start('./server.js', [size.largeBytes, size.listed]);
  const lines = await openLines(server, delaysMs);
  return { ...lines, sent: () => sent(addressOf(server.port)) };
}

/** A line to the server for each delay; without a delay it is asked directly. The server is closed with them. */
export async function openLines(server: Listener, delaysMs: readonly number[]): Promise<Lines> {
  const open = new Set([server]);
  const close = async () => void (await Promise.all([...open].map(each => each.close())));
  try {
    const lines: Line[] = [];
    for (const delayMs of delaysMs) {
      const end = delayMs === 0 ? server : await start('./proxy.js', [server.port, delayMs]);
      open.add(end);
      lines.push({ delayMs, endpoint: addressOf(end.port) });
    }
    return { lines, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function addressOf(port: number): string {
  return `http://127.0.0.1:${port}`;
}

/** Starts one of the programs beside this file, which prints its port. */
async function start(program: string, args: readonly number[]): Promise<Listener> {
  const file = fileURLToPath(new URL(program, import.meta.url));
  const child = spawn(process.execPath, [file, ...args.map(String)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    // Ctrl-C is for the benchmark, which stops it when nobody asks any more.
    detached: true,
  });
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  return { port: Number(line), close: async () => void (await stopProcess(child)) };
}

async function sent(endpoint: string): Promise<Sent> {
  const answer = await fetch(`${endpoint}/-/sent`);
  const { requests, bytes } = JSON.parse(await answer.text());
  return { requests: Number(requests), bytes: Number(bytes) };
}
