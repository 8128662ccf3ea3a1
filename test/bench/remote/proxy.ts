/**
 * A program of its own: what goes through it arrives later, as over a long line. Half of the delay is on the way to the
 * server, half on the way back, and a connection takes a round trip before it carries anything. Bytes stay in order and are
 * not slowed down. Arguments: the port of the server, the delay of a round trip in milliseconds. Prints its port.
 */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { MIB } from './objects.js';
import { portOf } from './ports.js';

const [target, roundTripMs] = process.argv.slice(2).map(Number);
if (target === undefined || roundTripMs === undefined) throw new Error('usage: proxy PORT MILLISECONDS');
const oneWayMs = roundTripMs / 2;

/** Large reads: the proxy shares the processors with those whom it serves. */
const READ_BYTES = MIB / 2;
/** Less than this is copied, so that what waits does not lie in much more memory than it needs. */
const COPY_BELOW_BYTES = READ_BYTES / 4;
/** As much as one connection has on its way. */
const WINDOW_BYTES = 32 * MIB;

interface Piece {
  bytes: Buffer;
  /** Where the piece lies in memory that is used again. */
  memory: Buffer | undefined;
  due: number;
}

const spare: Buffer[] = [];

/** One direction of a connection. */
class Lane {
  readonly #to: Socket;
  readonly #onRoom: () => void;
  readonly #pieces: Piece[] = [];
  readonly #from: number;
  #held = 0;
  #timer: NodeJS.Timeout | undefined;

  /** Nothing arrives before `from`. */
  constructor(to: Socket, from: number, onRoom: () => void) {
    this.#to = to;
    this.#from = from;
    this.#onRoom = onRoom;
  }

  /** False when it is full; `onRoom` is called later. No bytes mean the end. */
  take(bytes: Buffer, memory?: Buffer): boolean {
    const due = Math.max(performance.now() + oneWayMs, this.#from);
    this.#pieces.push({ bytes, memory, due });
    this.#held += bytes.length;
    this.#timer ??= setTimeout(() => this.#deliver(), due - performance.now());
    return this.#held < WINDOW_BYTES;
  }

  #deliver(): void {
    this.#timer = undefined;
    // Timers count in whole milliseconds.
    const now = performance.now() + 0.5;
    for (let next = this.#pieces[0]; next !== undefined && next.due <= now; next = this.#pieces[0]) {
      this.#pieces.shift();
      this.#pass(next);
    }
    const [next] = this.#pieces;
    if (next) this.#timer = setTimeout(() => this.#deliver(), next.due - performance.now());
  }

  #pass({ bytes, memory }: Piece): void {
    if (bytes.length === 0) return void this.#to.end();
    this.#to.write(bytes, () => {
      if (memory) spare.push(memory);
      const wasFull = this.#held >= WINDOW_BYTES;
      this.#held -= bytes.length;
      if (wasFull && this.#held < WINDOW_BYTES) this.#onRoom();
    });
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

const END = Buffer.alloc(0);

function join(client: Socket): void {
  let memory: Buffer = END;
  const next = () => {
    memory = spare.pop() ?? Buffer.allocUnsafeSlow(READ_BYTES);
    return memory;
  };
  const take = (count: number) => {
    const bytes = memory.subarray(0, count);
    if (count >= COPY_BELOW_BYTES) return back.take(bytes, memory);
    spare.push(memory);
    return back.take(Buffer.from(bytes));
  };
  const server = connect({ port: Number(target), noDelay: true, onread: { buffer: next, callback: take } });
  const back = new Lane(client, 0, () => server.resume());
  const there = new Lane(server, performance.now() + oneWayMs * 3, () => client.resume());
  client.setNoDelay();
  client.on('data', bytes => {
    if (typeof bytes !== 'string' && !there.take(bytes)) client.pause();
  });
  client.on('end', () => there.take(END));
  server.on('end', () => back.take(END));
  const end = () => {
    for (const lane of [there, back]) lane.stop();
    for (const socket of [client, server]) socket.destroy();
  };
  for (const socket of [client, server]) socket.on('error', end).on('close', hadError => hadError && end());
  client.on('close', end);
}

const proxy = createServer({ allowHalfOpen: true }, join).listen(0, '127.0.0.1', 512);
await once(proxy, 'listening');
console.log(portOf(proxy));
