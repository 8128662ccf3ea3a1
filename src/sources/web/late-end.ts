/**
 * Sockets that end for undici only when it has taken all that came before. Its parser of HTTP/1.1 rests while a reader does; when
 * the server closes or resets the connection meanwhile, behind an answer that is its last, undici 7 throws where nobody can catch
 * it (https://github.com/nodejs/undici/issues/5360), and this is the end of the process.
 */
import type { Socket } from 'node:net';
import { systemErrorCode } from '../../errors.js';

/**
 * Changes the socket. A parser that begins to rest puts back what it has not looked at, be it nothing; one that goes on reads,
 * without saying how much.
 */
export function endLate(socket: Socket): Socket {
  const original = {
    push: socket.push.bind(socket),
    read: socket.read.bind(socket),
    unshift: socket.unshift.bind(socket),
    destroy: socket.destroy.bind(socket),
  };
  let isResting = false;
  let end: (() => void) | undefined;

  const endNow = () => {
    // The reader may have taken a little, and rest again.
    if (isResting) return;
    end?.();
    end = undefined;
  };
  return Object.assign(socket, {
    unshift(chunk: Uint8Array): void {
      isResting = true;
      original.unshift(chunk);
    },
    read(size?: number): Buffer | null {
      if (size === undefined) isResting = false;
      if (end && !isResting) process.nextTick(endNow);
      return original.read(size);
    },
    push(chunk: Uint8Array | null): boolean {
      if (chunk !== null || !isResting) return original.push(chunk);
      end ??= () => original.push(null);
      return false;
    },
    destroy(error?: Error): Socket {
      if (!isResting || systemErrorCode(error) !== 'ECONNRESET') return original.destroy(error);
      end = () => original.destroy(error);
      return socket;
    },
  });
}
