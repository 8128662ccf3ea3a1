/**
 * The files of blobs: `blobs/ab/<name>`, and `tmp/<name>` while they are not whole. Whoever has one open holds a shared lock on
 * it; whoever wants to remove one needs the lock for itself. The system releases both, however a process ends.
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { systemErrorCode } from '../errors.js';
import { flock } from './libc.js';

export interface NewFile {
  name: string;
  fd: number;
}

// Whoever seizes a file without removing it is done with it in no time.
const ATTEMPTS = 10;
const PAUSE_MS = 2;
const pause = new Int32Array(new SharedArrayBuffer(4));

export class BlobFiles {
  readonly blobs: string;
  readonly tmp: string;

  constructor(directory: string) {
    this.blobs = join(directory, 'blobs');
    this.tmp = join(directory, 'tmp');
  }

  create(): void {
    for (const folder of [this.blobs, this.tmp]) mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  blobPath(name: string): string {
    return join(this.blobs, name.slice(0, 2), name);
  }

  tmpPath(name: string): string {
    return join(this.tmp, name);
  }

  /** The names in `tmp/`, which is not there when a process was killed just as it made the cache. */
  unfinished(): string[] {
    return existsSync(this.tmp) ? readdirSync(this.tmp) : [];
  }

  /** Makes an empty file in `tmp/` with a new name, open for reading and writing, and locked. */
  make(): NewFile {
    for (;;) {
      const name = randomBytes(16).toString('hex');
      const fd = lock(openSync(this.tmpPath(name), 'wx+', 0o600), 1);
      // A cleaner can have seen it before it was locked.
      if (fd !== undefined) return { name, fd };
    }
  }

  /** Opens a blob and locks it; undefined when it is gone, or is being removed. */
  open(name: string, flags: 'r' | 'r+'): number | undefined {
    const fd = openIfThere(this.blobPath(name), flags);
    return fd === undefined ? undefined : lock(fd, ATTEMPTS);
  }

  /** Moves a file from `tmp/` to where blobs are. */
  keep(name: string): void {
    const [from, to] = [this.tmpPath(name), this.blobPath(name)];
    try {
      renameSync(from, to);
    } catch (error) {
      if (systemErrorCode(error) !== 'ENOENT') throw error;
      // The first one with this beginning.
      mkdirSync(dirname(to), { recursive: true, mode: 0o700 });
      renameSync(from, to);
    }
  }

  /** Moves a blob that is to be removed back to `tmp/`, where whoever cleans up takes it for that. */
  retire(name: string): void {
    try {
      renameSync(this.blobPath(name), this.tmpPath(name));
    } catch {
      // A full disk may have no place for one name more.
      rmSync(this.blobPath(name), { force: true });
    }
  }

  isRetired(name: string): boolean {
    return existsSync(this.tmpPath(name));
  }

  remove(name: string): void {
    rmSync(this.blobPath(name), { force: true });
    rmSync(this.tmpPath(name), { force: true });
  }

  /** Opens the blob or unfinished file when nobody else has it open; nobody else can then, until it is closed. */
  seize(name: string): number | 'gone' | 'in use' {
    // In this order: what is moved from one place to the other in between is found all the same.
    const fd = openIfThere(this.tmpPath(name), 'r+') ?? openIfThere(this.blobPath(name), 'r+');
    if (fd === undefined) return 'gone';
    if (flock(fd, 'exclusive') === true) return fd;
    closeSync(fd);
    return 'in use';
  }
}

/** Takes the shared lock of a file that is still there, or closes it. */
function lock(fd: number, attempts: number): number | undefined {
  for (let left = attempts; left > 0; left--) {
    const isLocked = flock(fd, 'shared') !== false;
    if (fstatSync(fd).nlink === 0) break;
    if (isLocked) return fd;
    if (left > 1) Atomics.wait(pause, 0, 0, PAUSE_MS);
  }
  closeSync(fd);
  return undefined;
}

function openIfThere(path: string, flags: 'r' | 'r+'): number | undefined {
  try {
    return openSync(path, flags);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
