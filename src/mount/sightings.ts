/**
 * Versions of files that were met at their origin before the catalog heard of them. Whoever opens such a file gets what is
 * there, under the attributes of what is there, while the catalog is brought up to date by the main thread.
 */
import type { Node } from '../tree/tree.js';

export interface Version {
  size: number;
  mtimeUs: number;
}

interface Sighting extends Version {
  /** What the catalog said then: once it says something else, it knows better. */
  known: Version;
}

/** Sightings kept; the catalog takes most of them over within a moment. */
const MOST = 10_000;

export class Sightings {
  readonly #byInode = new Map<number, Sighting>();

  /** The node as it was last met at its origin. */
  apply<N extends Node>(node: N): N {
    if (this.#byInode.size === 0) return node;
    const sighting = this.#byInode.get(node.ino);
    if (!sighting) return node;
    if (isSameVersion(node, sighting.known))
      return { ...node, size: sighting.size, mtimeUs: sighting.mtimeUs };
    this.#byInode.delete(node.ino);
    return node;
  }

  note(ino: number, known: Version, seen: Version): void {
    if (this.#byInode.size >= MOST) this.#byInode.clear();
    this.#byInode.set(ino, { ...seen, known });
  }
}

export function isSameVersion(a: Version, b: Version): boolean {
  return a.size === b.size && a.mtimeUs === b.mtimeUs;
}
