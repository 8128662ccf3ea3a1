/** Changes what is said of files: a transaction for every thousand, so that others get their turn. */

import type { FileRecord } from '../../src/catalog/files.js';
import type { Description } from '../../src/catalog/writer.js';
import type { CommandContext } from '../command.js';
import { formatItems } from '../format.js';
import { openVolume } from '../volume.js';
import { filesOf } from './files.js';

const BATCH = 1_000;

/** A file, and what is to be said of it from now on. */
export interface Said {
  file: FileRecord;
  description: Description;
}

export interface Described {
  /** Files that were meant. */
  files: number;
  /** Of those, the ones of which something else was said before. */
  changed: number;
}

/** Says the same of every file that `path` means. */
export async function describePath(
  context: CommandContext,
  path: string,
  description: Description,
): Promise<Described> {
  const volume = await openVolume(context.home);
  try {
    // All of them first: what is said of one can bring others elsewhere.
    const files = [...filesOf(volume, [path])];
    return await describeFiles(
      context,
      files.map(file => ({ file, description })),
    );
  } finally {
    volume.close();
  }
}

export async function describeFiles(
  { home, signal }: CommandContext,
  said: Iterable<Said> | AsyncIterable<Said>,
): Promise<Described> {
  const { openCatalog } = await import('../../src/tree/open-catalog.js');
  const catalog = openCatalog(home.catalogFile, 'write');
  const done = { files: 0, changed: 0 };
  const write = (batch: readonly Said[]) =>
    catalog.write(writer => {
      for (const { file, description } of batch) if (writer.describeFile(file, description)) done.changed++;
      done.files += batch.length;
    });
  try {
    let batch: Said[] = [];
    for await (const each of said) {
      signal.throwIfAborted();
      batch.push(each);
      if (batch.length < BATCH) continue;
      write(batch);
      batch = [];
    }
    if (batch.length > 0) write(batch);
  } finally {
    catalog.close();
  }
  return done;
}

export function describedText({ files, changed }: Described): string {
  if (changed === files) return `changed ${formatItems(files, 'file')}`;
  const same = files - changed;
  return `changed ${formatItems(changed, 'file')}; ${formatItems(same, 'file')} ${same === 1 ? 'was' : 'were'} so already`;
}
