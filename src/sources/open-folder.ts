/** A folder while it is being listed. */
import { besideFolder, folderPath, lastName, safeName } from './key-paths.js';
import type { RemoteFile, RemoteFolder } from './remote.js';

/** What a listing says of a file, besides what it is called. */
export type Listed = Omit<RemoteFile, 'name' | 'key'>;

export class OpenFolder {
  /** '' for the root; else it ends in a slash. */
  readonly key: string;
  readonly #files = new Map<string, Listed>();
  readonly #folders = new Set<string>();

  constructor(key: string) {
    this.key = key;
  }

  /** `key` begins with the folder's; what is behind is the file's name. One that was added before stays. */
  addFile(key: string, file: Listed): void {
    const name = lastName(key);
    if (!this.#files.has(name)) this.#files.set(name, file);
  }

  /** Tells of a folder in this one, whether or not there are files in it. */
  addFolder(name: string): void {
    this.#folders.add(name);
  }

  /** Undefined when it has no files. */
  complete(): RemoteFolder | undefined {
    if (this.#files.size === 0) return undefined;
    const path = folderPath(this.key);
    const files = [...this.#files].map(([name, file]) => this.#named(name, path, file));
    return { path, files };
  }

  #named(original: string, path: string, file: Listed): RemoteFile {
    const safe = safeName(original);
    const name = this.#folders.has(original) ? besideFolder(safe) : safe;
    const key = this.key + original;
    return { name, key: key === (path === '' ? name : `${path}/${name}`) ? undefined : key, ...file };
  }
}
