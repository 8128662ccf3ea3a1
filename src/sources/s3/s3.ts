/** Buckets: Amazon S3 and whatever speaks its language. A version of a file is its entity tag. */
import { FacetError } from '../../errors.js';
import type { Listed } from '../open-folder.js';
import type {
  Checksum,
  ChecksumRequest,
  PutRequest,
  RangeRequest,
  RemotePlace,
  RemoteSource,
} from '../remote.js';
import { type Retry, retried } from '../retry.js';
import { intact, isHeld, isWhole, MOST_HELD_BYTES } from '../web/checksum.js';
import {
  Connections,
  connectionError,
  discard,
  header,
  readText,
  type WebAnswer,
} from '../web/connections.js';
import {
  bodyBytes,
  changed,
  checkPartial,
  checkRange,
  checkSame,
  checkVersion,
  checkWhole,
  rangeHeader,
  type Subject,
} from '../web/ranges.js';
import type { Surroundings } from '../web/surroundings.js';
import { inOnePart, inParts, toldOf, withChecksums } from './checksum.js';
import { S3Client, type S3Request } from './client.js';
import { type CredentialOptions, credentialChain } from './credentials.js';
import { type EndpointOptions, parseS3Uri, type S3Address } from './endpoint.js';
import { readSurroundings } from './surroundings.js';
import { Upload } from './upload.js';
import { type Page, type PageQuery, walk } from './walk.js';
import { parsePage, wholeSecondsUs } from './xml.js';

/** What a catalog may keep: where the bucket is, never a secret. */
export interface S3Options extends EndpointOptions, CredentialOptions {
  /** By default that of the environment or the profile, else us-east-1; a bucket elsewhere says so itself. */
  region?: string | undefined;
  /** Pay for the requests, where the owner of the bucket does not. */
  requesterPays?: boolean | undefined;
}

/** A thousand objects are half a megabyte; keys may be long, and percent-encoded. */
const LONGEST_PAGE_BYTES = 32 * 1024 * 1024;

/** Throws `usage` for a URI or an endpoint that makes no sense. Asks nothing yet. */
export async function openS3(
  uri: string,
  options: S3Options,
  surroundings: Surroundings,
): Promise<RemoteSource> {
  const address = parseS3Uri(uri);
  const configured = await readSurroundings(options.profile);
  const connections = new Connections(surroundings.timeouts, configured.ca);
  const client = new S3Client({
    ...options,
    bucket: address.bucket,
    region: options.region ?? configured.region ?? 'us-east-1',
    connections,
    credentials: await credentialChain(options),
  });
  return new S3Source(address, client, connections, surroundings.retry);
}

class S3Source implements RemoteSource {
  readonly #address: S3Address;
  readonly #client: S3Client;
  readonly #connections: Connections;
  readonly #retry: Retry;

  constructor(address: S3Address, client: S3Client, connections: Connections, retry: Retry) {
    this.#address = address;
    this.#client = client;
    this.#connections = connections;
    this.#retry = retry;
  }

  folders(signal: AbortSignal): ReturnType<RemoteSource['folders']> {
    const page = (query: PageQuery, signal: AbortSignal) =>
      retried(() => this.#page(query, signal), this.#retry, signal);
    return walk(page, this.#address.prefix, signal);
  }

  async #page({ prefix, grouped, after, next }: PageQuery, signal: AbortSignal): Promise<Page> {
    const query: [string, string][] = [
      ['list-type', '2'],
      ['encoding-type', 'url'],
      ['prefix', prefix],
    ];
    if (grouped) query.push(['delimiter', '/']);
    if (next !== undefined) query.push(['continuation-token', next]);
    else if (after !== undefined) query.push(['start-after', after]);
    const answer = await this.#client.send({ method: 'GET', key: '', query, signal });
    try {
      return parsePage(await readText(answer, LONGEST_PAGE_BYTES));
    } catch (error) {
      throw connectionError(error, this.#client.origin, signal);
    }
  }

  async stat(place: RemotePlace, signal: AbortSignal): Promise<Listed | undefined> {
    const key = this.#key(place);
    const answer = await this.#client.send({ method: 'HEAD', key, accept: [404], signal });
    await discard(answer);
    if (answer.status === 404) return this.#missing(key, signal);
    const size = Number(header(answer, 'content-length'));
    const at = Date.parse(header(answer, 'last-modified') ?? '');
    if (!Number.isSafeInteger(size) || Number.isNaN(at)) throw odd(this.#subject(key));
    return { size, mtimeUs: wholeSecondsUs(at), version: header(answer, 'etag') };
  }

  /** An answer to HEAD does not say whether an object is gone or its whole bucket; that to GET does. */
  async #missing(key: string, signal: AbortSignal): Promise<undefined> {
    const request: S3Request = { method: 'GET', key, headers: { range: 'bytes=0-0' }, accept: [404], signal };
    const answer = await this.#client.send(request);
    if (answer.status !== 404) {
      answer.body.destroy();
      throw odd(this.#subject(key));
    }
    const { code, error } = await this.#client.refusal(answer, request);
    if (code !== 'NoSuchKey') throw error;
  }

  async *read(place: RemotePlace, request: RangeRequest): AsyncGenerator<Uint8Array> {
    const { start, end, signal } = request;
    const key = this.#key(place);
    checkRange(request, this.#client.name(key));
    if (start === end) return checkVersion(await this.stat(place, signal), request, this.#subject(key));
    const ask = async () => {
      const answer = await this.#get(key, request);
      const told = isHeld(request) ? toldOf(answer) : undefined;
      return { bytes: this.#bytes(answer, key, request), checksum: told && inOnePart(told) };
    };
    yield* intact(ask, this.#subject(key), signal);
  }

  /** What is small comes as a whole, and was compared when it came. */
  async checksum(place: RemotePlace, request: ChecksumRequest): Promise<Checksum | undefined> {
    if (request.size <= MOST_HELD_BYTES) return undefined;
    const key = this.#key(place);
    const told = toldOf(await this.#head(key, request));
    const sizeOfPart = async (part: number) => {
      const answer = await this.#head(key, request, part);
      return [200, 206].includes(answer.status) ? Number(header(answer, 'content-length')) : Number.NaN;
    };
    return told && (inOnePart(told) ?? inParts(told, request.size, sizeOfPart));
  }

  /** What it says of the object, or of one of the parts that it was uploaded in, counted from 1. */
  async #head(key: string, { version, signal }: ChecksumRequest, part?: number): Promise<WebAnswer> {
    const query: [string, string][] = part === undefined ? [] : [['partNumber', String(part)]];
    // Of parts not every server knows.
    const accept = part === undefined ? [] : [400, 416, 501];
    const request: S3Request = { method: 'HEAD', key, query, headers: withChecksums, accept, signal };
    const answer = await this.#client.send(request);
    await discard(answer);
    if (accept.includes(answer.status)) return answer;
    checkSame(header(answer, 'etag'), { version }, this.#subject(key));
    return answer;
  }

  #bytes(answer: WebAnswer, key: string, { start, end, signal }: RangeRequest): AsyncGenerator<Uint8Array> {
    return bodyBytes(answer, { skip: 0, bytes: end - start, tooMuch: 'wrong' }, this.#subject(key), signal);
  }

  /** An answer with the bytes and the version that were asked for. */
  async #get(key: string, request: RangeRequest): Promise<WebAnswer> {
    const headers: Record<string, string> = {
      ...(isHeld(request) && withChecksums),
      ...(isWhole(request) ? {} : { range: rangeHeader(request) }),
    };
    if (request.version !== undefined) headers['if-match'] = request.version;
    const accept = [412, 416];
    const answer = await this.#client.send({ method: 'GET', key, headers, accept, signal: request.signal });
    if (accept.includes(answer.status)) {
      await discard(answer);
      throw changed(this.#subject(key));
    }
    try {
      checkAnswer(answer, request, this.#subject(key));
      return answer;
    } catch (error) {
      answer.body.destroy();
      throw error;
    }
  }

  put(place: RemotePlace, body: AsyncIterable<Uint8Array>, request: PutRequest): Promise<string | undefined> {
    return new Upload(this.#client, this.#key(place), request, this.#retry).send(body);
  }

  #key(place: RemotePlace): string {
    return this.#address.prefix + (place.key ?? place.path);
  }

  #subject(key: string): Subject {
    return { name: this.#client.name(key), origin: this.#client.origin };
  }

  close(): Promise<void> {
    return this.#connections.close();
  }
}

/** Is this the part and the version that was asked for? */
function checkAnswer(answer: WebAnswer, request: RangeRequest, subject: Subject): void {
  checkSame(header(answer, 'etag'), request, subject);
  if (answer.status === 206) checkPartial(answer, request, subject);
  else if (isWhole(request)) checkWhole(answer, request.size, subject);
  else throw odd(subject);
}

function odd({ name, origin }: Subject): FacetError {
  return new FacetError('failed', `${origin} answers with something else than it was asked for`, {
    path: name,
  });
}
