/** `facet cache warm`: contents before anybody asks for them. */
import { type FileRecord, sourcePath } from '../../src/catalog/files.js';
import { FacetError } from '../../src/errors.js';
import { type CommandContext, command, option } from '../command.js';
import { describeFailure } from '../failure.js';
import { formatItems } from '../format.js';
import { count, rate } from '../kinds.js';
import { inParallel } from '../parallel.js';
import { openProgress } from '../progress.js';
import { remoteAccess } from '../remote.js';
import { printable } from '../terminal.js';
import { openVolume } from '../volume.js';
import { readWanted, refuseNothing, remoteFiles, wantedArguments, wantedOptions } from './wanted.js';

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
    const remote = remoteAccess(volume.sources, context.home, { limitRate });
    const progress = await openProgress(context, { title: 'downloading', unit: 'bytes' });
    const tally = { files: 0, failed: 0 };
    let [arrived, total] = [0, 0];
    const onBytes = (bytes: number) => {
      arrived += bytes;
      progress.update(arrived, total);
    };
    const warm = async (file: FileRecord) => {
      try {
        const contents = await remote.open();
        await contents.downloads.ensure(await contents.contentOf(file), 0, file.size, {
          signal: context.signal,
          onBytes,
        });
      } catch (error) {
        context.signal.throwIfAborted();
        tally.failed++;
        const { message, hint } = describeFailure(error);
        context.warn(`${printable(`${file.source}:${sourcePath(file)}`)}: ${message}`, hint);
      }
    };
    try {
      const files = await remoteFiles(wanted, volume, context.home);
      for (const { size } of files) total += size;
      for await (const _ of inParallel(files, parallel, warm)) tally.files++;
    } finally {
      progress.stop();
      await remote.close();
      volume.close();
    }
    await finish(context, tally);
  },
});

async function finish(
  { output }: CommandContext,
  { files, failed }: { files: number; failed: number },
): Promise<void> {
  await output.done(
    { files: files - failed, failed },
    () => `${formatItems(files - failed, 'file')} in the cache`,
  );
  if (failed === 0) return;
  throw new FacetError('partial', `${failed} of ${formatItems(files, 'file')} could not be downloaded`, {
    hint: 'run the same command again: what was downloaded is not downloaded twice',
  });
}
