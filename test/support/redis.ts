/** Redis servers of the tests' own, with files in the format of MetaMesh. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { makeFolder, removeFolder } from './temporary-folder.js';

export interface TestRedis {
  readonly uri: string;
  readonly port: number;
  /** Connected as long as the server runs. */
  readonly client: Redis;
  /** Stops the server as `kill` does; what it did not save is lost. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** What does not end it. */
  signal(signal: NodeJS.Signals): void;
  /** Starts it again at the same port. */
  start(): Promise<void>;
  /** Nothing of it is left. */
  end(): Promise<void>;
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** Starts a server that keeps nothing, unless `more` says so. It is stopped when the test is over. */
export async function startRedis(context: TestContext, ...more: string[]): Promise<TestRedis> {
  const server = await launchRedis(...more);
  context.after(() => server.end());
  return server;
}

/** For what is no test; whoever starts it ends it. */
export async function launchRedis(...more: string[]): Promise<TestRedis> {
  const server = new Server(await freePort(), more);
  await server.start();
  return server;
}

class Server implements TestRedis {
  readonly port: number;
  readonly client: Redis;
  readonly #folder = makeFolder();
  readonly #more: readonly string[];
  #process: ChildProcess | undefined;

  constructor(port: number, more: readonly string[]) {
    this.port = port;
    this.#more = more;
    this.client = new Redis({ port, lazyConnect: true, retryStrategy: () => 20, maxRetriesPerRequest: null });
    this.client.on('error', () => {});
  }

  get uri(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const args = ['--port', `${this.port}`, '--bind', '127.0.0.1', '--dir', this.#folder];
    this.#process = spawn('redis-server', [...args, '--save', '', '--appendonly', 'no', ...this.#more], {
      stdio: 'ignore',
    });
    await this.client.ping();
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, 'exit');
  }

  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  async end(): Promise<void> {
    this.client.disconnect();
    await this.stop('SIGKILL');
    removeFolder(this.#folder);
  }
}

/** A sentinel that watches a server as the group `media`. Resolves to its port. */
export async function startSentinel(context: TestContext, watched: TestRedis): Promise<number> {
  const [port, folder] = [await freePort(), makeFolder()];
  const file = join(folder, 'sentinel.conf');
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    `sentinel monitor media 127.0.0.1 ${watched.port} 1`,
    'sentinel down-after-milliseconds media 300',
    'sentinel failover-timeout media 2000',
  ];
  writeFileSync(file, lines.join('\n'));
  const child = spawn('redis-server', [file, '--sentinel'], { stdio: 'ignore' });
  const client = new Redis({ port, retryStrategy: () => 20, maxRetriesPerRequest: null });
  client.on('error', () => {});
  context.after(async () => {
    client.disconnect();
    child.kill('SIGKILL');
    await once(child, 'exit');
    removeFolder(folder);
  });
  await client.ping();
  return port;
}

/** Three servers that share the keys. Resolves to their ports. */
export async function startCluster(context: TestContext): Promise<number[]> {
  const announced = ['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1'];
  const servers = await Promise.all([1, 2, 3].map(() => startRedis(context, ...announced)));
  const ports = servers.map(({ port }) => port);
  const [first] = servers;
  const addresses = ports.map(port => `127.0.0.1:${port}`);
  execFileSync('redis-cli', ['--cluster', 'create', ...addresses, '--cluster-yes'], { stdio: 'pipe' });
  while (!(await first?.client.cluster('INFO'))?.includes('cluster_state:ok')) await wait(20);
  return ports;
}

/** What MetaMesh does when it learns something of a file: null takes a property away. */
export async function publish(
  client: Redis,
  id: string,
  properties: Readonly<Record<string, string | number | null>>,
  prefix = '',
): Promise<void> {
  const pipeline = client.pipeline();
  for (const [name, value] of Object.entries(properties)) {
    const key = `${prefix}file:${id}/${name}`;
    if (value === null) pipeline.del(key);
    else pipeline.set(key, value);
    pipeline.sadd(`${prefix}file:__index__`, id);
    pipeline.xadd('meta:events', '*', 'type', value === null ? 'del' : 'set', 'key', key, 'ts', Date.now());
  }
  await pipeline.exec();
}
