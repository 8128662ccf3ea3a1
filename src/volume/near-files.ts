/**
 * Files of remote sources that are in folders of this machine as well: network mounts and the folders of sync programs. Such
 * a folder can hang for ever, and with it whoever touches it, so a process of its own does that. One that does not answer in
 * time is killed, and the folder is away for a while: its files then come from elsewhere.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { FileLocation } from '../catalog/files.js';
import type { MappedFolders } from './mapped-folders.js';
import type { NearAnswer, NearQuestion } from './near-process.js';

export interface NearFile {
  /** All of these bytes; undefined when they cannot be had in this version, or not now. */
  read(start: number, end: number): Promise<Buffer | undefined>;
  close(): void;
}

export interface Patience {
  /** Between two answers, as long as questions wait. */
  answerMs: number;
  /** A folder that did not answer is not asked for so long. */
  awayMs: number;
}

export const defaultPatience: Patience = { answerMs: 5_000, awayMs: 30_000 };

export class NearFiles {
  readonly #mapped: MappedFolders;
  readonly #patience: Patience;
  readonly #folders = new Map<string, NearFolder>();

  constructor(mapped: MappedFolders, patience: Patience = defaultPatience) {
    this.#mapped = mapped;
    this.#patience = patience;
  }

  /** Is there a folder that should have the file? */
  has(file: FileLocation): boolean {
    return this.#mapped.placeOf(file) !== undefined;
  }

  /** The file in its present version; undefined when no folder has it. Never fails. Whoever opens it closes it. */
  async open(file: FileLocation): Promise<NearFile | undefined> {
    const place = this.#mapped.placeOf(file);
    if (!place) return undefined;
    const folder = this.#folders.get(place.at) ?? new NearFolder(place.at, this.#patience);
    this.#folders.set(place.at, folder);
    return folder.open(place.path, file.size, place.sameTime ? file.mtimeUs : undefined);
  }

  close(): void {
    for (const folder of this.#folders.values()) folder.close();
  }
}

class NearFolder {
  readonly #at: string;
  readonly #patience: Patience;
  readonly #waiting = new Map<number, (answer: NearAnswer | undefined) => void>();
  #reader: ChildProcess | undefined;
  #silence: NodeJS.Timeout | undefined;
  #awayUntil = 0;
  #lastId = 0;

  constructor(at: string, patience: Patience) {
    this.#at = at;
    this.#patience = patience;
  }

  async open(path: string, size: number, mtimeUs: number | undefined): Promise<NearFile | undefined> {
    const id = ++this.#lastId;
    const answer = await this.#ask({ kind: 'open', id, at: this.#at, path, size, mtimeUs });
    const reader = this.#reader;
    if (!answer?.found) return undefined;
    return {
      read: async (start, end) => {
        // Another process knows nothing of it.
        if (reader !== this.#reader) return undefined;
        const { bytes } = (await this.#ask({ kind: 'read', id: ++this.#lastId, file: id, start, end })) ?? {};
        return bytes && Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
      },
      close: () => {
        if (reader === this.#reader) this.#send({ kind: 'close', file: id });
      },
    };
  }

  /** Undefined when there is no answer. */
  #ask(question: Exclude<NearQuestion, { kind: 'close' }>): Promise<NearAnswer | undefined> {
    if (performance.now() < this.#awayUntil) return Promise.resolve(undefined);
    this.#reader ??= this.#start();
    this.#silence ??= setTimeout(() => this.#giveUp(), this.#patience.answerMs);
    return new Promise(resolve => {
      this.#waiting.set(question.id, resolve);
      this.#send(question);
    });
  }

  /** Questions are answered one after the other, and those that wait behind others need no more patience than the first. */
  #onAnswer(answer: NearAnswer): void {
    this.#waiting.get(answer.id)?.(answer);
    this.#waiting.delete(answer.id);
    if (this.#waiting.size > 0) this.#silence?.refresh();
    else this.#endSilence();
  }

  #endSilence(): void {
    clearTimeout(this.#silence);
    this.#silence = undefined;
  }

  #start(): ChildProcess {
    const reader = fork(fileURLToPath(new URL('./near-process.js', import.meta.url)), {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      execArgv: [],
    });
    reader.on('message', (answer: NearAnswer) => this.#onAnswer(answer));
    reader.once('error', () => this.#lose(reader));
    reader.once('exit', () => this.#lose(reader));
    // It ends with this process, which need not wait for it.
    reader.unref();
    reader.channel?.unref();
    return reader;
  }

  #send(question: NearQuestion): void {
    // Whether it could be sent, its answer says, or that there is none.
    if (this.#reader?.connected) this.#reader.send(question, () => {});
  }

  #giveUp(): void {
    this.#awayUntil = performance.now() + this.#patience.awayMs;
    this.close();
  }

  close(): void {
    const reader = this.#reader;
    if (reader) this.#lose(reader);
    reader?.kill('SIGKILL');
  }

  /** Nobody waits any longer, and every file that was open is gone. */
  #lose(reader: ChildProcess): void {
    if (reader !== this.#reader) return;
    this.#reader = undefined;
    this.#endSilence();
    for (const answer of this.#waiting.values()) answer(undefined);
    this.#waiting.clear();
  }
}
