/** `facet mount`: the tree as a folder, for as long as the command runs. */

import { loadConfig } from '../../src/config/config.js';
import { errorMessage, FacetError } from '../../src/errors.js';
import type { Mounted } from '../../src/mount/mount.js';
import { argument, type CommandContext, command, flag, option } from '../command.js';
import { count, directory, octal } from '../kinds.js';
import { watchMount } from './watch.js';

export default command({
  description:
    'Mounts the tree on an empty folder and keeps it mounted until Ctrl-C. The tree is read-only; it follows the catalog, so what a scan finds appears within a second.',
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
    const [{ openCatalog }, { mount }] = await Promise.all([
      import('../../src/tree/open-catalog.js'),
      import('../../src/mount/mount.js'),
    ]);
    const { mount: settings } = await loadConfig(context.home);
    const catalog = openCatalog(context.home.catalogFile, 'write');
    try {
      const mounted = await mount(catalog, path, {
        owner: {
          uid: options.uid ?? settings.uid ?? process.getuid?.() ?? 0,
          gid: options.gid ?? settings.gid ?? process.getgid?.() ?? 0,
          umask: options.umask ?? settings.umask ?? 0,
        },
        allowOther: options.allowOther || settings.allowOther,
        onWarning: message => context.warn(message),
      });
      if (context.json)
        await context.output.result({ event: 'mounted', mountpoint: mounted.mountpoint }, JSON.stringify);
      else context.note(`mounted on ${mounted.mountpoint}; Ctrl-C unmounts`);
      const watch = await watchMount(context, catalog, mounted);
      try {
        await untilEnd(context, mounted);
      } finally {
        watch.stop();
      }
    } finally {
      catalog.close();
    }
  },
});

/** Until somebody unmounts it, or a signal asks us to; a second signal does not wait for programs that use it. */
async function untilEnd(context: CommandContext, mounted: Mounted): Promise<void> {
  const end = async (nth: number) => {
    try {
      await mounted.unmount({ lazy: nth > 1 });
    } catch (error) {
      context.warn(errorMessage(error), error instanceof FacetError ? error.hint : undefined);
      context.note('Ctrl-C once more unmounts all the same');
    }
  };
  context.onSignal(end);
  // A signal that came while the tree was being mounted.
  if (context.signal.aborted) await end(1);
  await mounted.ended;
}
