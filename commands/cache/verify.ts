/** `facet cache verify`. */
import type { Problem, Verified } from '../../src/cache/verify.js';
import { FacetError } from '../../src/errors.js';
import { command, flag } from '../command.js';
import { formatItems, formatSize } from '../format.js';
import { openProgress } from '../progress.js';
import { printable } from '../terminal.js';
import { openVolume } from '../volume.js';
import { openCache } from './open.js';
import { type Origin, originsOf } from './origin.js';

/** Of a file that belongs to no contents, null. */
interface Finding {
  origin: string | null;
  version: string | null;
  problem: Problem;
}

export default command({
  description:
    'Compares every cached byte with its checksum, and the files of the cache with its index. Reading compares as well, so that nothing damaged is ever served: a damaged block is downloaded again. Ends with status 6 when something is bad; with --repair that is forgotten.',
  options: { repair: flag('forget what is bad') },
  async run(context, _, { repair }) {
    const volume = await openVolume(context.home);
    const originOf = originsOf(volume.sources);
    volume.close();
    const cache = await openCache(context.home, 'write');
    const progress = await openProgress(context, { title: 'verifying', unit: 'bytes' });
    const tally = { blobs: 0, bytes: 0, problems: 0 };
    try {
      await context.output.rows(
        findings(cache.verify({ repair }), originOf, tally, bytes => progress.update(bytes)),
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
  originOf: (key: string) => Origin,
  tally: { blobs: number; bytes: number; problems: number },
  onBytes: (bytes: number) => void,
): Generator<Finding> {
  for (const { key, bytes, problems } of verified) {
    if (key !== undefined) tally.blobs++;
    tally.bytes += bytes;
    tally.problems += problems.length;
    onBytes(tally.bytes);
    const origin = key === undefined ? { origin: null, version: null } : originOf(key);
    for (const problem of problems) yield { ...origin, problem };
  }
}

function toText({ origin, problem: { kind, ...rest } }: Finding): string {
  const details = Object.entries(rest).map(([name, value]) => `${name} ${value}`);
  const what = origin === null ? '' : `${printable(origin)}: `;
  return `${what}${[kind, ...details.map(each => printable(each))].join(', ')}`;
}
