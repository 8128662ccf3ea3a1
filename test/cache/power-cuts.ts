/**
 * What a disk holds after the power failed: of what was written and not flushed, nothing, all, or some pages. Watches the
 * calls of this process that write to files; SQLite's own are not seen, so its log is cut off at a random place instead.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import { blobFilesIn } from '../support/caches.js';
import type { Pick } from './random-use.js';

const PAGE = 4096;

/** Up to here SQLite has written its log only, so that any beginning of it is a state that was. */
const LOG_LIMIT = 3_900_000;

type Note = (fd: number, ...rest: unknown[]) => void;

export class Disk {
  /** By inode: pages that were written since the file was last flushed. */
  readonly #unflushed = new Map<number, Set<number>>();
  /** Inodes of files that were never flushed since they were made: their names can be lost too. */
  readonly #unnamed = new Set<number>();
  /** Calls that are watched and were not made yet. A cache that makes others instead is not tested. */
  readonly unseen = new Set<string>();
  readonly #onCall: () => void;

  /** Calls `onCall` before and after every call that changes something, until the test is over. */
  constructor(context: TestContext, onCall: () => void) {
    this.#onCall = onCall;
    const { writeSync, write, fdatasync, renameSync, rmSync, ftruncateSync } = fs;
    const originals = { writeSync, write, fdatasync, renameSync, rmSync, ftruncateSync };
    const wrote: Note = (fd, _bytes, _at, length, offset) => this.#wrote(fd, Number(offset), Number(length));
    this.#watch('writeSync', wrote);
    this.#watchPromised('write', wrote);
    this.#watch('ftruncateSync', fd => this.#made(fd));
    this.#watchPromised('fdatasync', fd => this.#flushed(fd));
    this.#watch('renameSync', () => {});
    this.#watch('rmSync', () => {});
    syncBuiltinESMExports();
    context.after(() => {
      Object.assign(fs, originals);
      syncBuiltinESMExports();
    });
  }

  #watch(name: 'writeSync' | 'renameSync' | 'rmSync' | 'ftruncateSync', note: Note): void {
    this.unseen.add(name);
    const original = fs[name];
    const watched = (...values: unknown[]) => {
      this.unseen.delete(name);
      this.#onCall();
      const result: unknown = Reflect.apply(original, fs, values);
      note(Number(values[0]), ...values.slice(1));
      this.#onCall();
      return result;
    };
    Object.assign(fs, { [name]: watched });
  }

  /** Of a call that other threads do, which is only made by way of `promisify`. */
  #watchPromised(name: 'write' | 'fdatasync', note: Note): void {
    this.unseen.add(name);
    const original = promisify(fs[name]);
    const watched = async (...values: unknown[]) => {
      this.unseen.delete(name);
      this.#onCall();
      const result: unknown = await Reflect.apply(original, fs, values);
      note(Number(values[0]), ...values.slice(1));
      this.#onCall();
      return result;
    };
    const unwatched = () => assert.fail(`${name} is called without promisify`);
    Object.assign(fs, { [name]: Object.assign(unwatched, { [promisify.custom]: watched }) });
  }

  #wrote(fd: number, offset: number, length: number): void {
    const { ino } = fs.fstatSync(fd);
    if (!this.#unflushed.has(ino)) this.#made(fd);
    const pages = this.#unflushed.get(ino) ?? new Set();
    for (let page = Math.floor(offset / PAGE); page * PAGE < offset + length; page++) pages.add(page);
    this.#unflushed.set(ino, pages);
  }

  #made(fd: number): void {
    const { ino } = fs.fstatSync(fd);
    this.#unnamed.add(ino);
    this.#unflushed.set(ino, new Set());
  }

  #flushed(fd: number): void {
    const { ino } = fs.fstatSync(fd);
    this.#unnamed.delete(ino);
    this.#unflushed.set(ino, new Set());
  }

  /** Copies a cache to a place that does not exist, as it may be after a power cut at this moment. */
  cut(from: string, to: string, pick: Pick): void {
    const lost = [() => false, () => true, () => pick(2) === 0][pick(3)] ?? (() => true);
    execFileSync('cp', ['-r', '--sparse=always', from, to]);
    fs.rmSync(join(to, 'index.db-shm'), { force: true });
    const log = join(to, 'index.db-wal');
    const { size } = fs.statSync(log);
    if (pick(2) === 0 && size < LOG_LIMIT) fs.truncateSync(log, pick(size + 1));
    for (const file of blobFilesIn(from)) this.#lose(file, file.replace(from, to), lost);
  }

  #lose(file: string, copy: string, lost: () => boolean): void {
    const { ino, size } = fs.statSync(file);
    if (this.#unnamed.has(ino) && lost()) {
      fs.rmSync(copy);
      return;
    }
    const bytes = fs.readFileSync(copy);
    for (const page of this.#unflushed.get(ino) ?? [])
      if (lost()) bytes.subarray(page * PAGE, (page + 1) * PAGE).fill(0);
    if (bytes.length === size && size > 0) fs.writeFileSync(copy, bytes, { flag: 'r+' });
  }
}
