/** What a reader must know of the machine to compare its figures with others. */
import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { isRoot } from './processes.js';

/** One paragraph, printed above the tables. `folder` is where the files of the benchmark are. */
export function describeMachine(folder: string): string {
  const [first] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  const load = loadavg()
    .slice(0, 2)
    .map(value => value.toFixed(2))
    .join(', ');
  return [
    `${cpus().length} × ${first?.model.trim() ?? 'unknown processor'}, ${memory} GiB of memory, ${fileSystemOf(folder)}.`,
    `Linux ${release()}, Node ${process.versions.node}, as ${isRoot ? 'root' : 'an unprivileged user'}.`,
    `Load before the start (1 and 5 minutes): ${load}. ${new Date().toISOString().slice(0, 16)}Z.`,
  ].join('\n');
}

/** The type of the file system that a folder is on, from proc_pid_mountinfo(5). */
function fileSystemOf(folder: string): string {
  let best = { mountpoint: '', type: 'unknown file system' };
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    const fields = line.split(' ');
    const mountpoint = fields[4] ?? '';
    const type = fields[fields.indexOf('-', 6) + 1] ?? '';
    const below = `${mountpoint === '/' ? '' : mountpoint}/`;
    if (`${folder}/`.startsWith(below) && mountpoint.length >= best.mountpoint.length)
      best = { mountpoint, type };
  }
  return best.type;
}
