/** `facet index status`: the sources, and how their last scans went. */
import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { troubleOf } from '../../src/catalog/sources.js';
import type { Volume } from '../../src/volume/volume.js';
import { command } from '../command.js';
import { formatItems, formatSize } from '../format.js';
import { printable } from '../terminal.js';
import { openVolume } from '../volume.js';

interface SourceStatus {
  name: string;
  uri: string;
  files: number;
  folders: number;
  bytes: number;
  /** ISO 8601, null before the first scan. */
  lastScan: string | null;
  /** Why it could not be listed the last time, null when it could. */
  unavailable: string | null;
  /** What to do about that. */
  hint: string | null;
}

/** Below this a transaction of a few thousand files finds no room. */
const LEAST_FREE = 1 << 20;

export default command({
  description:
    'Lists the sources: what they hold, when they were scanned, and what kept one from being scanned.',
  async run({ home, output, warn }) {
    const volume = await openVolume(home);
    try {
      await output.rows(statuses(volume), toText);
      const free = freeBytes(home.catalogFile);
      if (free < LEAST_FREE)
        warn(
          `the disk of ${home.catalogFile} is full, with ${formatSize(free)} left: changes may not be noted`,
          'free some space; what runs tries again by itself',
        );
    } finally {
      volume.close();
    }
  },
});

/** A full disk keeps whoever finds it full from noting that in the catalog. */
function freeBytes(file: string): number {
  const { bavail, bsize } = statfsSync(dirname(file));
  return bavail * bsize;
}

function* statuses(volume: Volume): Generator<SourceStatus> {
  for (const source of volume.sources.all()) {
    const { id, name, uri, state } = source;
    const { files, folders, bytes } = volume.files.totals(id);
    const { lastScan = null } = state;
    const { unavailable = null, hint = null } = troubleOf(source);
    yield { name, uri, files, folders, bytes, lastScan, unavailable, hint };
  }
}

function toText({ name, uri, files, bytes, lastScan, unavailable, hint }: SourceStatus): string {
  const scanned = lastScan ? `scanned ${lastScan.slice(0, 19).replace('T', ' ')} UTC` : 'not scanned yet';
  const advice = hint ? `\n  hint: ${printable(hint)}` : '';
  const trouble = unavailable ? `\n  unavailable: ${printable(unavailable)}${advice}` : '';
  return `${name}  ${printable(uri)}\n  ${formatItems(files, 'file')}, ${formatSize(bytes)}, ${scanned}${trouble}`;
}
