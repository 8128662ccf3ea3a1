/**
 * Writes an object: in one request, or in parts that are sent at the same time (Amazon S3 API Reference, "Multipart upload").
 * The object appears at the end, whole, or not at all.
 */
import { createHash } from 'node:crypto';
import { FacetError } from '../../errors.js';
import type { PutRequest } from '../remote.js';
import { type Retry, retried } from '../retry.js';
import { connectionError, discard, header, readText, type WebAnswer } from '../web/connections.js';
import type { S3Client, S3Request } from './client.js';
import { type PartTag, parseCompleted, parseUploadId, partList } from './xml.js';

const MIB = 1024 * 1024;
/** Larger ones come in parts, of this size at least. */
const PART_BYTES = 16 * MIB;
const MOST_PARTS = 10_000;
const PARTS_AT_ONCE = 4;
const LONGEST_ANSWER_BYTES = 64 * 1024;

type Body = AsyncIterable<Uint8Array>;

export class Upload {
  readonly #client: S3Client;
  readonly #key: string;
  readonly #request: PutRequest;
  readonly #retry: Retry;

  constructor(client: S3Client, key: string, request: PutRequest, retry: Retry) {
    this.#client = client;
    this.#key = key;
    this.#request = request;
    this.#retry = retry;
  }

  /** Resolves to the new version. Throws as `RemoteSource.put` says. */
  send(body: Body): Promise<string | undefined> {
    return this.#request.size <= PART_BYTES ? this.#sendWhole(body) : this.#sendParts(body);
  }

  async #sendWhole(body: Body): Promise<string | undefined> {
    let bytes: Buffer = Buffer.alloc(0);
    for await (const piece of this.#pieces(body, PART_BYTES)) bytes = piece;
    const answer = await this.#decide({ method: 'PUT', key: this.#key, body: bytes });
    await this.#text(answer);
    return header(answer, 'etag');
  }

  async #sendParts(body: Body): Promise<string | undefined> {
    const start: Asked = { method: 'POST', key: this.#key, query: [['uploads', '']] };
    const id = await this.#again(async () => parseUploadId(await this.#text(await this.#send(start))));
    try {
      const parts = await this.#eachPart(id, body);
      return await this.#complete({ ...this.#of(id), method: 'POST', body: partList(parts) }, parts);
    } catch (error) {
      await this.#giveUp(id);
      throw error;
    }
  }

  /** When the answer is lost, the next one is that there is no such upload any more: then the object is there. */
  async #complete(asked: Asked, parts: readonly PartTag[]): Promise<string | undefined> {
    const name = this.#client.name(this.#key);
    try {
      return parseCompleted(await this.#text(await this.#decide(asked)), name);
    } catch (error) {
      const isGone = error instanceof FacetError && error.code === 'not-found';
      // The error that led here is what matters.
      const tag = isGone ? await this.#present().catch(() => undefined) : undefined;
      if (tag === undefined || tag !== tagOf(parts)) throw error;
      return tag;
    }
  }

  async #present(): Promise<string | undefined> {
    const asked: Asked = { method: 'HEAD', key: this.#key };
    const answer = await this.#again(() => this.#send(asked));
    await discard(answer);
    return header(answer, 'etag');
  }

  /** A few at a time; the first that fails ends the others. */
  async #eachPart(id: string, body: Body): Promise<PartTag[]> {
    const ending = new AbortController();
    const signal = AbortSignal.any([this.#request.signal, ending.signal]);
    const parts: PartTag[] = [];
    const running = new Set<Promise<void>>();
    try {
      for await (const bytes of this.#pieces(body, this.#partBytes)) {
        if (running.size >= PARTS_AT_ONCE) await Promise.race(running);
        const part: PartTag = { number: parts.length + 1, etag: '' };
        parts.push(part);
        const sending = this.#sendPart(id, part, bytes, signal).finally(() => running.delete(sending));
        // The loop may have ended by the time that it fails.
        sending.catch(() => ending.abort());
        running.add(sending);
      }
      await Promise.all(running);
      return parts;
    } finally {
      ending.abort();
      await Promise.allSettled(running);
    }
  }

  async #sendPart(id: string, part: PartTag, body: Buffer, signal: AbortSignal): Promise<void> {
    const query: [string, string][] = [['partNumber', String(part.number)], ...this.#of(id).query];
    const asked: Asked = { method: 'PUT', key: this.#key, query, body };
    await this.#again(async () => {
      const answer = await this.#send(asked, signal);
      await this.#text(answer);
      part.etag = header(answer, 'etag') ?? '';
    });
  }

  get #partBytes(): number {
    return Math.max(PART_BYTES, Math.ceil(this.#request.size / MOST_PARTS / MIB) * MIB);
  }

  #of(id: string): { key: string; query: [string, string][] } {
    return { key: this.#key, query: [['uploadId', id]] };
  }

  /** Whoever keeps parts of what nobody will complete is billed for them. */
  async #giveUp(id: string): Promise<void> {
    const asked: Asked = { ...this.#of(id), method: 'DELETE' };
    // The error that led here is what matters.
    await this.#again(() => this.#send(asked, new AbortController().signal)).catch(() => {});
  }

  /**
   * The request that makes the object appear. With a condition it is sent once: if its answer is lost, a second one would be
   * refused because of the first.
   */
  async #decide(asked: Asked): Promise<WebAnswer> {
    const { replaces } = this.#request;
    if (replaces === undefined) return this.#again(() => this.#send(asked));
    const headers = replaces === null ? { 'if-none-match': '*' } : { 'if-match': replaces };
    const request = { ...asked, headers, accept: [404, 409, 412, 501], signal: this.#request.signal };
    const answer = await this.#client.send(request);
    if (answer.status === 200) return answer;
    throw refusal(answer.status, await this.#client.refusal(answer, request), this.#client.name(this.#key));
  }

  #send(asked: Asked, signal = this.#request.signal): Promise<WebAnswer> {
    return this.#client.send({ ...asked, accept: asked.method === 'DELETE' ? [204, 404] : [], signal });
  }

  #again<T>(action: () => Promise<T>): Promise<T> {
    return retried(action, this.#retry, this.#request.signal);
  }

  async #text(answer: WebAnswer): Promise<string> {
    try {
      return await readText(answer, LONGEST_ANSWER_BYTES);
    } catch (error) {
      throw connectionError(error, this.#client.origin, this.#request.signal);
    }
  }

  /** The body in pieces of one size. Throws `failed` when it is not as long as was said. */
  async *#pieces(body: Body, most: number): AsyncGenerator<Buffer> {
    let left = this.#request.size;
    let piece = Buffer.allocUnsafe(Math.min(most, left));
    let filled = 0;
    for await (const chunk of body) {
      left -= chunk.length;
      if (left < 0) break;
      for (let from = 0; from < chunk.length; ) {
        const part = chunk.subarray(from, from + piece.length - filled);
        piece.set(part, filled);
        from += part.length;
        filled += part.length;
        if (filled < piece.length) continue;
        yield piece;
        piece = Buffer.allocUnsafe(Math.min(most, left + chunk.length - from));
        filled = 0;
      }
    }
    if (left === 0) return;
    const path = this.#client.name(this.#key);
    throw new FacetError('failed', `cannot write ${path}: it is not as long as it was to be`, { path });
  }
}

type Asked = Omit<S3Request, 'signal'>;

/** That of the object, where those of its parts are their MD5s: of no other object. */
function tagOf(parts: readonly PartTag[]): string | undefined {
  const hash = createHash('md5');
  for (const { etag } of parts) {
    if (!/^"[0-9a-f]{32}"$/.test(etag)) return undefined;
    hash.update(etag.slice(1, -1), 'hex');
  }
  return `"${hash.digest('hex')}-${parts.length}"`;
}

function refusal(
  status: number,
  { code, error }: { code: string | undefined; error: FacetError },
  path: string,
): FacetError {
  if (status === 501) {
    return new FacetError('failed', `cannot write ${path}: the server knows no conditions for writing`, {
      path,
    });
  }
  const isOther = status === 409 || status === 412 || code === 'NoSuchKey';
  return isOther
    ? new FacetError('exists', `cannot write ${path}: another version is there`, { path })
    : error;
}
