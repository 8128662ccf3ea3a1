/** Contents that are there already, under another key or by another process: they are kept once. */
import type { BlobFiles } from './blob-files.js';
import { type BlobRecord, isWhole } from './blob-index.js';
import { BlobHandle, type CacheParts } from './handle.js';

export interface OpeningParts extends CacheParts {
  files: BlobFiles;
}

/** Opens a blob for reading; undefined when it has left, or its file is gone. */
export function openBlob(blob: BlobRecord | undefined, parts: OpeningParts): BlobHandle | undefined {
  if (blob === undefined) return undefined;
  const fd = parts.files.open(blob.name, 'r');
  return fd === undefined ? undefined : new BlobHandle(blob, fd, parts);
}

/** Lets the key lead to a whole blob with these contents, other than `except`, and opens it; undefined when there is none. */
export function shareContents(
  key: string,
  size: number,
  sha256: Buffer,
  parts: OpeningParts,
  except?: number,
): BlobHandle | undefined {
  const twin = parts.blobs.findContents(sha256, size, except);
  // While it is open it cannot leave; before that, it may have.
  const handle = openBlob(twin, parts);
  if (twin === undefined || handle === undefined) return undefined;
  const isShared = parts.index.write(() => {
    const now = parts.blobs.get(twin.id);
    if (now === undefined || !isWhole(now)) return false;
    parts.blobs.setKey(key, twin.id);
    return true;
  });
  if (isShared) return handle;
  handle.close();
  return undefined;
}
