/** Connects to what a source's address leads to. */
import { parseRedisUri } from '../../sources/redis-uri.js';
import type { Feed } from './feed.js';
import { findServer } from './leader.js';

/** Throws `unreachable`, `denied` or `usage`; ended by `signal`, which ends the connections too. */
export async function openFeed(uri: string, signal: AbortSignal): Promise<Feed> {
  const found = await findServer(parseRedisUri(uri), signal);
  if ('api' in found) {
    const { ApiFeed } = await import('./api-feed.js');
    return new ApiFeed(found.api, signal);
  }
  const { Connection } = await import('./connection.js');
  return Connection.open(found, signal);
}
