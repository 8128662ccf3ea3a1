/** Rows of the table of files as arrays: SQLite's binding makes those twice as fast as objects. */

export const KNOWN_COLUMNS = 'id, name, size, mtime_us, mode, dev, ino, target, version, key';

export type KnownRow = [
  id: number,
  name: string,
  size: number,
  mtimeUs: number,
  mode: number,
  dev: number | null,
  ino: number | null,
  target: string | null,
  version: string | null,
  key: string | null,
];

export type KeyedRow = [...known: KnownRow, folder: number, deletedAt: number | null];

export type PresentRow = [
  folder: number,
  name: string,
  size: number,
  mtimeUs: number,
  version: string | null,
  key: string | null,
  sha256: Uint8Array | null,
];
