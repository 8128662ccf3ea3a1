/** What a process takes of the machine while it runs: looked at now and then, and compared quarter by quarter. */
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { memoryOf } from '../processes.js';
import { median } from '../rounds.js';
import { formatCount, formatMegabytes } from '../table.js';
import { see } from './see.js';

/** One thing that must not grow. */
export interface Gauge {
  says: string;
  read(pid: number | undefined): number;
  format(figure: number): string;
}

/** `log`: the file in which SQLite writes what is not in the catalog's own file yet. `root`: the folder that is watched. */
export function gauges(log: string, root: string): Gauge[] {
  return [
    { says: 'memory', read: pid => memoryOf(pid, 'VmRSS'), format: formatMegabytes },
    { says: 'open descriptors', read: pid => descriptors(pid).length, format: formatCount },
    {
      says: 'inotify watches of no folder',
      // A folder may be newer than its watch.
      read: pid => Math.max(0, watches(pid) - foldersIn(root)),
      format: formatCount,
    },
    { says: "the catalog's log", read: () => sizeOf(log), format: formatMegabytes },
  ];
}

function descriptors(pid: number | undefined): string[] {
  return readdirSync(`/proc/${pid}/fd`);
}

/** proc_pid_fdinfo(5): a line for each watch. */
function watches(pid: number | undefined): number {
  const inotify = descriptors(pid).filter(fd => linkOf(`/proc/${pid}/fd/${fd}`) === 'anon_inode:inotify');
  const lines = inotify.flatMap(fd => readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8').split('\n'));
  return lines.filter(line => line.startsWith('inotify ')).length;
}

/** With the root itself. */
function foldersIn(root: string): number {
  return 1 + [...see(root).values()].filter(what => what === 'folder').length;
}

/** A descriptor may be closed at any moment. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

/** The median of each quarter of what was read, in order. */
export function quarters(figures: readonly number[]): number[] {
  return [0, 1, 2, 3].map(nth => {
    const [from, to] = [nth, nth + 1].map(each => Math.floor((each * figures.length) / 4));
    return median(figures.slice(from, to)) ?? Number.NaN;
  });
}
