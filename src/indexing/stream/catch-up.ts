/** Brings a source up to date with its stream, once. */
import type { Catalog } from '../../catalog/catalog.js';
import type { SourceRecord } from '../../catalog/sources.js';
import type { AppliedCounts } from './apply.js';
import { listAll } from './list-all.js';
import { openFeed } from './open-feed.js';
import { Session, type SessionOptions } from './session.js';

export interface CatchUpOptions extends SessionOptions {
  /** Look at every file, whatever the stream says. */
  full: boolean;
}

/**
 * For one that has the source locked. Throws `unreachable`, `denied`, the reason of the signal, or `failed` when most files
 * seem to be gone.
 */
export async function catchUpOnce(
  catalog: Catalog,
  source: SourceRecord,
  options: CatchUpOptions,
): Promise<AppliedCounts> {
  const feed = await openFeed(source.uri, options.signal);
  try {
    const session = new Session(catalog, feed, source, options);
    const list = () => listAll(session);
    await catchUp(session, list, options.full || session.state().missing !== undefined);
    return session.counts;
  } catch (error) {
    options.signal.throwIfAborted();
    throw error;
  } finally {
    feed.close();
  }
}

/** Goes on to the end of the stream; where events may have been lost on the way, or `isFull`, all files are listed. */
export async function catchUp(session: Session, list: () => Promise<void>, isFull = false): Promise<void> {
  for (let isListed = !isFull; ; isListed = true) {
    if ((await session.catchUp()) && isListed) return;
    await list();
  }
}
