/**
 * Which blocks of a blob are there, one row a block, so that processes need not agree on more than a block at a time. A row
 * without a checksum is room that is set aside, whether or not something was written there: so what is on the disk never
 * exceeds what is counted, even after a crash. Every method that writes belongs inside a transaction.
 */
import type { Database, Statement } from 'better-sqlite3';
import { roomOf } from './blocks.js';
import { type Interval, Intervals } from './intervals.js';

export interface BlockChecksum {
  block: number;
  crc: number;
}

interface Sized {
  readonly id: number;
  readonly size: number;
}

export class BlockMap {
  readonly #inRange: Statement<[number, number, number], BlockChecksum>;
  readonly #presentIn: Statement<[number, number, number], number>;
  readonly #rowsIn: Statement<[number, number, number], number>;
  readonly #pendingOf: Statement<[number], number>;
  readonly #insert: Statement<[number, number, number | null]>;
  readonly #fill: Statement<[number, number, number]>;
  readonly #drop: Statement<[number, number, number]>;
  readonly #deletePending: Statement<[number]>;
  readonly #count: Statement<[number, number, number, number]>;

  constructor(db: Database) {
    const range = 'FROM blocks WHERE blob_id = ? AND block >= ? AND block < ?';
    this.#inRange = db.prepare(`SELECT block, crc ${range} AND crc IS NOT NULL ORDER BY block`);
    this.#presentIn = db
      .prepare<[number, number, number], number>(`SELECT block ${range} AND crc IS NOT NULL ORDER BY block`)
      .pluck();
    this.#rowsIn = db
      .prepare<[number, number, number], number>(`SELECT block ${range} ORDER BY block`)
      .pluck();
    this.#pendingOf = db
      .prepare<[number], number>('SELECT block FROM blocks WHERE blob_id = ? AND crc IS NULL ORDER BY block')
      .pluck();
    this.#insert = db.prepare('INSERT INTO blocks VALUES (?, ?, ?)');
    this.#fill = db.prepare('UPDATE blocks SET crc = ? WHERE blob_id = ? AND block = ? AND crc IS NULL');
    this.#drop = db.prepare('UPDATE blocks SET crc = NULL WHERE blob_id = ? AND block = ? AND crc = ?');
    this.#deletePending = db.prepare('DELETE FROM blocks WHERE blob_id = ? AND crc IS NULL');
    this.#count = db.prepare(
      'UPDATE blobs SET present = present + ?, room = room + ?, pending = pending + ? WHERE id = ?',
    );
  }

  /** The blocks of a range that are there, in order, with their checksums. */
  checksums(id: number, { start, end }: Interval): BlockChecksum[] {
    return this.#inRange.all(id, start, end);
  }

  /** The blocks of a range that are there. */
  present(id: number, { start, end }: Interval): Intervals {
    return asIntervals(this.#presentIn.all(id, start, end));
  }

  /** The blocks for which room is set aside though they are not there. */
  pending(id: number): Intervals {
    return asIntervals(this.#pendingOf.all(id));
  }

  /** The blocks of a range that have no room yet. */
  withoutRoom(id: number, { start, end }: Interval): Interval[] {
    return asIntervals(this.#rowsIn.all(id, start, end)).gaps(start, end);
  }

  /** Sets room aside for blocks that have none. */
  setAside({ id, size }: Sized, blocks: readonly Interval[]): void {
    for (const { start, end } of blocks) {
      for (let block = start; block < end; block++) this.#insert.run(id, block, null);
      const room = roomOf(size, { start, end });
      this.#count.run(0, room, room, id);
    }
  }

  /** These blocks, for which room was set aside, are on the disk now. Those that somebody else filled stay as they are. */
  fill({ id, size }: Sized, checksums: readonly BlockChecksum[]): void {
    for (const { block, crc } of checksums) {
      if (this.#fill.run(crc, id, block).changes === 0) continue;
      this.#count.run(1, 0, -roomOf(size, { start: block, end: block + 1 }), id);
    }
  }

  /** The blocks of a blob that its only writer has written, whose room is that of the blob. */
  addAll(id: number, crcs: readonly number[]): void {
    for (const [block, crc] of crcs.entries()) this.#insert.run(id, block, crc);
  }

  /** The block does not have this checksum: it is not there any more, though it keeps its room. */
  drop({ id, size }: Sized, { block, crc }: BlockChecksum): void {
    if (this.#drop.run(id, block, crc).changes === 0) return;
    this.#count.run(-1, 0, roomOf(size, { start: block, end: block + 1 }), id);
  }

  /** Gives back the room of blocks that are not there. */
  release({ id, size }: Sized): void {
    for (const blocks of this.pending(id)) {
      const room = roomOf(size, blocks);
      this.#count.run(0, -room, -room, id);
    }
    this.#deletePending.run(id);
  }
}

function asIntervals(ascending: readonly number[]): Intervals {
  const intervals = new Intervals();
  let start = ascending[0] ?? 0;
  for (const [at, block] of ascending.entries()) {
    if (ascending[at + 1] === block + 1) continue;
    intervals.add(start, block + 1);
    start = ascending[at + 1] ?? 0;
  }
  return intervals;
}
