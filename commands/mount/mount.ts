/** `facet mount`: the tree as a folder, for as long as the command runs. */

import type { Catalog } from '../../src/catalog/catalog.js';
import type { FileLocation } from '../../src/catalog/files.js';
import { loadConfig } from '../../src/config/config.js';
import { keepYoungGenerations } from '../../src/config/threads.js';
import { errorMessage, FacetError } from '../../src/errors.js';
import type { Batch, Keeper } from '../../src/indexing/keeper.js';
import type { Mounted } from '../../src/mount/mount.js';
import { refreshFile, renewFile } from '../../src/mount/refresh.js';
import type { MappedFolder } from '../../src/volume/mapped-folders.js';
import { argument, type CommandContext, command, flag, option } from '../command.js';
import { count, directory, octal } from '../kinds.js';
import { startLive } from '../live.js';
import { OutputClosed } from '../output.js';
import { type RemoteAccess, remoteAccess } from '../remote.js';
import { type Watch, watchMount } from './watch.js';

export default command({
  description:
    'Mounts the tree on an empty folder and keeps it mounted until Ctrl-C. The tree is read-only; it follows the catalog, so what a scan finds appears within a second. Sources that were added with --watch or --every are kept true while it is mounted. A rules.yaml that changes is applied, if nothing is wrong with it; otherwise the rules in force stay, with a warning.',
  arguments: { directory: argument(directory, 'DIR', 'an empty folder') },
  options: {
    allowOther: flag('let other users of this machine see the tree'),
    uid: option(count(0, 0xfffffffe), 'UID', 'the user that files belong to; yours when left out'),
    gid: option(count(0, 0xfffffffe), 'GID', 'the group that files belong to; yours when left out'),
    umask: option(octal, 'MASK', 'permissions to take away from every file, such as 077'),
  },
  examples: [
    { command: 'facet mount ~/all', says: 'until Ctrl-C' },
    { command: 'facet mount ~/all &', says: 'in the background; kill %1, or fusermount3 -u ~/all, ends it' },
  ],
  async run(context, { directory: path }, options) {
    const [{ openCatalog }, { mount }, { keepArranged }] = await Promise.all([
      import('../../src/tree/open-catalog.js'),
      import('../../src/mount/mount.js'),
      import('../../src/indexing/keep-arranged.js'),
    ]);
    const { mount: settings, cache, mounts, scan, redis } = await loadConfig(context.home);
    const catalog = openCatalog(context.home.catalogFile, 'write');
    warnOfUnknown(context, catalog, mounts);
    const closing = new AbortController();
    const remote: RemoteAccess = remoteAccess(catalog.sources, context, {
      signal: closing.signal,
      onChanged: file => void refresh(context, catalog, remote, file),
      onDamaged: (file, error) => renew(context, catalog, file, error),
    });
    const end = new End(context);
    context.signal.throwIfAborted();
    try {
      // A signal that came before there was anybody to take it.
      context.signal.throwIfAborted();
      const mounted = await mount(catalog, path, {
        owner: {
          uid: options.uid ?? settings.uid ?? process.getuid?.() ?? 0,
          gid: options.gid ?? settings.gid ?? process.getgid?.() ?? 0,
          umask: options.umask ?? settings.umask ?? 0,
        },
        allowOther: options.allowOther || settings.allowOther,
        cache: { directory: context.home.cacheDir, limits: cache },
        mounts,
        openRemote: remote.open,
        onWarning: message => context.warn(message),
      });
      keepYoungGenerations();
      const keepers: Keeper[] = [];
      try {
        await end.whileShown(mounted, async () => {
          keepers.push(
            await startLive(context, catalog, {
              names: undefined,
              exclude: scan.exclude,
              redis,
              onBatch: batch => void tellBatch(context, batch).catch(readerGone),
            }),
          );
          keepers.push(
            keepArranged(catalog, {
              rulesFile: context.home.rulesFile,
              onApplied: () => context.note(`applied ${context.home.rulesFile}`),
              onProblem: (message, hint) => context.warn(message, hint),
            }),
          );
          return show(context, catalog, mounted);
        });
      } finally {
        await Promise.all(keepers.map(each => each.stop()));
      }
    } finally {
      closing.abort();
      await remote.close();
      catalog.close();
    }
  },
});

/** A name that is mistyped would do nothing, and not say so. */
function warnOfUnknown(context: CommandContext, { sources }: Catalog, mounts: readonly MappedFolder[]): void {
  for (const { source } of mounts) {
    if (sources.find(source)) continue;
    context.warn(
      `${context.home.configFile}: mounts: there is no source named ${source}`,
      'see which there are: facet index status',
    );
  }
}

/** Readers of the version that is gone get an error; who opens the file again gets the present one. */
async function refresh(
  context: CommandContext,
  catalog: Catalog,
  remote: RemoteAccess,
  file: FileLocation,
): Promise<void> {
  try {
    await refreshFile(catalog, await remote.open(), file);
  } catch (error) {
    context.warn(`${file.name} has changed, and cannot be looked at: ${errorMessage(error)}`);
  }
}

/** Whoever reads the file again gets it anew from its source. */
function renew(
  context: CommandContext,
  catalog: Catalog,
  file: FileLocation,
  { message, hint }: FacetError,
): void {
  context.warn(`${message}; it is not in the cache any more`, hint);
  try {
    renewFile(catalog, file);
  } catch (error) {
    context.warn(`the kernel goes on with what it has of ${file.name}: ${errorMessage(error)}`);
  }
}

/** With `--json`; others see the last changes in the panel. */
async function tellBatch(context: CommandContext, batch: Batch): Promise<void> {
  if (context.json) await context.output.result({ event: 'changes', ...batch }, JSON.stringify);
}

async function show(context: CommandContext, catalog: Catalog, mounted: Mounted): Promise<Watch> {
  if (!context.json) context.note(`mounted on ${mounted.mountpoint}; Ctrl-C unmounts`);
  else await context.output.result({ event: 'mounted', mountpoint: mounted.mountpoint }, JSON.stringify);
  return watchMount(context, catalog, mounted);
}

/** Sees to it that nothing stays mounted when the command ends, however it does. */
class End {
  readonly #context: CommandContext;
  #mounted: Mounted | undefined;
  #signals = 0;

  constructor(context: CommandContext) {
    this.#context = context;
    context.onSignal(nth => {
      this.#signals = nth;
      void this.#unmount();
    });
  }

  /** Until somebody unmounts the tree, or a signal asks us to. */
  async whileShown(mounted: Mounted, show: () => Promise<Watch>): Promise<void> {
    this.#mounted = mounted;
    // While the tree was being mounted; one that comes from now on unmounts it by itself.
    const cameBefore = this.#signals > 0 || this.#context.signal.aborted;
    let watch: Watch | undefined;
    try {
      watch = await show().catch(readerGone);
      if (cameBefore) await this.#unmount();
      await mounted.ended;
    } catch (error) {
      await mounted.unmount({ lazy: true }).catch(() => {});
      throw error;
    } finally {
      watch?.stop();
    }
  }

  /** From the second signal on, programs that use the tree are not waited for. */
  async #unmount(): Promise<void> {
    try {
      await this.#mounted?.unmount({ lazy: this.#signals > 1 });
    } catch (error) {
      this.#context.warn(errorMessage(error), error instanceof FacetError ? error.hint : undefined);
      if (this.#signals === 1) this.#context.note('Ctrl-C once more unmounts all the same');
    }
  }
}

/** Whoever no longer reads what we print may still use the tree. */
function readerGone(error: unknown): undefined {
  if (!(error instanceof OutputClosed)) throw error;
}
