/**
 * Requests to one bucket: signed, with the right clock and in the right region, which one answer may correct. Answers that
 * are no success become errors.
 */
import { createHash } from 'node:crypto';
import type { FacetError } from '../../errors.js';
import { encodePath } from '../percent.js';
import { parseUrl } from '../web/address.js';
import { type Connections, connectionError, header, readText, type WebAnswer } from '../web/connections.js';
import type { FindCredentials } from './credentials.js';
import { type Endpoint, type EndpointOptions, findEndpoint } from './endpoint.js';
import { type Doing, s3Error } from './errors.js';
import { queryString, signedHeaders } from './signature.js';
import { parseError, type S3ErrorBody } from './xml.js';

export interface S3Request {
  method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** Of an object; '' asks the bucket. */
  key: string;
  query?: readonly (readonly [string, string])[];
  headers?: Record<string, string>;
  body?: Buffer;
  /** Besides 200 and 206, what is an answer and no error. */
  accept?: readonly number[];
  signal: AbortSignal;
}

export interface ClientOptions extends EndpointOptions {
  bucket: string;
  region: string;
  connections: Connections;
  credentials: FindCredentials;
  /** Where the owner of the bucket does not pay for what others read, they must say that they will. */
  requesterPays?: boolean | undefined;
}

/** S3 takes a quarter of an hour; a request may wait for a connection, and servers differ. */
const MOST_SKEW_MS = 4 * 60_000;
const LONGEST_ERROR_BYTES = 64 * 1024;
const REDIRECTS = [301, 307, 308];

export class S3Client {
  readonly #options: ClientOptions;
  #region: string;
  #endpoint: Endpoint;
  /** What the server's clock is ahead of ours, in ms. */
  #skewMs = 0;

  /** Throws `usage` for an endpoint that cannot be one. */
  constructor(options: ClientOptions) {
    this.#options = options;
    this.#region = options.region;
    this.#endpoint = findEndpoint(options.bucket, options.region, options);
  }

  get origin(): string {
    return this.#endpoint.origin;
  }

  /** What a user calls an object. */
  name(key: string): string {
    return `s3://${this.#options.bucket}/${key}`;
  }

  #doing({ method, key }: S3Request): Doing {
    return { verb: method === 'GET' || method === 'HEAD' ? 'read' : 'write', object: this.name(key) };
  }

  /** An answer with one of the wanted statuses. Whoever asks drains or destroys its body. Throws as `RemoteSource` says. */
  async send(request: S3Request): Promise<WebAnswer> {
    // Each of the two corrections can be needed once.
    for (let corrections = 0; ; corrections++) {
      const sent = { region: this.#region, skewMs: this.#skewMs };
      const answer = await this.#sendOnce(request, this.#endpoint);
      if (isWanted(answer, request)) return answer;
      const body = await this.#readError(answer, request.signal);
      if (corrections < 2 && this.#correct(answer, body, sent)) continue;
      const elsewhere = corrections === 0 ? this.#elsewhere(answer) : undefined;
      if (elsewhere === undefined) throw s3Error(answer, body, this.#doing(request), this.#now());
      const other = await this.#sendOnce(request, elsewhere);
      if (isWanted(other, request)) return other;
      throw (await this.refusal(other, request)).error;
    }
  }

  /** What an answer refuses: the code of S3, and the error that it means. */
  async refusal(
    answer: WebAnswer,
    request: S3Request,
  ): Promise<{ code: string | undefined; error: FacetError }> {
    const body = await this.#readError(answer, request.signal);
    return { code: body.code, error: s3Error(answer, body, this.#doing(request), this.#now()) };
  }

  async #sendOnce(request: S3Request, { origin, host, path: base }: Endpoint): Promise<WebAnswer> {
    const { method, signal, body, query = [] } = request;
    const path = request.key === '' ? base || '/' : `${base}/${encodePath(request.key)}`;
    const credentials = await this.#options.credentials();
    const hashed = body && { bodyHash: createHash('sha256').update(body).digest('hex') };
    const payer = this.#options.requesterPays === true ? { 'x-amz-request-payer': 'requester' } : {};
    const unsigned = { method, host, path, query, headers: { ...request.headers, ...payer }, ...hashed };
    const date = new Date(this.#now());
    const headers =
      credentials === undefined
        ? unsigned.headers
        : signedHeaders(unsigned, { credentials, region: this.#region, date });
    const full = query.length === 0 ? path : `${path}?${queryString(query)}`;
    return this.#options.connections.request({
      origin,
      path: full,
      method,
      headers,
      signal,
      ...(body && { body }),
    });
  }

  #now(): number {
    return Date.now() + this.#skewMs;
  }

  async #readError(answer: WebAnswer, signal: AbortSignal): Promise<S3ErrorBody> {
    try {
      return parseError(await readText(answer, LONGEST_ERROR_BYTES));
    } catch (error) {
      if (signal.aborted) throw connectionError(error, this.origin, signal);
      // The status says enough.
      return { code: undefined, message: undefined, region: undefined };
    }
  }

  /** Learns from a refusal. True when it was about what was sent, and the next request will be another one. */
  #correct(answer: WebAnswer, body: S3ErrorBody, sent: { region: string; skewMs: number }): boolean {
    const region = header(answer, 'x-amz-bucket-region') ?? body.region ?? '';
    // It becomes part of a host's name.
    const isRegion = /^[a-z0-9-]{1,63}$/.test(region);
    if ([...REDIRECTS, 400, 403].includes(answer.status) && isRegion && region !== sent.region) {
      this.#region = region;
      this.#endpoint = findEndpoint(this.#options.bucket, region, this.#options);
      return true;
    }
    // An answer to HEAD has no body that could say RequestTimeTooSkewed.
    if (answer.status !== 403) return false;
    const skewMs = Date.parse(header(answer, 'date') ?? '') - Date.now();
    if (!(Math.abs(skewMs - sent.skewMs) > MOST_SKEW_MS)) return false;
    this.#skewMs = skewMs;
    return true;
  }

  /** Where a bucket that was just made is for the time being. Never from https to http. */
  #elsewhere(answer: WebAnswer): Endpoint | undefined {
    if (!REDIRECTS.includes(answer.status)) return undefined;
    const url = parseUrl(header(answer, 'location') ?? '', this.#endpoint.origin);
    const safe = url?.protocol === 'https:' || url?.protocol === new URL(this.#endpoint.origin).protocol;
    if (url === undefined || !safe || url.origin === this.#endpoint.origin) return undefined;
    // In the same style as ours: a bucket that was in the host name is in the new one too.
    return { origin: url.origin, host: url.host, path: this.#endpoint.path };
  }
}

function isWanted(answer: WebAnswer, { accept = [] }: S3Request): boolean {
  return [200, 206, ...accept].includes(answer.status);
}
