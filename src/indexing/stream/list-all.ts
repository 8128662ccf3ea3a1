/**
 * Brings a source up to date with the index of all files: at first, and whenever events may have been lost. Files that are
 * not in the index are gone only when all of it was read, only as many as can be believed, and none when the stream was lost:
 * what a Redis that was emptied does not have is missing there.
 */
import type { FacetError } from '../../errors.js';
import { shrinkRefusal } from '../shrink-guard.js';
import { FOLDER_MODE } from './apply.js';
import { ATTRIBUTES } from './format.js';
import { IdSet } from './id-set.js';
import type { Report, Reporter } from './reports.js';
import { propertyList, type Session, withCounts } from './session.js';

/** Files that are looked for, or deleted, in one transaction. */
const BATCH = 1_000;

/** Files that are listed, and written to the catalog, at once: fewer where each has many texts, which take the memory. */
const FILES_PER_BATCH = 10_000;
const TEXTS_PER_BATCH = 100_000;

/**
 * Until all of it is done the source has no position: whoever follows it begins with the list again, and looks whether Redis
 * has lost its past since this one began. What is published meanwhile comes with the events that follow, as the position is
 * where the stream was at the start.
 * Throws `failed` when files are gone and that is not to be believed; then the source is followed all the same.
 */
export async function listAll(session: Session): Promise<void> {
  const { catalog, source, options } = session;
  const startedAt = performance.now();
  const { listing } = session.state();
  const isLost = listing !== undefined && (await session.hasLost(listing));
  const start = await session.feed.lastEntry();
  session.write(session.state().position, [], ({ position: _, missing, ...state }) => ({
    ...{ ...state, listing: start, missing: isLost ? (missing ?? {}) : missing },
  }));
  await session.mark(start.id);
  const properties = await propertiesOf(session);
  // Shown also while it is empty.
  if (!catalog.files.folder(source.id, '')) {
    catalog.write(writer => writer.putFolder(source, '', 0, FOLDER_MODE));
  }
  const seen = new IdSet();
  let listed = 0;
  for await (const { reporter, reports } of reportsAhead(session, properties)) {
    // One without a path is gone as one that is not in the index.
    const found = await reporter.withFollowers(reports.filter(({ file }) => file !== null));
    const present = session.write(undefined, found, state => withCounts(state, reporter));
    for (const id of present ?? []) seen.add(id);
    listed += reports.length;
    options.onProgress(listed);
  }
  const counted = countUnseen(session, seen);
  const isDoubtful = session.state().missing !== undefined || (await session.hasLost(start));
  const refusal = refusalOf(session, { ...counted, isDoubtful });
  if (counted.deletions > 0 && !refusal) await deleteUnseen(session, seen, properties);
  session.write(undefined, [], state => ({
    ...{ ...state, position: start.id, entries: start.nth, listing: undefined, properties },
    missing: refusal && { unavailable: refusal.message, hint: refusal.hint, countedAt: start.id },
    lastRefresh: new Date().toISOString(),
  }));
  session.countedIn(performance.now() - startedAt);
  if (refusal) throw refusal;
}

async function propertiesOf(session: Session): Promise<readonly string[]> {
  if (session.source.options.stream?.properties !== 'all') return session.wantedProperties();
  const names = new Set<string>();
  for await (const batch of session.feed.keys(session.keys.pattern)) {
    for (const key of batch) names.add(session.keys.parse(key)?.property ?? '');
  }
  return propertyList(names);
}

interface Page {
  reporter: Reporter;
  reports: Report[];
}

/** Redis looks for what comes next while the catalog is written. */
async function* reportsAhead(session: Session, properties: readonly string[]): AsyncGenerator<Page> {
  let page: Promise<Page> | undefined;
  const fitting = Math.ceil(TEXTS_PER_BATCH / (ATTRIBUTES.length + properties.length));
  const count = Math.min(FILES_PER_BATCH, fitting);
  for await (const ids of session.feed.members(session.keys.index, count)) {
    const reporter = session.reporter(properties);
    const next = reporter.ofIndex(ids).then(reports => ({ reporter, reports }));
    // Told by whoever awaits it.
    next.catch(() => {});
    if (page) yield await page;
    page = next;
  }
  if (page) yield await page;
}

interface Counted {
  kept: number;
  deletions: number;
}

function countUnseen({ catalog, source }: Session, seen: IdSet): Counted {
  const counted = { kept: 0, deletions: 0 };
  for (const page of catalog.files.pagesOf(source.id, BATCH)) {
    for (const { id } of page) counted[seen.has(id) ? 'kept' : 'deletions']++;
  }
  return counted;
}

function refusalOf(
  session: Session,
  { kept, ...counted }: Counted & { isDoubtful: boolean },
): FacetError | undefined {
  if (session.options.allowShrink) return undefined;
  return shrinkRefusal(session.source, {
    ...{ ...counted, kept, found: kept },
    path: session.feed.name,
    question: 'does Redis have all of them?',
  });
}

async function deleteUnseen(session: Session, seen: IdSet, properties: readonly string[]): Promise<void> {
  const { catalog, source } = session;
  for (const page of catalog.files.pagesOf(source.id, BATCH)) {
    const reports = page.flatMap(({ id, key }) =>
      seen.has(id) || key === null ? [] : [{ key, file: null, properties: {} }],
    );
    const reporter = session.reporter(properties);
    session.write(undefined, await reporter.withFollowers(reports), state => withCounts(state, reporter));
  }
}
