/** Reads an open file in pieces, and writes them. The descriptor stays the caller's; nothing here closes it. */
import { fstatSync, read as readCallback, type Stats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';
import { FacetError } from '../errors.js';

const read = promisify(readCallback);

export const PIECE = 1 << 20;

/**
 * The bytes from `start` up to, not including, `end`. Ends early where the file does. Throws the signal's reason. With `into`,
 * of the size of a piece, each of them lies there and is gone with the next one.
 */
export async function* readPieces(
  fd: number,
  start: number,
  end: number,
  signal?: AbortSignal,
  into?: Buffer,
): AsyncGenerator<Buffer> {
  for (let at = start; at < end; ) {
    signal?.throwIfAborted();
    const length = Math.min(PIECE, end - at);
    const piece = into ?? Buffer.allocUnsafe(length);
    const { bytesRead } = await read(fd, piece, 0, length, at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield piece.subarray(0, bytesRead);
  }
}

/** write(2) may take less than it was given. */
export async function writeAll(file: FileHandle, piece: Buffer, at: number): Promise<void> {
  for (let done = 0; done < piece.length; ) {
    const { bytesWritten } = await file.write(piece, done, piece.length - done, at + done);
    done += bytesWritten;
  }
}

/** Throws `content-changed` when a file is not what it was when it was opened. */
export function refuseChanged(fd: number, before: Stats, path: string): void {
  const now = fstatSync(fd);
  if (now.size === before.size && now.mtimeMs === before.mtimeMs) return;
  throw new FacetError('content-changed', `${path} was written to while it was read`, {
    path,
    hint: 'try again when it is at rest',
  });
}
