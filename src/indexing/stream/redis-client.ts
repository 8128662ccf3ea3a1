/** Clients of a Redis, of the one that sentinels choose, or of a cluster. They never come back by themselves. */
import { setTimeout as wait } from 'node:timers/promises';
import type { Cluster, Redis } from 'ioredis';
import { lazyPackage } from '../../config/lazy-package.js';
import { errorMessage } from '../../errors.js';
import type { FoundRedis } from './leader.js';

const ioredis = lazyPackage<typeof import('ioredis')>('ioredis');

export type RedisClient = Redis | Cluster;

const CONNECT_TIMEOUT_MS = 5_000;

/** A server that is busy or paused for longer is taken for lost, as is a peer that is gone without a word. */
const ANSWER_TIMEOUT_MS = 30_000;

/** A server that hangs closes no connection. */
const GOODBYE_MS = 200;

const NO_SERVERS = 'it does not say where its servers are';

const noAnswer = (withinMs: number) => `it does not answer within ${withinMs / 1000} s`;

export function createClient({ place, password }: FoundRedis): RedisClient {
  const { Cluster, Redis } = ioredis();
  const { tls, username, db } = place;
  const own = {
    connectTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: ANSWER_TIMEOUT_MS,
    disconnectTimeout: GOODBYE_MS,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls ? { tls: {} } : {}),
  };
  const lazy = { lazyConnect: true };
  if (place.kind === 'server') return new Redis({ ...own, ...lazy, ...place.at, db });
  if (place.kind === 'cluster') {
    const once = { clusterRetryStrategy: () => null, enableOfflineQueue: false };
    // Commands for one server go there together.
    return new Cluster(place.hosts, { ...lazy, ...once, enableAutoPipelining: true, redisOptions: own });
  }
  return new Redis({
    ...{ ...own, ...lazy, db, sentinels: place.hosts, name: place.group },
    sentinelRetryStrategy: () => null,
    enableTLSForSentinelMode: tls,
  });
}

/** A server that hangs accepts connections all the same, and a cluster whose servers do not say where they are never connects. */
export async function connected(client: RedisClient): Promise<void> {
  const over = new AbortController();
  const late = wait(2 * CONNECT_TIMEOUT_MS, undefined, { signal: over.signal }).then(
    () => Promise.reject(new Error(client.isCluster ? NO_SERVERS : noAnswer(2 * CONNECT_TIMEOUT_MS))),
    () => {},
  );
  try {
    await Promise.race([client.connect(), late]);
  } finally {
    over.abort();
  }
}

/** Why a connection was lost, in our words. */
export function reasonOf(error: unknown): string {
  const why = errorMessage(error);
  return why.startsWith('Socket timeout') ? noAnswer(ANSWER_TIMEOUT_MS) : why;
}

/** Those that have the keys. */
export function serversOf(client: RedisClient): RedisClient[] {
  return 'nodes' in client ? client.nodes('master') : [client];
}
