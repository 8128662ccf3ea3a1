/** The way to a server, which a test can close, open again, and let so many bytes through. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export class Gate {
  /** What came from the server, in bytes. */
  passed = 0;
  /** What becomes of the bytes that come from the server; their number stays. */
  alter: (bytes: Buffer) => Buffer = bytes => bytes;
  readonly #target: URL;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #port = 0;
  #left = Number.POSITIVE_INFINITY;
  readonly #held = new Set<() => void>();

  constructor(target: string) {
    this.#target = new URL(target);
  }

  /** The address of the gate, once it was opened. */
  get endpoint(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Opens it, at the same address each time. */
  async open(): Promise<void> {
    this.#server = createServer({ allowHalfOpen: true }, client => this.#join(client));
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** From now on every connection is refused, and those that there are break off. */
  async close(): Promise<void> {
    this.release();
    const server = this.#server;
    this.#server = undefined;
    if (!server) return;
    const closed = once(server, 'close');
    server.close();
    for (const each of this.#sockets) each.destroy();
    await closed;
  }

  /** Lets so many more bytes through, and then none until `release`. The connections stay. */
  hold(bytes: number): void {
    this.#left = bytes;
  }

  release(): void {
    this.#left = Number.POSITIVE_INFINITY;
    for (const each of this.#held) each();
    this.#held.clear();
  }

  /** Does something wait to be let through? */
  get isHolding(): boolean {
    return this.#held.size > 0;
  }

  #join(client: Socket): void {
    const server = connect({ host: this.#target.hostname, port: Number(this.#target.port) });
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
    }
    client.pipe(server);
    server.on('data', (bytes: Buffer) => this.#pass(this.alter(bytes), server, client));
    server.on('end', () => client.end());
  }

  #pass(bytes: Buffer, from: Socket, to: Socket): void {
    const now = bytes.subarray(0, this.#left);
    const later = bytes.subarray(now.length);
    this.#left -= now.length;
    this.passed += now.length;
    if (now.length > 0 && !to.write(now)) {
      from.pause();
      to.once('drain', () => later.length === 0 && from.resume());
    }
    if (later.length === 0) return;
    from.pause();
    this.#held.add(() => {
      from.resume();
      this.#pass(later, from, to);
    });
  }
}
