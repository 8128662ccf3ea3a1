/** Compares what a catalog became little by little with one that is made at once. */
import { type Bench, makeFolder } from './bench.js';
import { digestListing, facet, scan } from './facet.js';

/** Throws when the catalog in `home`, whose only source is the folder `root`, lists anything else than a fresh one does. */
export async function assertLikeFresh(bench: Bench, home: string, root: string): Promise<void> {
  const fresh = makeFolder(bench, 'home-fresh');
  await facet(fresh, ['index', 'add', 'live', root]);
  await scan(fresh);
  const [one, other] = [await digestListing(home), await digestListing(fresh)];
  if (one.digest !== other.digest) throw new Error('what was watched is not what a fresh scan finds');
}
