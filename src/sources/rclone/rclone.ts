/**
 * Whatever the user's own rclone reaches: Drive, Dropbox, SFTP and many more. It lists in a process of its own; files are
 * read through one long-lived server, which is started when it is first needed and ends with the source.
 */
import { FacetError } from '../../errors.js';
import type { Listed } from '../open-folder.js';
import { encodePath, encodeSegment } from '../percent.js';
import type { RangeRequest, RemotePlace, RemoteSource } from '../remote.js';
import { Connections, connectionError, readText, type WebAnswer } from '../web/connections.js';
import {
  bodyBytes,
  changed,
  checkPartial,
  checkRange,
  checkVersion,
  checkWhole,
  rangeHeader,
  type Subject,
} from '../web/ranges.js';
import type { Surroundings } from '../web/surroundings.js';
import { TransientError } from '../web/transient.js';
import { confirmed, SharedQuestions } from './confirmed.js';
import { type Daemon, startDaemon } from './daemon.js';
import { attributesOf, listRemote } from './listing.js';
import { parseRcloneUri, type RcloneAddress } from './uri.js';

const LONGEST_ANSWER_BYTES = 1024 * 1024;

/** Throws `usage` for a URI that makes no sense. Starts nothing yet. */
export function openRclone(uri: string, { timeouts }: Surroundings): RemoteSource {
  return new RcloneSource(parseRcloneUri(uri), new Connections(timeouts));
}

class RcloneSource implements RemoteSource {
  readonly #address: RcloneAddress;
  readonly #connections: Connections;
  readonly #closing = new AbortController();
  /** Of files that are read, by their path. */
  readonly #present = new SharedQuestions(path => this.#stat(path, this.#closing.signal));
  #daemon: Promise<Daemon> | undefined;

  constructor(address: RcloneAddress, connections: Connections) {
    this.#address = address;
    this.#connections = connections;
  }

  folders(signal: AbortSignal): ReturnType<RemoteSource['folders']> {
    return listRemote(this.#address.remote + this.#address.path, signal);
  }

  stat(place: RemotePlace, signal: AbortSignal): Promise<Listed | undefined> {
    return this.#stat(this.#path(place), signal);
  }

  async #stat(path: string, signal: AbortSignal): Promise<Listed | undefined> {
    const options = JSON.stringify({ noMimeType: true, filesOnly: true });
    const query = `fs=${encodeSegment(this.#address.remote)}&remote=${encodeSegment(path)}&opt=${encodeSegment(options)}`;
    const answer = await this.#ask('POST', `/operations/stat?${query}`, {}, signal);
    const { item } = await this.#json(answer, signal);
    if (answer.status !== 200) throw failed(answer, this.#subject(path).name);
    return typeof item === 'object' && item !== null ? attributesOf({ ...item }) : undefined;
  }

  async *read(place: RemotePlace, request: RangeRequest): AsyncGenerator<Uint8Array> {
    const { start, end, size, signal } = request;
    const filePath = this.#path(place);
    const subject = this.#subject(filePath);
    checkRange(request, subject.name);
    if (start === end) return checkVersion(await this.stat(place, signal), request, subject);
    const range = start === 0 && end === size ? {} : { range: rangeHeader(request) };
    const path = `/${encodeSegment(`[${this.#address.remote}]`)}/${encodePath(filePath)}`;
    const answer = await this.#ask('GET', path, range, signal);
    try {
      checkAnswer(answer, request, subject);
      const bytes = bodyBytes(answer, { skip: 0, bytes: end - start, tooMuch: 'wrong' }, subject, signal);
      const confirm = async () => checkVersion(await this.#present.ask(filePath, signal), request, subject);
      for await (const piece of confirmed(bytes, confirm)) {
        yield piece;
        // What was held back is there, though nobody may want it any more.
        signal.throwIfAborted();
      }
    } finally {
      answer.body.destroy();
    }
  }

  async #ask(method: 'GET' | 'POST', path: string, headers: Record<string, string>, signal: AbortSignal) {
    const daemon = await this.#running();
    signal.throwIfAborted();
    const { origin } = daemon;
    return this.#connections.request({
      origin,
      path,
      method,
      headers: { ...headers, ...daemon.headers },
      signal,
      name: this.#name,
    });
  }

  /** One that ended by itself is followed by another one. */
  async #running(): Promise<Daemon> {
    this.#closing.signal.throwIfAborted();
    const known = await this.#daemon?.catch(() => undefined);
    if (known !== undefined && !known.ended()) return known;
    if (this.#daemon === undefined || (await this.#daemon.catch(() => undefined)) === known) {
      this.#daemon = startDaemon(this.#connections);
    }
    return this.#daemon;
  }

  async #json(answer: WebAnswer, signal: AbortSignal): Promise<Record<string, unknown>> {
    try {
      return { ...JSON.parse(await readText(answer, LONGEST_ANSWER_BYTES)) };
    } catch (error) {
      if (error instanceof SyntaxError) return {};
      throw connectionError(error, this.#name, signal);
    }
  }

  #path(place: RemotePlace): string {
    return this.#address.path + (place.key ?? place.path);
  }

  #subject(path: string): Subject {
    return { name: `rclone:${this.#address.remote}${path}`, origin: this.#name };
  }

  /** What does not answer is the remote: rclone itself is on this machine. */
  get #name(): string {
    return `${this.#address.remote.replace(/:$/, '')} through rclone`;
  }

  async close(): Promise<void> {
    this.#closing.abort(new FacetError('interrupted', 'rclone is not asked any more'));
    await this.#connections.close();
    const daemon = await this.#daemon?.catch(() => undefined);
    await daemon?.stop();
  }
}

/** Is this the part that was asked for, of a file as long? It does not say which version it is of. */
function checkAnswer(answer: WebAnswer, request: RangeRequest, subject: Subject): void {
  if (answer.status === 416) throw changed(subject);
  if (answer.status !== 200 && answer.status !== 206) throw failed(answer, subject.name);
  if (answer.status === 206) return void checkPartial(answer, request, subject);
  checkWhole(answer, request.size, subject);
  if (request.start === 0 && request.end === request.size) return;
  throw new FacetError('failed', `rclone sends more of ${subject.name} than it was asked for`, {
    path: subject.name,
  });
}

function failed(answer: WebAnswer, path: string): FacetError {
  const { status } = answer;
  const message = `cannot read ${path}: rclone answers ${status}`;
  if (status === 404) return new FacetError('not-found', message, { path });
  if (status === 403) return new FacetError('denied', message, { path });
  return new TransientError(message, { path, hint: 'try rclone cat with it' });
}
