/**
 * Brings a source up to date with the index of all files: at first, and whenever events may have been lost. Files that are
 * not in the index are gone only when all of it was read, and only as many as can be believed.
 */
import { refuseToShrink } from '../shrink-guard.js';
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
 * Until all of it is done the source has no position: whoever follows it begins with the list again. What is published
 * meanwhile comes with the events that follow, as the position is where the stream was at the start.
 * Throws `failed` when most files are gone and that is not to be believed.
 */
export async function listAll(session: Session): Promise<void> {
  const { catalog, source, options } = session;
  const start = await session.feed.lastEntry();
  const properties = await propertiesOf(session);
  session.write(session.state().position, [], ({ position: _, ...state }) => state);
  // Shown also while it is empty.
  if (!catalog.files.folder(source.id, '')) {
    catalog.write(writer => writer.putFolder(source, '', 0, FOLDER_MODE));
  }
  const seen = new IdSet();
  let listed = 0;
  for await (const { reporter, reports } of reportsAhead(session, properties)) {
    const found = await reporter.withFollowers(reports);
    const present = session.write(undefined, found, state => withCounts(state, reporter));
    for (const id of present ?? []) seen.add(id);
    listed += reports.length;
    options.onProgress(listed);
  }
  await deleteUnseen(session, seen, properties);
  session.write(undefined, [], state => ({
    ...{ ...state, position: start, properties },
    lastRefresh: new Date().toISOString(),
  }));
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
    const next = reporter
      .ofFiles(ids.filter(id => session.keys.isForeign(id)))
      .then(reports => ({ reporter, reports }));
    // Told by whoever awaits it.
    next.catch(() => {});
    if (page) yield await page;
    page = next;
  }
  if (page) yield await page;
}

async function deleteUnseen(session: Session, seen: IdSet, properties: readonly string[]): Promise<void> {
  const { catalog, source, options } = session;
  let kept = 0;
  let deletions = 0;
  for (const page of catalog.files.pagesOf(source.id, BATCH)) {
    for (const { id } of page) {
      if (seen.has(id)) kept++;
      else deletions++;
    }
  }
  if (!options.allowShrink) {
    const question = 'does Redis have all of them?';
    refuseToShrink(source, { deletions, kept, found: kept, path: session.feed.name, question });
  }
  if (deletions === 0) return;
  for (const page of catalog.files.pagesOf(source.id, BATCH)) {
    const reports = page.flatMap(({ id, key }) =>
      seen.has(id) || key === null ? [] : [{ key, file: null, properties: {} }],
    );
    const reporter = session.reporter(properties);
    session.write(undefined, await reporter.withFollowers(reports), state => withCounts(state, reporter));
  }
}
