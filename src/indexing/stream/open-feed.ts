/** Connects to what an address leads to: to follow it, or to publish there. */
import { FacetError } from '../../errors.js';
import { parseStreamUri } from '../../sources/stream-uri.js';
import type { Connection } from './connection.js';
import type { Feed } from './feed.js';
import { findServer } from './leader.js';

/** Throws `unreachable`, `denied` or `usage`; ended by `signal`, which ends the connections too. */
export async function openFeed(uri: string, signal: AbortSignal): Promise<Feed> {
  const found = await findServer(parseStreamUri(uri), signal);
  if ('api' in found) {
    const { ApiFeed } = await import('./api-feed.js');
    return new ApiFeed(found.api, signal);
  }
  const { Connection } = await import('./connection.js');
  return Connection.open(found, signal);
}

/** The same for a Redis that can be written to: what belongs together is written at once, which no cluster can. */
export async function openRedis(uri: string, signal: AbortSignal): Promise<Connection> {
  const found = await findServer(parseStreamUri(uri), signal);
  if ('api' in found || found.place.kind === 'cluster') {
    throw new FacetError('usage', `nothing can be published to ${uri}`, {
      hint: 'name a Redis that is no cluster: redis://host',
    });
  }
  const { Connection } = await import('./connection.js');
  return Connection.open(found, signal);
}
