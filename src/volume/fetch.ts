/**
 * Copies files of the tree to a local folder: each into a part file beside its destination, which is renamed into place when
 * it is complete and right. A part that an interrupted fetch left behind is continued, if it is of the same version.
 */
import { createHash, type Hash } from 'node:crypto';
import { closeSync, constants, createReadStream, fstatSync, type Stats } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, readlink, rename, rm, symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { FileRecord } from '../catalog/files.js';
import { FacetError, systemErrorCode } from '../errors.js';
import { decodeName, fsPath } from '../sources/file-names.js';
import { modifiedUs } from '../sources/local.js';
import { type ByteRange, resolveRange } from './range.js';
import type { Volume } from './volume.js';

export interface FetchOptions {
  /** Only these bytes. They replace what is there only with `force`, and are not checked against a checksum. */
  range?: ByteRange | undefined;
  /** Replace a file that is there and differs. */
  force: boolean;
  signal: AbortSignal;
  /** Told the bytes of each piece that arrived. */
  onBytes: (bytes: number) => void;
}

export interface Fetched {
  /** `unchanged`: it was there already. */
  status: 'fetched' | 'unchanged';
  /** Bytes that were copied this time. */
  bytes: number;
}

const PIECE = 1 << 20;

/**
 * Fetches the file or link `record` to `destination`, creating the folders above. Throws `exists` when something else is
 * there, `integrity` when the bytes are not those of the known checksum, `content-changed` when the file was written to
 * meanwhile, or what `Volume.open` throws.
 */
export async function fetchFile(
  volume: Volume,
  record: FileRecord,
  destination: string,
  options: FetchOptions,
): Promise<Fetched> {
  await mkdir(fsPath(dirname(destination)), { recursive: true });
  if (record.target !== null) return fetchLink(record.target, destination, options.force);
  const { fd, stats } = volume.open(record);
  try {
    if (options.range) return await fetchRange(fd, stats, destination, options.range, options);
    if (await isThere(destination, stats, options.force)) return { status: 'unchanged', bytes: 0 };
    const part = partName(destination, stats);
    const bytes = await fillPart(part, fd, stats, record, options);
    await rename(fsPath(part), fsPath(destination));
    return { status: 'fetched', bytes };
  } finally {
    closeSync(fd);
  }
}

async function fetchRange(
  fd: number,
  stats: Stats,
  destination: string,
  range: ByteRange,
  options: FetchOptions,
): Promise<Fetched> {
  const { start, end } = resolveRange(range, stats.size);
  if (!options.force && (await presentAt(destination))) refuseUnless(false, destination);
  const part = `${partName(destination, stats)}-${start}-${end}`;
  const handle = await open(fsPath(part), 'w', 0o600);
  try {
    const bytes = await copy(fd, handle, start, end, 0, null, options);
    await rename(fsPath(part), fsPath(destination));
    return { status: 'fetched', bytes };
  } catch (error) {
    await rm(fsPath(part), { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

/** Names the version, so that a part of another one is never continued. */
function partName(destination: string, stats: Stats): string {
  // The name of the destination may take all of the 255 bytes that a name can have.
  const name = createHash('sha256').update(basename(destination)).digest('hex').slice(0, 16);
  return join(dirname(destination), `.${name}-${modifiedUs(stats)}-${stats.size}.facet-part`);
}

/** Is this very version there? Throws `exists` for anything else, unless it may be replaced. */
async function isThere(destination: string, stats: Stats, force: boolean): Promise<boolean> {
  const present = await presentAt(destination);
  if (!present) return false;
  const same = present.isFile() && present.size === stats.size && modifiedUs(present) === modifiedUs(stats);
  if (!same) refuseUnless(force && !present.isDirectory(), destination);
  return same;
}

async function presentAt(destination: string): Promise<Stats | undefined> {
  try {
    return await lstat(fsPath(destination));
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function refuseUnless(allowed: boolean, destination: string): void {
  if (allowed) return;
  throw new FacetError('exists', `${destination} is there already, and is another`, {
    path: destination,
    hint: 'choose another place with -o, or replace files with --force',
  });
}

async function fillPart(
  part: string,
  fd: number,
  stats: Stats,
  record: FileRecord,
  options: FetchOptions,
): Promise<number> {
  const handle = await open(fsPath(part), constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  try {
    const hash = checksumToVerify(record, stats) ? createHash('sha256') : null;
    const from = await resumeFrom(handle, stats.size, hash);
    const bytes = await copy(fd, handle, from, stats.size, from, hash, options);
    const now = fstatSync(fd);
    if (now.size !== stats.size || now.mtimeMs !== stats.mtimeMs) {
      throw new FacetError('content-changed', `${record.name} was written to while it was fetched`, {
        path: record.name,
        hint: 'fetch it again when it is at rest',
      });
    }
    verify(record, hash);
    await handle.chmod((stats.mode & 0o777) | 0o600);
    await handle.utimes(stats.atimeMs / 1000, stats.mtimeMs / 1000);
    return bytes;
  } catch (error) {
    // A part is worth keeping only if it can be continued.
    if (error instanceof FacetError && error.code !== 'interrupted') await rm(fsPath(part), { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

/** A checksum is of the version that the catalog describes, and says nothing of another one. */
function checksumToVerify(record: FileRecord, stats: Stats): Uint8Array | null {
  return record.size === stats.size && record.mtimeUs === modifiedUs(stats) ? record.sha256 : null;
}

/** Where to go on: behind what a part of this version has already, which `hash` then covers. */
async function resumeFrom(part: FileHandle, size: number, hash: Hash | null): Promise<number> {
  const { size: present } = await part.stat();
  if (present > size) {
    await part.truncate(0);
    return 0;
  }
  if (hash && present > 0) {
    for await (const piece of readPieces(part.fd, 0, present)) hash.update(piece);
  }
  return present;
}

/** Copies the bytes from `start` to `end` to the part, from its offset `at` on. Returns how many they were. */
async function copy(
  fd: number,
  part: FileHandle,
  start: number,
  end: number,
  at: number,
  hash: Hash | null,
  { signal, onBytes }: FetchOptions,
): Promise<number> {
  let copied = 0;
  for await (const piece of readPieces(fd, start, end, signal)) {
    hash?.update(piece);
    await part.write(piece, 0, piece.length, at + copied);
    copied += piece.length;
    onBytes(piece.length);
  }
  if (copied === end - start) return copied;
  throw new FacetError('content-changed', 'the file became shorter while it was fetched', {
    hint: 'fetch it again when it is at rest',
  });
}

/** The contents of a file, or a range of them, in pieces. Throws as `Volume.open` does. */
export async function* readFile(
  volume: Volume,
  record: FileRecord,
  range: ByteRange | undefined,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  if (record.target !== null) return;
  const { fd, stats } = volume.open(record);
  try {
    const { start, end } = resolveRange(range ?? { start: 0, end: undefined }, stats.size);
    yield* readPieces(fd, start, end, signal);
  } finally {
    closeSync(fd);
  }
}

/** The bytes from `start` up to, not including, `end`, in pieces. Ends early where the file does. */
async function* readPieces(
  fd: number,
  start: number,
  end: number,
  signal?: AbortSignal,
): AsyncGenerator<Buffer> {
  if (start >= end) return;
  const options = { fd, start, end: end - 1, autoClose: false, highWaterMark: PIECE };
  yield* createReadStream('', signal ? { ...options, signal } : options);
}

function verify(record: FileRecord, hash: Hash | null): void {
  if (!hash || !record.sha256 || Buffer.compare(hash.digest(), record.sha256) === 0) return;
  throw new FacetError('integrity', `the contents of ${record.name} are not those that were hashed`, {
    path: record.name,
    hint: 'if it was changed on purpose, read it anew: facet index scan --full',
  });
}

async function fetchLink(target: string, destination: string, force: boolean): Promise<Fetched> {
  const present = await presentAt(destination);
  if (present?.isSymbolicLink() && decodeName(await readlink(fsPath(destination), 'buffer')) === target) {
    return { status: 'unchanged', bytes: 0 };
  }
  if (present) refuseUnless(force && !present.isDirectory(), destination);
  const part = join(dirname(destination), `.${process.pid}-${partNumber++}.facet-part`);
  await symlink(fsPath(target), fsPath(part));
  await rename(fsPath(part), fsPath(destination));
  return { status: 'fetched', bytes: 0 };
}

let partNumber = 0;
