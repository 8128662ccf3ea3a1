/** Which folders of this machine show the files of remote sources: `mounts` in config.yaml. Knows paths alone, and touches none. */
import { type FileLocation, sourcePath } from '../catalog/files.js';
import type { Sources } from '../catalog/sources.js';

export interface MappedFolder {
  /** The source's name. */
  source: string;
  /** A folder of it, which ends in a slash; '' for all of it. */
  prefix: string;
  /** Where that is on this machine. */
  at: string;
}

/** Where a file should be on this machine. */
export interface NearPlace {
  /** The folder. */
  at: string;
  /** Below it. */
  path: string;
  /** Is the time of the file there that of its source? */
  sameTime: boolean;
}

interface Mapped {
  folders: readonly MappedFolder[];
  sameTime: boolean;
}

export class MappedFolders {
  readonly #sources: Sources;
  /** What is mapped more closely comes first. */
  readonly #mapped: readonly MappedFolder[];
  /** The number of a source is never another's. */
  readonly #bySource = new Map<number, Mapped>();

  constructor(sources: Sources, mapped: readonly MappedFolder[]) {
    this.#sources = sources;
    this.#mapped = [...mapped].sort((one, other) => other.prefix.length - one.prefix.length);
  }

  placeOf(file: FileLocation): NearPlace | undefined {
    if (this.#mapped.length === 0) return undefined;
    const { folders, sameTime } = this.#of(file.sourceId);
    const path = sourcePath(file);
    const folder = folders.find(({ prefix }) => path.startsWith(prefix));
    return folder && { at: folder.at, path: path.slice(folder.prefix.length), sameTime };
  }

  #of(sourceId: number): Mapped {
    const known = this.#bySource.get(sourceId);
    if (known) return known;
    const { name, uri } = this.#sources.withId(sourceId) ?? { name: undefined, uri: '' };
    // A bucket's times are those of uploads.
    const mapped = {
      folders: this.#mapped.filter(({ source }) => source === name),
      sameTime: !uri.startsWith('s3:'),
    };
    this.#bySource.set(sourceId, mapped);
    return mapped;
  }
}
