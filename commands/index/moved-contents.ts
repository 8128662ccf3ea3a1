/** Cached contents of files that were renamed at their source, which stay cached, and pinned, under their new names. */
import type { SourceRecord } from '../../src/catalog/sources.js';
import type { Renamed } from '../../src/indexing/scanning.js';
import { isDigest } from '../../src/sources/versions.js';
import { keyOf } from '../../src/volume/content-key.js';
import { changeCache } from '../cache/change.js';
import type { CommandContext } from '../command.js';

export async function moveContents(
  context: CommandContext,
  { id, uri, name }: SourceRecord,
  renamed: readonly Renamed[],
): Promise<void> {
  const moves = renamed.flatMap(({ from, to, version }): [string, string][] =>
    version !== null && isDigest(version, uri) ? [[keyOf(id, from, version), keyOf(id, to, version)]] : [],
  );
  if (moves.length === 0) return;
  const lost = `${name}: files that were renamed are cached and pinned no more`;
  await changeCache(context, lost, cache => cache.rename(moves));
}
