/**
 * Copies files of the tree to a local folder: each into a part file beside its destination, which takes its name when it is
 * complete and right. A part that an interrupted fetch left behind is continued, after a look whether it is what it should be.
 */
import { createHash, type Hash } from 'node:crypto';
import { constants, fchmodSync, fstatSync, futimesSync, linkSync, renameSync, rmSync } from 'node:fs';
import { type FileHandle, open, readlink, rm, symlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { flock } from '../cache/libc.js';
import { type FileRecord, sourcePath } from '../catalog/files.js';
import { FacetError, type FacetErrorCode, systemErrorCode } from '../errors.js';
import { decodeName, fsPath } from '../sources/file-names.js';
import { modifiedUs } from '../sources/local.js';
import { giveBlock, takeBlock } from './block-buffers.js';
import { addUp, compared, hashToVerify, verify } from './comparison.js';
import { type OpenContents, type OpenRemoteContents, openContents } from './contents.js';
import { occupied, presentAt, refusePresent, writeError } from './destination.js';
import { makeFolders } from './folders.js';
import { PartFile } from './part-file.js';
import { PIECE, readPieces, writeAll } from './pieces.js';
import { type ByteRange, resolveRange } from './range.js';
import { refuseDamaged } from './told-checksum.js';
import type { Volume } from './volume.js';

/** Where a file goes. Links above `folder` are the user's own; below it none is followed. */
export interface Destination {
  folder: string;
  /** The path below the folder, with the file's name. */
  relative: string;
}

export interface FetchOptions {
  /** Only these bytes. They replace what is there only with `force`, and are not checked against a checksum. */
  range?: ByteRange | undefined;
  /** Replace a file that is there and differs. */
  force: boolean;
  signal: AbortSignal;
  /** Told the bytes of each piece that arrived, now or in a fetch before. */
  onBytes: (bytes: number) => void;
}

export interface Fetched {
  /** `unchanged`: it was there already. */
  status: 'fetched' | 'unchanged';
  /** Bytes that were copied this time. */
  bytes: number;
}

/** What is being fetched in this process, by destination: the next one with the same waits. */
const underWay = new Map<string, Promise<unknown>>();

/**
 * Fetches the file or link `record`, creating the folders above it. Throws `exists` when something else is there,
 * `integrity` when the bytes are not those of the known checksum, `content-changed` when the file was written to meanwhile,
 * `in-use` when another process is fetching it, `no-space` when its disk is full, or what `Volume.open` throws.
 */
export async function fetchFile(
  volume: Volume,
  record: FileRecord,
  to: Destination,
  options: FetchOptions,
  openRemote?: OpenRemoteContents,
): Promise<Fetched> {
  const destination = resolve(to.folder, to.relative);
  const before = underWay.get(destination);
  const fetching = (async () => {
    await before?.catch(() => {});
    makeFolders(to.folder, dirname(to.relative));
    if (record.target !== null) return fetchLink(record.target, destination, options.force);
    const contents = await openContents(volume, record, openRemote);
    try {
      return await fetchContents({ contents, record }, destination, options);
    } finally {
      contents.close();
    }
  })();
  underWay.set(destination, fetching);
  try {
    return await fetching;
  } catch (error) {
    throw writeError(error, destination);
  } finally {
    if (underWay.get(destination) === fetching) underWay.delete(destination);
  }
}

async function fetchContents(source: Source, destination: string, options: FetchOptions): Promise<Fetched> {
  if (!options.range && isThere(destination, source.contents, options.force)) {
    return { status: 'unchanged', bytes: 0 };
  }
  const bytes = options.range
    ? await fetchRange(source, destination, options.range, options)
    : await fetchWhole(source, destination, options);
  return { status: 'fetched', bytes };
}

/** An open file, and what the catalog knows of it. */
interface Source {
  contents: OpenContents;
  record: FileRecord;
}

/** Is this very version there? Throws `exists` for anything else that has to stay. */
function isThere(destination: string, { size, mtimeUs }: OpenContents, force: boolean): boolean {
  const present = presentAt(destination);
  if (!present) return false;
  const same = present.isFile() && present.size === size && modifiedUs(present) === mtimeUs;
  if (!same) refusePresent(present, destination, force);
  return same;
}

async function fetchWhole(source: Source, destination: string, options: FetchOptions): Promise<number> {
  const { contents } = source;
  const path = partName(destination, source, '');
  const handle = await openPart(path);
  let part: PartFile | undefined;
  try {
    if (contents.bring) {
      part = await PartFile.open(handle, path, contents.size, options.onBytes, options.signal);
    }
    const bytes = await (part ? bringAll(source, handle, part, options) : copyAll(source, handle, options));
    fchmodSync(handle.fd, (contents.mode & 0o777) | 0o600);
    setModified(handle.fd, contents.mtimeUs);
    await handle.datasync();
    publish(path, destination, options.force);
    return bytes;
  } catch (cause) {
    const error = writeError(cause, destination);
    // What could not even be looked at may be all that a fetch before has brought.
    const isOfUse = part ? part.isOfUse : contents.bring !== undefined;
    if (!options.signal.aborted && !(isOfUse && mayGoOn(error))) await rm(fsPath(path), { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

const PASSING: readonly FacetErrorCode[] = [
  'unreachable',
  'denied',
  'failed',
  'interrupted',
  'no-space',
  'read-only',
];

/** Whether a later fetch may go on with what has come from afar. What would only take room is not worth keeping. */
function mayGoOn(error: unknown): boolean {
  return error instanceof FacetError ? PASSING.includes(error.code) : systemErrorCode(error) !== undefined;
}

async function copyAll(source: Source, handle: FileHandle, options: FetchOptions): Promise<number> {
  const hash = hashToVerify(source.record, source.contents);
  const from = await resumeFrom(handle, source, hash);
  options.onBytes(from);
  const bytes = await copy(
    source,
    handle,
    { start: from, end: source.contents.size, at: from },
    hash,
    options,
  );
  verify(source.record, hash);
  return bytes;
}

/** Whichever fails first ends the other. */
async function bringAll(
  { record, contents }: Source,
  handle: FileHandle,
  part: PartFile,
  { signal }: FetchOptions,
): Promise<number> {
  const hash = hashToVerify(record, contents);
  const compare = async () => {
    const told = await contents.checksum?.(part.givenUp);
    await addUp(part, handle.fd, [hash, told]);
    return told;
  };
  const giveUp = (error: unknown) => part.giveUp(error);
  const comparing = compare();
  await Promise.all([contents.bring?.(part, signal).catch(giveUp), comparing.catch(giveUp)]);
  part.givenUp.throwIfAborted();
  part.finish();
  verify(record, hash);
  await refuseDamaged(sourcePath(record), await comparing);
  return part.written;
}

async function fetchRange(
  source: Source,
  destination: string,
  range: ByteRange,
  options: FetchOptions,
): Promise<number> {
  const { start, end } = resolveRange(range, source.contents.size);
  refuseAnyPresent(destination, options.force);
  const part = partName(destination, source, `-${start}-${end}`);
  const handle = await openPart(part);
  try {
    await handle.truncate(0);
    const bytes = await copy(source, handle, { start, end, at: 0 }, undefined, options);
    await handle.datasync();
    publish(part, destination, options.force);
    return bytes;
  } catch (error) {
    await rm(fsPath(part), { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

/** Names destination, file and version, so that no part is ever continued as another file's or version's. */
function partName(destination: string, { record, contents }: Source, range: string): string {
  // The destination's own name may take all of the 255 bytes that a name can have, and so may a version.
  const named = `${basename(destination)}${record.version === null ? '' : `\0${record.version}`}`;
  return join(
    dirname(destination),
    `.${digestOf(named)}-${record.id}-${contents.mtimeUs}-${contents.size}${range}.facet-part`,
  );
}

/** Any name in as many characters. */
function digestOf(name: string): string {
  return createHash('sha256').update(name).digest('hex').slice(0, 16);
}

const PART_FLAGS = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Opens a part for this process alone. Throws `in-use` when another one has it, `exists` when it is not one of ours. */
async function openPart(part: string): Promise<FileHandle> {
  const handle = await open(fsPath(part), PART_FLAGS, 0o600);
  try {
    const stats = fstatSync(handle.fd);
    if (!stats.isFile() || stats.uid !== process.geteuid?.()) {
      throw occupied(part, 'is not a part of ours', 'remove it');
    }
    if (flock(handle.fd, 'exclusive') !== false && stats.nlink === 1) return handle;
    throw inUse(part);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function inUse(part: string): FacetError {
  return new FacetError('in-use', `another facet is fetching to ${dirname(part)}`, {
    path: part,
    hint: 'wait for it to finish',
  });
}

/**
 * Where to go on: behind what the part has in common with the file, which `hash` then covers. It is compared, because
 * after a power cut a part can be long enough and yet hold something else. What is afar would have to be read as a whole.
 */
async function resumeFrom(part: FileHandle, { contents }: Source, hash: Hash | undefined): Promise<number> {
  const present = contents.isLocal ? Math.min((await part.stat()).size, contents.size) : 0;
  const expected = contents.pieces(0, present)[Symbol.asyncIterator]();
  let at = 0;
  for await (const piece of readPieces(part.fd, 0, present)) {
    const { value } = await expected.next();
    if (!value || Buffer.compare(piece, value) !== 0) break;
    hash?.update(piece);
    at += piece.length;
  }
  await part.truncate(at);
  return at;
}

/** Copies the bytes from `start` to `end` to the part, from its offset `at` on. Returns how many they were. */
async function copy(
  { contents }: Source,
  part: FileHandle,
  { start, end, at }: { start: number; end: number; at: number },
  hash: Hash | undefined,
  { signal, onBytes }: FetchOptions,
): Promise<number> {
  let copied = 0;
  const block = takeBlock(PIECE);
  try {
    for await (const piece of contents.pieces(start, end, signal, block)) {
      hash?.update(piece);
      await writeAll(part, piece, at + copied);
      copied += piece.length;
      onBytes(piece.length);
    }
  } finally {
    giveBlock(block);
  }
  contents.refuseChanged();
  return copied;
}

/**
 * Gives the part the time of its origin, in microseconds. A little more than the whole number, because times pass
 * through a double on their way, which must not make them the microsecond before. Node takes a number before 1970 for the
 * present time, but not a string.
 */
function setModified(part: number, us: number): void {
  const seconds = String((us + Math.sign(us) * 0.4) / 1e6);
  futimesSync(part, seconds, seconds);
}

/** Gives a part its name. Whatever took that name meanwhile and has to stay keeps it. */
function publish(part: string, destination: string, force: boolean): void {
  refuseAnyPresent(destination, force);
  if (force || !linked(part, destination)) renameSync(fsPath(part), fsPath(destination));
  else rmSync(fsPath(part), { force: true });
}

/** Some file systems have no hard links; false there, when nothing has the name. */
function linked(part: string, destination: string): boolean {
  try {
    linkSync(fsPath(part), fsPath(destination));
    return true;
  } catch {
    refuseAnyPresent(destination, false);
    return false;
  }
}

function refuseAnyPresent(destination: string, force: boolean): void {
  const present = presentAt(destination);
  if (present) refusePresent(present, destination, force);
}

async function fetchLink(target: string, destination: string, force: boolean): Promise<Fetched> {
  const present = presentAt(destination);
  if (present?.isSymbolicLink() && decodeName(await readlink(fsPath(destination), 'buffer')) === target) {
    return { status: 'unchanged', bytes: 0 };
  }
  if (present) refusePresent(present, destination, force);
  if (present) await replaceByLink(target, destination);
  else await symlink(fsPath(target), fsPath(destination));
  return { status: 'fetched', bytes: 0 };
}

/** In one step: what is there is lost to no error, and to no crash. What a fetch that was killed left behind goes. */
async function replaceByLink(target: string, destination: string): Promise<void> {
  const part = join(dirname(destination), `.${digestOf(basename(destination))}-link.facet-part`);
  rmSync(fsPath(part), { force: true });
  await symlink(fsPath(target), fsPath(part));
  try {
    renameSync(fsPath(part), fsPath(destination));
  } catch (error) {
    rmSync(fsPath(part), { force: true });
    throw systemErrorCode(error) === 'ENOENT' ? inUse(part) : error;
  }
}

/** The contents of a file, or a range of them, in pieces. Throws as `fetchFile` does, `usage` for a link. */
export async function* readFile(
  volume: Volume,
  record: FileRecord,
  range: ByteRange | undefined,
  signal: AbortSignal,
  openRemote?: OpenRemoteContents,
): AsyncGenerator<Buffer> {
  if (record.target !== null) {
    throw new FacetError(
      'usage',
      `${sourcePath(record)} is a link to ${record.target}, and has no contents`,
      {
        hint: 'fetch the file that it leads to',
      },
    );
  }
  const contents = await openContents(volume, record, openRemote);
  try {
    const { start, end } = resolveRange(range ?? { start: 0, end: undefined }, contents.size);
    const isWhole = start === 0 && end === contents.size;
    if (isWhole) return yield* compared(record, contents, signal);
    yield* contents.pieces(start, end, signal);
    contents.refuseChanged();
  } finally {
    contents.close();
  }
}
