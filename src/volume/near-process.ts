/**
 * The process that touches a folder which may hang: opens the files in it and reads them, one after the other, for the process
 * that started it. It may be killed at any moment.
 */
import { closeSync, fstatSync, readSync, type Stats } from 'node:fs';
import { type OpenedFile, openContained } from '../sources/contained.js';
import { modifiedUs, openRoot } from '../sources/local.js';

export type NearQuestion =
  /** A file below the folder `at`, with this size and, where that is known, time of last change. */
  | { kind: 'open'; id: number; at: string; path: string; size: number; mtimeUs: number | undefined }
  /** `file` is the id of the question that opened it. */
  | { kind: 'read'; id: number; file: number; start: number; end: number }
  /** Has no answer. */
  | { kind: 'close'; file: number };

export interface NearAnswer {
  id: number;
  /** Is the file open now? */
  found?: boolean;
  bytes?: Uint8Array | undefined;
}

/** File systems keep times to the microsecond, the second, or every other second; web servers tell seconds. */
const SAME_TIME_US = 2_000_000;

const open = new Map<number, OpenedFile>();

function openFile({ id, at, path, size, mtimeUs }: Extract<NearQuestion, { kind: 'open' }>): boolean {
  const file = openContained(openRoot(at), path, false);
  const isRight = isVersion(file.stats, size, mtimeUs) && !isPlaceholder(file.stats);
  if (isRight) open.set(id, file);
  else closeSync(file.fd);
  return isRight;
}

function isVersion(stats: Stats, size: number, mtimeUs: number | undefined): boolean {
  if (stats.size !== size) return false;
  return mtimeUs === undefined || Math.abs(modifiedUs(stats) - mtimeUs) < SAME_TIME_US;
}

/** Sync programs leave the size of a file behind whose contents they have taken from the disk. */
function isPlaceholder({ size, blocks }: Stats): boolean {
  return size > 0 && blocks === 0;
}

function readRange({ file, start, end }: Extract<NearQuestion, { kind: 'read' }>): Uint8Array | undefined {
  const opened = open.get(file);
  if (!opened) return undefined;
  const bytes = Buffer.allocUnsafe(end - start);
  let length = 0;
  for (let count = -1; count !== 0 && length < bytes.length; length += count)
    count = readSync(opened.fd, bytes, length, bytes.length - length, start + length);
  return length === bytes.length && isUnchanged(opened) ? bytes : undefined;
}

function isUnchanged({ fd, stats }: OpenedFile): boolean {
  const now = fstatSync(fd);
  return now.size === stats.size && now.mtimeMs === stats.mtimeMs;
}

function closeFile(id: number): void {
  const opened = open.get(id);
  open.delete(id);
  if (opened) closeSync(opened.fd);
}

/** Whatever goes wrong here, the file is to be had elsewhere. */
function attempt<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}

function answerTo(question: Exclude<NearQuestion, { kind: 'close' }>): NearAnswer {
  const { id } = question;
  if (question.kind === 'open') return { id, found: attempt(() => openFile(question)) ?? false };
  return { id, bytes: attempt(() => readRange(question)) };
}

function answer(question: NearQuestion): void {
  if (question.kind === 'close') closeFile(question.file);
  else process.send?.(answerTo(question));
}

process.on('message', answer);
process.on('disconnect', () => process.exit());
// Those are for the process that started it, and come to both when they come from a terminal.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
