/** `facet index scan`: brings the catalog up to date with its sources. */
import type { Catalog } from '../../src/catalog/catalog.js';
import type { SourceRecord } from '../../src/catalog/sources.js';
import { loadConfig } from '../../src/config/config.js';
import { FacetError } from '../../src/errors.js';
import type { Renamed, ScanOptions, ScanResult } from '../../src/indexing/scanning.js';
import { argumentList, type CommandContext, command, flag } from '../command.js';
import { codeOfSeveral } from '../failure.js';
import { formatCount, formatDuration, formatItems, formatSize } from '../format.js';
import { source } from '../kinds.js';
import { openProgress } from '../progress.js';
import { printable } from '../terminal.js';
import { changesText } from './changes-text.js';

/** Lines about single files that a scan prints; the rest is counted. */
const MOST_WARNINGS = 20;

export default command({
  description:
    'Lists the sources and writes what changed since the last scan to the catalog: new, changed, renamed and deleted files. Files whose size and time are as they were are taken for unchanged. What cannot be listed now is kept as it was.',
  arguments: { names: argumentList(source, 'NAME', 'only these sources') },
  options: {
    hash: flag('compute the SHA-256 of every file that has none yet'),
    full: flag('read every file and compare its SHA-256, to find changes behind the same size and time'),
    allowShrink: flag('delete even when more than half of a source seems to be gone'),
  },
  examples: [
    { command: 'facet index scan', says: 'all sources' },
    {
      command: '0 3 * * * facet index scan --quiet',
      says: 'a line for crontab(5): every night, and mail only when something is wrong',
    },
  ],
  async run(context, { names }, { hash, full, allowShrink }) {
    const { openCatalog } = await import('../../src/tree/open-catalog.js');
    const config = await loadConfig(context.home);
    const catalog = openCatalog(context.home.catalogFile, 'write');
    try {
      const options: ScanOptions = {
        exclude: config.scan.exclude,
        ...(full ? { hash: 'all' } : hash ? { hash: 'missing' } : {}),
        allowShrink,
        signal: context.signal,
      };
      const sources = names.length > 0 ? names.map(name => catalog.sources.get(name)) : catalog.sources.all();
      if (sources.length === 0) {
        throw new FacetError('not-found', 'there are no sources', {
          hint: 'add one: facet index add NAME FOLDER',
        });
      }
      await scanAll(context, catalog, sources, options);
    } finally {
      catalog.close();
    }
  },
});

/** One after the other; one that cannot be scanned does not keep the others from it. */
async function scanAll(
  context: CommandContext,
  catalog: Catalog,
  sources: SourceRecord[],
  options: ScanOptions,
): Promise<void> {
  const codes = new Set<FacetError['code']>();
  let failed = 0;
  async function* results(): AsyncGenerator<ScanResult> {
    for (const each of sources) {
      try {
        yield await scanOne(context, catalog, each, options);
      } catch (error) {
        context.signal.throwIfAborted();
        if (!(error instanceof FacetError) || sources.length === 1) throw error;
        context.warn(`${each.name}: ${error.message}`, error.hint);
        codes.add(error.code);
        failed++;
      }
    }
  }
  let incomplete = 0;
  for await (const result of results()) {
    if (context.json) await context.output.result(result, summary);
    else context.note(summary(result));
    incomplete += result.unreadable.length;
    warnOf(context, result);
  }
  if (failed > 0) {
    const all = formatItems(sources.length, 'source');
    throw new FacetError(
      codeOfSeveral(codes, failed === sources.length),
      `${failed} of ${all} could not be scanned`,
      { hint: 'why is said above, and by: facet index status' },
    );
  }
  if (incomplete > 0) {
    throw new FacetError(
      'partial',
      `${formatItems(incomplete, 'file or folder', 'files or folders')} could not be read`,
      {
        hint: 'what is known of them is kept; check their permissions, or exclude them; disks that are gone for good: --allow-shrink',
      },
    );
  }
}

async function scanOne(
  context: CommandContext,
  catalog: Catalog,
  source: SourceRecord,
  options: ScanOptions,
): Promise<ScanResult> {
  const { scan } = await import('../../src/indexing/scan.js');
  const progress = await openProgress(context, { title: `scanning ${source.name}`, unit: 'files' });
  const renamed: Renamed[] = [];
  try {
    return await scan(catalog, source, {
      ...options,
      onRenamed: each => renamed.push(each),
      onProgress: ({ phase, files, hashed }) =>
        phase === 'listing' ? progress.update(files) : progress.update(hashed, files),
    });
  } finally {
    progress.stop();
    // Also when the scan stops later on: those were renamed.
    if (renamed.length > 0)
      await (await import('./moved-contents.js')).moveContents(context, source, renamed);
  }
}

function summary(result: ScanResult): string {
  const hashed = result.hashed > 0 ? `, ${formatItems(result.hashed, 'checksum')}` : '';
  const took = formatDuration(result.seconds * 1000);
  const what = `${formatItems(result.files, 'file')}, ${formatSize(result.bytes)}`;
  return `${result.source}: ${what}: ${changesText(result)}${hashed} (${took})`;
}

function warnOf(context: CommandContext, { source: name, unreadable, skipped }: ScanResult): void {
  for (const { path, reason } of unreadable.slice(0, MOST_WARNINGS)) {
    context.warn(`${name}: cannot read ${printable(path === '' ? '.' : path)}: ${reason}`);
  }
  if (unreadable.length > MOST_WARNINGS) {
    context.warn(`${name}: and ${formatCount(unreadable.length - MOST_WARNINGS)} more that cannot be read`);
  }
  if (skipped.special > 0) {
    context.note(
      `${name}: left out ${formatItems(skipped.special, 'FIFO, socket or device', 'FIFOs, sockets and devices')}`,
    );
  }
  if (skipped.notUtf8 > 0) {
    context.note(
      `${name}: ${formatItems(skipped.notUtf8, 'name')} not in UTF-8, shown as on disk in a mount`,
    );
  }
  if (skipped.oddKeys > 0) {
    context.note(
      `${name}: ${formatItems(skipped.oddKeys, 'key')} that cannot be in a path, shown with other characters`,
    );
  }
}
