/** `facet cache verify`. */
import type { Problem, Verified } from '../../src/cache/verify.js';
import { FacetError } from '../../src/errors.js';
import { command, flag } from '../command.js';
import { formatItems, formatSize } from '../format.js';
import { openProgress } from '../progress.js';
import { printable } from '../terminal.js';
import { openCache } from './open.js';

interface Finding {
  /** What the cache calls the contents; null for a file that belongs to none. */
  key: string | null;
  problem: Problem;
}

export default command({
  description:
    'Compares every cached byte with its checksum, and the files with the index. Reading does so too, before it serves a block for the first time: nothing here can ever be read wrong. Ends with status 6 when something is bad; with --repair that is forgotten, and downloaded again when it is read.',
  options: { repair: flag('forget what is bad') },
  async run(context, _, { repair }) {
    const cache = await openCache(context.home, 'write');
    const progress = await openProgress(context, { title: 'verifying', unit: 'bytes' });
    const tally = { blobs: 0, bytes: 0, problems: 0 };
    try {
      await context.output.rows(
        findings(cache.verify({ repair }), tally, bytes => progress.update(bytes)),
        toText,
      );
    } finally {
      progress.stop();
      cache.close();
    }
    context.note(`checked ${formatItems(tally.blobs, 'blob')}, ${formatSize(tally.bytes)}`);
    if (tally.problems === 0) return;
    const found = formatItems(tally.problems, 'problem');
    if (repair) context.note(`${found}: what was bad is forgotten`);
    else
      throw new FacetError('integrity', `${found} in the cache`, {
        hint: 'facet cache verify --repair forgets what is bad',
      });
  },
});

function* findings(
  verified: Iterable<Verified>,
  tally: { blobs: number; bytes: number; problems: number },
  onBytes: (bytes: number) => void,
): Generator<Finding> {
  for (const { key, bytes, problems } of verified) {
    if (key !== undefined) tally.blobs++;
    tally.bytes += bytes;
    tally.problems += problems.length;
    onBytes(tally.bytes);
    for (const problem of problems) yield { key: key ?? null, problem };
  }
}

function toText({ key, problem: { kind, ...rest } }: Finding): string {
  const details = Object.entries(rest).map(([name, value]) => `${name} ${value}`);
  const what = key === null ? '' : `${printable(key.replaceAll('\0', ' '))}: `;
  return `${what}${[kind, ...details.map(each => printable(each))].join(', ')}`;
}
