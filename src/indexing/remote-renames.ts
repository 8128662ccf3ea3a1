/**
 * Recognises files that were renamed at a remote source since the last scan. There are no inodes to go by, but strong versions:
 * one file is gone, another has come, and their versions and sizes are the same. A listing tells of the new one long before it
 * is known that the old one is gone, so a new file that may be an old one waits for the end of the scan.
 */
import { type Files, type KnownFile, sourcePath } from '../catalog/files.js';
import { isStrong } from '../sources/versions.js';
import type { Moved, Place } from './renames.js';

/** Files that wait. When there are more, all of them are new ones. */
const MOST_WAITING = 100_000;

export class RemoteRenames {
  readonly #files: Files;
  readonly #sourceId: number;
  /** By version and size. */
  readonly #waiting = new Map<string, Place[]>();
  #count = 0;

  constructor(files: Files, sourceId: number) {
    this.#files = files;
    this.#sourceId = sourceId;
  }

  /** May this new file be one that the catalog has elsewhere? Then it is not to be added before `settled` says so. */
  hold(place: Place): boolean {
    const { version, size } = place.attributes;
    if (size === 0 || this.#count >= MOST_WAITING) return false;
    const key = `${size} ${version}`;
    const twins = this.#waiting.get(key);
    if (!twins && this.#like(place).length === 0) return false;
    if (twins) twins.push(place);
    else this.#waiting.set(key, [place]);
    this.#count++;
    return true;
  }

  /** All that waited, and what they were before. `gone` has the ids of files that are no longer where they were. */
  *settled(gone: ReadonlySet<number>): Generator<{ place: Place; before: Moved | undefined }> {
    // Of those that came after so many, some may have been the same.
    const isComplete = this.#count < MOST_WAITING;
    for (const twins of this.#waiting.values()) {
      const [only] = twins;
      const candidates = only && isComplete ? this.#like(only).filter(({ id }) => gone.has(id)) : [];
      const file = twins.length === 1 && candidates.length === 1 ? candidates[0] : undefined;
      for (const place of twins) yield { place, before: file && { file, from: sourcePath(file) } };
    }
  }

  /** Files of the catalog with these contents. */
  #like({ attributes: { version, size } }: Place): (KnownFile & { folderPath: string })[] {
    if (!isStrong(version)) return [];
    return this.#files.withVersion(this.#sourceId, version).filter(file => file.size === size);
  }
}
