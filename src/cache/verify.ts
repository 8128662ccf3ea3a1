/**
 * Checks the whole cache: every block against its checksum, files against the index and the other way round, room against
 * what the disk says. Repairing means forgetting: what is bad is not there any more.
 */
import { closeSync, existsSync, fstatSync, ftruncateSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { BlobFiles } from './blob-files.js';
import type { BlockChecksum } from './block-map.js';
import { BLOCK_SIZE, blockCount, checksumOnDisk, pagesOf } from './blocks.js';
import { BlobState } from './database.js';
import { fileState } from './file-state.js';
import type { CacheParts } from './handle.js';
import { flock, punchHole } from './libc.js';
import type { Recovery } from './recovery.js';

/** What a blob, a file without one, or the index itself was found to be like. */
export interface Verified {
  /** One of the keys of a blob; undefined for what has none. */
  key: string | undefined;
  /** Bytes that were compared with their checksums. */
  bytes: number;
  problems: Problem[];
}

export type Problem =
  | { kind: 'missing file' } //                   a blob without its file
  | { kind: 'wrong size'; found: number } //      a file that is shorter or longer than its contents
  | { kind: 'damaged block'; block: number } //   bytes with another checksum
  | { kind: 'stray file'; path: string } //       a file that belongs to no blob
  | { kind: 'unknown data'; bytes: number } //    more on the disk than the block map speaks of
  | { kind: 'wrong count'; what: string }; //     an index that contradicts itself

interface Row {
  id: number;
  name: string;
  size: number;
}

interface Context {
  parts: CacheParts & { files: BlobFiles };
  recovery: Recovery;
  repair: boolean;
}

/** File systems keep a little more than asked: extents of their own, room for more to come. */
const SLACK = BLOCK_SIZE;

export function* verifyCache(
  parts: Context['parts'],
  recovery: Recovery,
  repair: boolean,
): Generator<Verified> {
  const context = { parts, recovery, repair };
  if (repair) recovery.sweep();
  const next = parts.index.db.prepare<[number], Row>(
    `SELECT id, name, size FROM blobs WHERE id > ? AND state = ${BlobState.kept} ORDER BY id LIMIT 1`,
  );
  for (let row = next.get(0); row !== undefined; row = next.get(row.id)) yield verifyBlob(row, context);
  yield* strayFiles(context);
  yield* wrongCounts(context);
}

function verifyBlob(row: Row, context: Context): Verified {
  const { blobs, files, index } = context.parts;
  const verified: Verified = { key: blobs.keysOf(row.id)[0], bytes: 0, problems: [] };
  const fd = files.open(row.name, context.repair ? 'r+' : 'r');
  if (fd !== undefined) {
    try {
      verifyFile(fd, row, context, verified);
    } finally {
      closeSync(fd);
    }
  } else if (!existsSync(files.blobPath(row.name)) && blobs.get(row.id) !== undefined) {
    verified.problems.push({ kind: 'missing file' });
    if (context.repair) index.write(() => blobs.delete(row.id));
  }
  return verified;
}

function verifyFile(fd: number, row: Row, { parts, recovery, repair }: Context, verified: Verified): void {
  const state = fileState(fd);
  const found = fstatSync(fd).size;
  if (found !== row.size) {
    verified.problems.push({ kind: 'wrong size', found });
    if (repair) ftruncateSync(fd, row.size);
  }
  for (const each of parts.blocks.checksums(row.id, { start: 0, end: blockCount(row.size) })) {
    if (checksumOnDisk(fd, row.size, each.block) !== each.crc) drop(row, each, parts, repair, verified);
    else verified.bytes += Math.min(BLOCK_SIZE, row.size - each.block * BLOCK_SIZE);
  }
  if (verified.bytes === row.size && state !== undefined && fileState(fd) === state)
    parts.index.tryWrite(() => parts.blobs.setChecked(row.id, state));
  if (flock(fd, 'exclusive') !== true) return;
  const extra = unknownData(fd, row.id, parts);
  if (extra > SLACK) verified.problems.push({ kind: 'unknown data', bytes: extra });
  if (repair) forgetAbsent(fd, row, parts, recovery);
}

/** What is not there takes no room: neither on the disk nor in the index. */
function forgetAbsent(fd: number, row: Row, { blocks }: Context['parts'], recovery: Recovery): void {
  const all = { start: 0, end: blockCount(row.size) };
  for (const gap of blocks.present(row.id, all).gaps(all.start, all.end)) {
    punchHole(fd, gap.start * BLOCK_SIZE, pagesOf(row.size, gap));
  }
  recovery.releasePending(row, fd);
}

function drop(
  row: Row,
  checksum: BlockChecksum,
  parts: Context['parts'],
  repair: boolean,
  verified: Verified,
): void {
  verified.problems.push({ kind: 'damaged block', block: checksum.block });
  if (repair) parts.index.write(() => parts.blocks.drop(row, checksum));
}

/** Bytes that the disk has for a file beyond those that are counted. */
function unknownData(fd: number, id: number, { index }: Context['parts']): number {
  const room = index.db.prepare<[number], number>('SELECT room FROM blobs WHERE id = ?').pluck().get(id) ?? 0;
  return fstatSync(fd).blocks * 512 - room;
}

function* strayFiles({ parts: { files }, recovery, repair }: Context): Generator<Verified> {
  const folders = [files.tmp, ...readdirSync(files.blobs).map(name => join(files.blobs, name))];
  for (const folder of folders) {
    for (const name of readdirSync(folder)) {
      if (!recovery.isStray(name)) continue;
      yield { key: undefined, bytes: 0, problems: [{ kind: 'stray file', path: join(folder, name) }] };
      if (repair) recovery.removeStray(name);
    }
  }
}

/** `roomOf` one block, in SQL. */
const PAGES = `min(${BLOCK_SIZE}, (b.size + 4095) / 4096 * 4096 - x.block * ${BLOCK_SIZE})`;
const ROOM = `${PAGES} + iif(${PAGES} > 4 * 4096, 4096, 0)`;

/** What the sums should be, from one row for each block. */
const COUNTED = `
  SELECT b.id, count(x.crc) AS present,
    coalesce(sum(${ROOM}), 0) AS room,
    coalesce(sum(iif(x.crc IS NULL, ${ROOM}, 0)), 0) AS pending
  FROM blobs b LEFT JOIN blocks x ON x.blob_id = b.id WHERE b.state = ${BlobState.kept} GROUP BY b.id`;

const COUNTS = [
  {
    what: 'blocks and room of blobs',
    find: `SELECT 1 FROM blobs b JOIN (${COUNTED}) c USING (id)
      WHERE (b.present, b.room, b.pending) <> (c.present, c.room, c.pending) LIMIT 1`,
    repair: `UPDATE blobs SET (present, room, pending) = (SELECT present, room, pending FROM (${COUNTED}) c WHERE c.id = blobs.id)
      WHERE state = ${BlobState.kept}`,
  },
  {
    what: 'room of all blobs',
    find: `SELECT 1 FROM usage WHERE (blobs, room, pending) <>
      (SELECT count(*), coalesce(sum(room), 0), coalesce(sum(pending), 0) FROM blobs)`,
    repair: `UPDATE usage SET (blobs, room, pending) =
      (SELECT count(*), coalesce(sum(room), 0), coalesce(sum(pending), 0) FROM blobs)`,
  },
  {
    what: 'blocks of no blob',
    find: 'SELECT 1 FROM blocks WHERE blob_id NOT IN (SELECT id FROM blobs) LIMIT 1',
    repair: 'DELETE FROM blocks WHERE blob_id NOT IN (SELECT id FROM blobs)',
  },
  {
    what: 'keys of no blob',
    find: 'SELECT 1 FROM keys WHERE blob_id NOT IN (SELECT id FROM blobs) LIMIT 1',
    repair: 'DELETE FROM keys WHERE blob_id NOT IN (SELECT id FROM blobs)',
  },
];

function* wrongCounts({ parts: { index }, repair }: Context): Generator<Verified> {
  for (const count of COUNTS) {
    const isWrong = index.db.prepare(count.find).get() !== undefined;
    if (isWrong) yield { key: undefined, bytes: 0, problems: [{ kind: 'wrong count', what: count.what }] };
    if (isWrong && repair) index.write(() => index.db.exec(count.repair));
  }
}
