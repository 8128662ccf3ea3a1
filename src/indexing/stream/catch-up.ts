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
    if (options.full) await listAll(session);
    await catchUp(session, () => listAll(session));
    return session.counts;
  } catch (error) {
    options.signal.throwIfAborted();
    throw error;
  } finally {
    feed.close();
  }
}

/** Goes on to the end of the stream; where events may have been lost on the way, all files are listed. */
export async function catchUp(session: Session, list: () => Promise<void>): Promise<void> {
  while (!(await session.catchUp())) await list();
}
