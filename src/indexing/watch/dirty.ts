/**
 * Folders in which something changed and that are to be listed again. A folder's turn comes when nothing has happened in it
 * for a moment, so that a program that writes a file under another name and then renames it is seen once; and at the latest
 * some time after the first change, so that a file that is written to all the time is seen to grow.
 */

interface Dirty {
  first: number;
  last: number;
  /** Everything below is to be listed too. */
  deep: boolean;
  /** Folders that something was moved from here to, or to here from: listed together, a move is one change. */
  partners: Set<string> | undefined;
}

const QUIET_MS = 50;
const LATEST_MS = 500;

export class DirtyFolders {
  readonly #folders = new Map<string, Dirty>();

  /** `now` is in milliseconds of a clock that never jumps. */
  mark(path: string, now: number, deep = false): void {
    const known = this.#folders.get(path);
    if (!known) this.#folders.set(path, { first: now, last: now, deep, partners: undefined });
    else {
      known.last = now;
      known.deep ||= deep;
    }
  }

  markMoved(from: string, to: string, now: number): void {
    for (const path of [from, to]) this.mark(path, now);
    this.#join(from, to);
    this.#join(to, from);
  }

  #join(path: string, partner: string): void {
    const folder = this.#folders.get(path);
    if (!folder) return;
    folder.partners ??= new Set();
    folder.partners.add(partner);
  }

  /** When the next one has its turn; undefined when there is none. */
  nextAt(): number | undefined {
    let next: number | undefined;
    for (const folder of this.#folders.values())
      next = Math.min(next ?? Number.POSITIVE_INFINITY, dueAt(folder));
    return next;
  }

  /** Takes the folders whose turn it is, with those that they exchanged files with: path → deep. */
  take(now: number): Map<string, boolean> {
    const taken = new Map<string, boolean>();
    for (const [path, folder] of this.#folders) if (dueAt(folder) <= now) this.#take(path, taken);
    return taken;
  }

  /** Takes the folders that exchanged files with one of these. */
  takePartnersOf(listed: ReadonlySet<string>): Map<string, boolean> {
    const taken = new Map<string, boolean>();
    for (const [path, { partners }] of this.#folders) {
      for (const partner of partners ?? []) if (listed.has(partner)) this.#take(path, taken);
    }
    return taken;
  }

  #take(path: string, taken: Map<string, boolean>): void {
    const pending = [path];
    for (let each = pending.pop(); each !== undefined; each = pending.pop()) {
      const folder = this.#folders.get(each);
      if (!folder) continue;
      this.#folders.delete(each);
      taken.set(each, folder.deep);
      pending.push(...(folder.partners ?? []));
    }
  }
}

function dueAt({ first, last }: Dirty): number {
  return Math.min(last + QUIET_MS, first + LATEST_MS);
}
