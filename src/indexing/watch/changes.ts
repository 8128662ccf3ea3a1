/** What the kernel tells of a source's folders, gathered: which of them to list again, and whether that is enough. */

import { realpathSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { sourcePath } from '../../catalog/files.js';
import { isInside } from '../../sources/facet-mounts.js';
import { IGNORE_FILE } from '../../sources/filter.js';
import type { Unreadable } from '../../sources/source.js';
import { DirtyFolders } from './dirty.js';
import { WatchedFolders } from './folders.js';
import { type Awaited, IN, type Inotify, type InotifyEvent } from './inotify.js';

/** What a listing has to say of folders that events alone do not tell. */
export interface Seen {
  unreadable: readonly Unreadable[];
  /** Folders with links in them that were followed. */
  linked: ReadonlySet<string>;
  /** All that were to be listed again: those of them that are not `linked` have no such links any more. */
  listed?: ReadonlySet<string>;
  /** Folders in which files that changed have other names. */
  twins?: ReadonlySet<string>;
}

/** Another thing was found where a folder had been a moment before. */
const EXCHANGED = new Set(['ESTALE', 'ENOTDIR', 'ELOOP']);

/** Reads in one go; a program that never stops changing things does not hold up the listing. */
const MOST_READS = 100;

/** Between the two halves of what is told of a move, when the program that moved something is interrupted between them. */
const MOVE_MS = 200;

export class Changes {
  readonly dirty = new DirtyFolders();
  readonly folders: WatchedFolders;
  /** Events were lost, or a disk below the root was unmounted: only a scan can tell what changed. */
  overflowed = false;
  rootIsGone = false;
  readonly #inotify: Inotify;
  readonly #catalogFolder: string | undefined;
  readonly #catalogName: string;
  /** Where something was moved from, by the number that it has in common with where it was moved to, if that is not told yet. */
  readonly #moves = new Map<number, { paths: string[]; at: number }>();
  /** Paths that could not be listed or looked at. */
  readonly #closed = new Set<string>();
  /** Folders with links in them that were followed: listed with every change, as what they lead to may be what changed. */
  readonly #linked = new Set<string>();

  constructor(inotify: Inotify, root: string, follow: boolean, catalogFile: string) {
    this.#inotify = inotify;
    this.folders = new WatchedFolders(inotify, root, follow);
    const home = realpathSync(dirname(catalogFile));
    this.#catalogFolder = isInside(home, root) ? home.slice(root.length).replace(/^\//, '') : undefined;
    this.#catalogName = basename(catalogFile);
  }

  /** What to wait for. */
  get events(): Awaited {
    return this.#inotify.events;
  }

  /** Takes in what has been told so far. */
  drain(): void {
    for (let reads = 0; reads < MOST_READS; reads++) {
      const events = this.#inotify.read();
      if (events.length === 0) return;
      const now = performance.now();
      for (const event of events) this.#take(event, now);
    }
  }

  /**
   * Until when it may still be told where something was moved to: the kernel tells that a moment after where it was moved from,
   * if it was not moved out of the source.
   */
  moveOpenUntil(): number {
    const now = performance.now();
    let until = 0;
    for (const [cookie, { at }] of this.#moves) {
      if (at + MOVE_MS < now) this.#moves.delete(cookie);
      else until = Math.max(until, at + MOVE_MS);
    }
    return until;
  }

  /** To be told before the next events are read: they may be about what those links lead to. */
  noteLinked(linked: ReadonlySet<string>): void {
    for (const path of linked) this.#linked.add(path);
  }

  listed({ unreadable, linked, listed, twins }: Seen): void {
    const now = performance.now();
    for (const { path, reason } of unreadable) {
      this.#closed.add(path);
      if (EXCHANGED.has(reason)) this.#opened(now);
    }
    for (const path of listed ?? []) this.#linked.delete(path);
    this.noteLinked(linked);
    for (const path of twins ?? []) this.dirty.mark(path, now);
  }

  #take({ wd, mask, cookie, name }: InotifyEvent, now: number): void {
    if (mask & IN.Q_OVERFLOW) this.overflowed = true;
    const paths = this.folders.pathsOf(wd);
    if (mask & (IN.UNMOUNT | IN.IGNORED | IN.DELETE_SELF | IN.MOVE_SELF)) this.#ended(wd, mask, paths);
    else for (const path of paths) this.#changed(path, mask, name, now);
    if (mask & IN.MOVED_FROM) this.#moves.set(cookie, { paths, at: now });
    if (mask & IN.MOVED_TO) {
      const from = this.#moves.get(cookie)?.paths ?? [];
      this.#moves.delete(cookie);
      for (const each of from) for (const path of paths) this.dirty.markMoved(each, path, now);
    }
  }

  #ended(wd: number, mask: number, paths: readonly string[]): void {
    if (paths.includes('')) this.rootIsGone = true;
    else if (mask & IN.UNMOUNT && paths.length > 0) this.overflowed = true;
    if (mask & IN.IGNORED) this.folders.ended(wd);
  }

  #changed(path: string, mask: number, name: string, now: number): void {
    // Bringing a change writes there: it would be the next one.
    if (path === this.#catalogFolder && name.startsWith(this.#catalogName)) return;
    if (mask & IN.ATTRIB && (name === '' || mask & IN.ISDIR)) this.#opened(now);
    const below = sourcePath({ folderPath: path, name });
    const isAttributeOfFolder = mask & IN.ATTRIB && mask & IN.ISDIR && this.folders.isKnown(below);
    this.dirty.mark(isAttributeOfFolder && name !== '' ? below : path, now, name === IGNORE_FILE);
    // What a link leads to may be another thing now, anywhere.
    for (const each of this.#linked) this.dirty.mark(each, now);
  }

  /** What could not be listed can be by now: other permissions of one folder open all below it. */
  #opened(now: number): void {
    for (const path of this.#closed) {
      this.dirty.mark(path, now, true);
      this.dirty.mark(path.slice(0, Math.max(path.lastIndexOf('/'), 0)), now);
    }
    this.#closed.clear();
  }
}
