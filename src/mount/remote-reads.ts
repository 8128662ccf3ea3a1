/**
 * The remote files that are open through the mount: the side of the main thread. Brings what is missing from the sources and
 * answers the kernel itself.
 */
import { type FileLocation, sourcePath } from '../catalog/files.js';
import { errorMessage } from '../errors.js';
import type { RemoteContent } from '../volume/blob.js';
import { giveBlock, takeBlock } from '../volume/block-buffers.js';
import type { OpenRemoteContents } from '../volume/contents.js';
import type { Follower } from '../volume/follower.js';
import type { NearFile } from '../volume/near-files.js';
import { errnoOf } from './errno.js';
import { sendData, sendError } from './kernel/writer.js';
import type { RemoteMessage, Unique } from './remote-files.js';

interface Reading {
  file: FileLocation;
  /** Undefined from the first read on that it could not answer. */
  near: Promise<NearFile | undefined>;
  content: Promise<RemoteContent>;
  follower: Promise<Follower>;
}

type Read = Extract<RemoteMessage, { kind: 'remote-read' }>;

export interface RemoteReadsOptions {
  device: number;
  openRemote: OpenRemoteContents;
  onWarning: (message: string) => void;
}

/** What a program asks for at once. */
const SMALL = 128 * 1024;

const SAY_AGAIN_MS = 10_000;

export class RemoteReads {
  readonly #options: RemoteReadsOptions;
  readonly #open = new Map<number, Reading>();
  readonly #underWay = new Map<string, AbortController>();
  #warned = { message: '', at: 0 };
  #isClosed = false;

  constructor(options: RemoteReadsOptions) {
    this.#options = options;
  }

  /** Loads now what the first read would wait for. */
  async prepare(): Promise<void> {
    try {
      await (await this.#options.openRemote()).prepare();
    } catch {
      // Whoever reads is told.
    }
  }

  onMessage(message: RemoteMessage): void {
    switch (message.kind) {
      case 'remote-open':
        this.#open.set(message.handle, this.#begin(message.file));
        // Whoever opens a small file reads it, in a moment.
        if (message.file.size <= SMALL) void this.#follow(message.handle, 0, 0);
        break;
      case 'remote-read':
        void this.#read(message);
        break;
      case 'remote-hint':
        void this.#follow(message.handle, message.offset, message.size);
        break;
      case 'remote-interrupt':
        this.#underWay.get(nameOf(message.unique))?.abort();
        break;
      case 'remote-release':
        this.#release(message.handle);
        break;
    }
  }

  #begin(file: FileLocation): Reading {
    const contents = this.#options.openRemote();
    const content = contents.then(each => each.contentOf(file));
    const near = contents.then(each => each.openNear(file));
    const follower = Promise.all([contents, content]).then(([each, of]) => each.downloads.follow(of));
    // Whoever reads is told; somebody who only opens need not know.
    follower.catch(() => {});
    near.catch(() => {});
    return { file, near, content, follower };
  }

  async #read({ handle, unique, offset, size }: Read): Promise<void> {
    const controller = new AbortController();
    this.#underWay.set(nameOf(unique), controller);
    const { device } = this.#options;
    const reading = this.#open.get(handle);
    const block = takeBlock(size);
    try {
      if (!reading) throw new Error(`no open remote file has the handle ${handle}`);
      const bytes =
        (await readNear(reading, offset, size)) ??
        (await this.#download(reading, { offset, size, block }, controller.signal));
      // The number of a device that was closed may be that of something else by now.
      if (!this.#isClosed) sendData(device, unique.low, unique.high, bytes);
    } catch (error) {
      if (this.#isClosed) return;
      if (!controller.signal.aborted)
        this.#warn(`cannot read ${reading && sourcePath(reading.file)}: ${errorMessage(error)}`);
      this.#refuse(unique, error);
    } finally {
      giveBlock(block);
      this.#underWay.delete(nameOf(unique));
    }
  }

  async #download(
    { content, follower }: Reading,
    { offset, size, block }: { offset: number; size: number; block: Buffer },
    signal: AbortSignal,
  ): Promise<Buffer> {
    const [{ downloads }, wanted] = await Promise.all([this.#options.openRemote(), content]);
    void follower.then(
      each => each.onRead(offset, size),
      () => {},
    );
    return downloads.read(wanted, offset, offset + size, signal, block);
  }

  /** A program that reads on, and the kernel that reads ahead of it, would have the same said again and again. */
  #warn(message: string): void {
    if (message === this.#warned.message && Date.now() - this.#warned.at < SAY_AGAIN_MS) return;
    this.#warned = { message, at: Date.now() };
    this.#options.onWarning(message);
  }

  /** There is nobody to tell when the device is gone. */
  #refuse({ low, high }: Unique, error: unknown): void {
    try {
      sendError(this.#options.device, low, high, errnoOf(error));
    } catch {
      // Unmounted meanwhile.
    }
  }

  /** What is near need not be read ahead. */
  async #follow(handle: number, offset: number, size: number): Promise<void> {
    const reading = this.#open.get(handle);
    try {
      if (!(await reading?.near)) (await reading?.follower)?.onRead(offset, size);
    } catch {
      // Whoever reads is told.
    }
  }

  #release(handle: number): void {
    const reading = this.#open.get(handle);
    this.#open.delete(handle);
    void reading?.near.then(
      near => near?.close(),
      () => {},
    );
    void reading?.follower.then(
      follower => follower.close(),
      () => {},
    );
  }

  /** Nobody is answered any more. */
  close(): void {
    this.#isClosed = true;
    for (const controller of this.#underWay.values()) controller.abort();
    for (const handle of [...this.#open.keys()]) this.#release(handle);
  }
}

async function readNear(reading: Reading, offset: number, size: number): Promise<Buffer | undefined> {
  const near = await reading.near;
  const bytes = await near?.read(offset, Math.min(offset + size, reading.file.size));
  if (near && !bytes) {
    near.close();
    reading.near = Promise.resolve(undefined);
  }
  return bytes;
}

function nameOf({ low, high }: Unique): string {
  return `${high}:${low}`;
}
