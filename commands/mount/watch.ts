/**
 * What somebody sees of a mount while it runs: a panel on a terminal, one object after another with `--json`, nothing
 * otherwise. Only looks; the mount does not know that it is watched.
 */
import type { Catalog } from '../../src/catalog/catalog.js';
import { sourcePath } from '../../src/catalog/files.js';
import type { Mounted } from '../../src/mount/mount.js';
import type { CommandContext } from '../command.js';
import { printable, stdoutIsTerminal } from '../terminal.js';
import type { View } from './panel.js';

export interface Watch {
  /** Ends the display, and leaves the terminal as it was. */
  stop(): void;
}

const PANEL_MS = 1_000;
const JSON_MS = 10_000;
const SHOWN_CHANGES = 3;

export async function watchMount(
  context: CommandContext,
  catalog: Catalog,
  mounted: Mounted,
): Promise<Watch> {
  if (context.json) return streamStats(context, mounted);
  if (!stdoutIsTerminal || !process.stdin.isTTY || context.quiet) return { stop() {} };
  const { openPanel } = await import('./panel.js');
  const observe = observer(catalog, mounted);
  const panel = openPanel(observe());
  const timer = setInterval(() => panel.show(observe()), PANEL_MS);
  return {
    stop() {
      clearInterval(timer);
      panel.close();
    },
  };
}

function streamStats(context: CommandContext, mounted: Mounted): Watch {
  const write = () => context.output.result({ event: 'stats', ...mounted.stats() }, JSON.stringify);
  // Whoever no longer reads the figures may still use the mount.
  const timer = setInterval(() => void write().catch(() => clearInterval(timer)), JSON_MS);
  return { stop: () => clearInterval(timer) };
}

function observer(catalog: Catalog, mounted: Mounted): () => View {
  const started = performance.now();
  const seen = catalog.log.lastSeq();
  let before = mounted.stats();
  return () => {
    const stats = mounted.stats();
    const view = {
      mountpoint: printable(mounted.mountpoint, true),
      age: performance.now() - started,
      stats,
      requestsPerSecond: stats.requests - before.requests,
      readsPerSecond: stats.reads - before.reads,
      changes: changesSince(catalog, seen),
    };
    before = stats;
    return view;
  };
}

function changesSince(catalog: Catalog, seen: number): string[] {
  return catalog.log
    .latest(SHOWN_CHANGES)
    .filter(change => change.seq > seen)
    .flatMap(({ fileId, kind }) => {
      const file = catalog.files.get(fileId);
      return file ? [`${kind} ${file.source}:${printable(sourcePath(file), true)}`] : [];
    });
}
