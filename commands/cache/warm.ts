/** `facet cache warm`: contents before anybody asks for them. */
import { type FileRecord, sourcePath } from '../../src/catalog/files.js';
import { FacetError } from '../../src/errors.js';
import type { Fitting } from '../../src/volume/fitting.js';
import type { RemoteContents } from '../../src/volume/remote-contents.js';
import { type CommandContext, command, option } from '../command.js';
import { againHint, codeOfSeveral, describeFailure, type Failure } from '../failure.js';
import { formatItems, formatSize } from '../format.js';
import { count, rate } from '../kinds.js';
import { inParallel } from '../parallel.js';
import { meter, openProgress } from '../progress.js';
import { remoteAccess } from '../remote.js';
import { printable } from '../terminal.js';
import { openVolume } from '../volume.js';
import { readWanted, refuseNothing, remoteFiles, wantedArguments, wantedOptions } from './wanted.js';

interface Tally {
  files: number;
  failed: number;
  codes: Set<Failure['code']>;
  /** The last one. */
  failure: unknown;
}

export default command({
  description:
    'Downloads files of remote sources into the cache, so that reading them later needs no network. What is there already is not downloaded again; after an interruption the same command goes on where it stopped.',
  arguments: wantedArguments,
  options: {
    ...wantedOptions,
    parallel: option(count(1, 64), 'N', 'files at once', { default: '4' }),
    limitRate: option(rate, 'SIZE', 'at most so many bytes a second, such as 5MB'),
  },
  examples: [
    { command: "facet cache warm --query 'label:next age<30d'", says: 'from cron, what will be wanted' },
    { command: 'facet cache warm /films/Dune.mkv', says: 'one file' },
  ],
  async run(context, { paths }, { query, parallel, limitRate }) {
    const wanted = readWanted(paths, query);
    refuseNothing(wanted);
    const volume = await openVolume(context.home);
    const remote = remoteAccess(volume.sources, context, { limitRate, needsCache: true });
    const progress = await openProgress(context, { title: 'downloading', unit: 'bytes' });
    const tally: Tally = { files: 0, failed: 0, codes: new Set(), failure: undefined };
    try {
      const files = await remoteFiles(wanted, volume, context.home);
      tally.files = files.length;
      if (files.length > 0) {
        const contents = await remote.open();
        const { fits, twins } = withRoom(context, files, contents, tally);
        const total = bytesOf(fits) + bytesOf(twins);
        const bring = bringing(context, contents, tally, meter(progress, total));
        for await (const _ of inParallel(fits, parallel, bring));
        // On their way both would take room.
        for await (const _ of inParallel(twins, parallel, bring));
      }
    } finally {
      progress.stop();
      await remote.close();
      volume.close();
    }
    await finish(context, tally);
  },
});

/** Those that there is room for at the same time; says for which there is none, before anything else goes for them. */
function withRoom(
  context: CommandContext,
  files: readonly FileRecord[],
  contents: RemoteContents,
  tally: Tally,
): Pick<Fitting, 'fits' | 'twins'> {
  const { fits, twins, tooLarge, tooMany, room } = contents.fitting(files);
  const hint = 'raise cache.maxSize, lower cache.minFree, free some space or unpin something';
  const roomText = `the ${formatSize(room)} that the cache has room for beside what else is pinned`;
  for (const file of tooLarge) {
    const path = nameOf(file);
    const says = `${path} has ${formatSize(file.size)}, more than ${roomText}`;
    note(context, tally, new FacetError('no-space', says, { path, hint }));
  }
  if (tooMany.length > 0) {
    const left = `${formatItems(tooMany.length, 'file')}, ${formatSize(bytesOf(tooMany))}`;
    context.warn(`left out ${left}: the others take ${roomText}`, hint);
    tally.failed += tooMany.length;
    tally.codes.add('no-space');
  }
  return { fits, twins };
}

function bytesOf(files: readonly FileRecord[]): number {
  return files.reduce((sum, { size }) => sum + size, 0);
}

function bringing(
  context: CommandContext,
  contents: RemoteContents,
  tally: Tally,
  onBytes: (bytes: number) => void,
): (file: FileRecord) => Promise<void> {
  const { signal } = context;
  return async file => {
    try {
      const content = await contents.contentOf(file);
      await contents.downloads.ensure(content, 0, file.size, { signal, onBytes });
    } catch (error) {
      signal.throwIfAborted();
      note(context, tally, error, `${nameOf(file)}: `);
    }
  };
}

/** Whatever goes wrong with the only file ends the command by itself. */
function note(context: CommandContext, tally: Tally, failure: unknown, what = ''): void {
  tally.failed++;
  tally.failure = failure;
  const { code, message, hint } = describeFailure(failure);
  tally.codes.add(code);
  if (tally.files > 1) context.warn(`${printable(what)}${message}`, hint);
}

function nameOf(file: FileRecord): string {
  return `${file.source}:${sourcePath(file)}`;
}

async function finish({ output }: CommandContext, { files, failed, codes, failure }: Tally): Promise<void> {
  await output.done(
    { files: files - failed, failed },
    () => `${formatItems(files - failed, 'file')} in the cache`,
  );
  if (failed === 0) return;
  if (files === 1) throw failure;
  throw new FacetError(
    codeOfSeveral(codes, failed === files),
    `${failed} of ${formatItems(files, 'file')} could not be brought into the cache`,
    { hint: againHint(codes, 'downloaded') },
  );
}
