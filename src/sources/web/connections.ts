/**
 * HTTP/1.1 connections that are kept open, with a limit to every wait. An answer is handed over as it comes: its status is
 * not judged here, redirects are not followed, nothing is tried twice. Whoever asks drains or destroys the body.
 */
import { setMaxListeners } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';
import { Readable } from 'node:stream';
import { Agent, buildConnector, type Dispatcher, EnvHttpProxyAgent, errors, Pool } from 'undici';
import { errorMessage, FacetError, systemErrorCode } from '../../errors.js';
import { endLate } from './late-end.js';
import { Patience, type Waiting } from './patience.js';
import { readInto } from './read-buffers.js';
import type { Timeouts } from './timeouts.js';
import { TransientError } from './transient.js';

export interface WebRequest {
  /** `https://host:port` */
  origin: string;
  /** With the query, percent-encoded; it is sent as it is here. */
  path: string;
  method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  headers: Record<string, string>;
  body?: Buffer;
  signal: AbortSignal;
  /** What errors call the origin, where that says nothing to a user. */
  name?: string;
}

export interface WebAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Readable;
}

/** To one origin; more requests wait for one of these. */
const MOST_CONNECTIONS = 128;
/** Of a body that is not wanted, what is read to keep its connection. */
const MOST_DRAINED_BYTES = 64 * 1024;
const PLAIN_READ_BYTES = 128 * 1024;
const RECORD_BYTES = 16 * 1024;
const SENT_BYTES = 64 * 1024;

export class Connections {
  readonly #patience: Patience;
  readonly #direct: Agent;
  readonly #proxied: Dispatcher;
  /** The agent forgets a connection that ends with its answer (HTTP/1.0) before that is read. */
  readonly #bodies = new Set<Readable>();

  /** `ca` are the certificate authorities to trust, PEM, instead of the usual ones. */
  constructor(timeouts: Timeouts, ca?: string) {
    this.#patience = new Patience(timeouts);
    const options = { connections: MOST_CONNECTIONS };
    const connect = { timeout: timeouts.connectMs, ...(ca === undefined ? {} : { ca }) };
    this.#direct = new Agent({ ...options, connect: late(connector(connect)) });
    this.#proxied = hasProxy() ? proxies(options, connect) : this.#direct;
  }

  /** Throws `TransientError` when there is no answer, `failed` when what answers speaks no HTTP, or the signal's reason. */
  async request(request: WebRequest): Promise<WebAnswer> {
    // Each request listens to it, and one signal may be for many.
    setMaxListeners(0, request.signal);
    const waiting = this.#patience.begin(isRead(request));
    try {
      const { patienceMs } = waiting;
      const options = { ...sent(request), headersTimeout: patienceMs, bodyTimeout: patienceMs };
      const { statusCode, headers, body } = await this.#to(request.origin).request(options);
      this.#patience.answers(waiting);
      this.#bodies.add(body);
      body.once('close', () => this.#bodies.delete(body));
      body.once('end', () => this.#patience.finished());
      // Whoever reads the body is told; when nobody does any more, a late error is nobody's.
      body.on('error', error => this.#note(error, waiting));
      return { status: statusCode, headers, body };
    } catch (error) {
      this.#note(error, waiting);
      throw connectionError(error, request.name ?? request.origin, request.signal);
    }
  }

  #note(error: unknown, waiting: Waiting): void {
    if (isTimeout(error) && this.#patience.timedOut(waiting)) lastAttempts.add(error);
  }

  /** No proxy leads to this machine. */
  #to(origin: string): Dispatcher {
    const isDirect = this.#proxied === this.#direct || isLoopback(new URL(origin).hostname);
    return isDirect ? this.#direct : this.#proxied;
  }

  async close(): Promise<void> {
    for (const body of this.#bodies) body.destroy(new errors.ClientDestroyedError());
    await Promise.all([this.#direct.destroy(), this.#proxied.destroy()]);
  }
}

/** With a body, the wait is for as long as nothing of that is taken: of a stream it begins anew with each piece. */
function sent({ body, headers, name: _, ...request }: WebRequest): Dispatcher.RequestOptions {
  if (body === undefined) return { ...request, headers };
  const length = { 'content-length': String(body.length) };
  return { ...request, headers: { ...headers, ...length }, body: Readable.from(slices(body)) };
}

function* slices(body: Buffer): Generator<Buffer> {
  for (let at = 0; at < body.length; at += SENT_BYTES) yield body.subarray(at, at + SENT_BYTES);
}

function isRead({ method }: WebRequest): boolean {
  return method === 'GET' || method === 'HEAD';
}

/** Of requests that it is no use to repeat. */
const lastAttempts = new WeakSet<Error>();

/** Too long without an answer, or without the rest of one. */
function isTimeout(error: unknown): error is Error {
  return error instanceof Error && /^UND_ERR_(HEADERS|BODY)_TIMEOUT$/.test(systemErrorCode(error) ?? '');
}

/** What is encrypted comes by the record (RFC 8446, 5.1). */
function connector(options: buildConnector.BuildOptions): buildConnector.connector {
  const plain = buildConnector({ ...options, onread: readInto(PLAIN_READ_BYTES) });
  const encrypted = buildConnector({ ...options, onread: readInto(RECORD_BYTES) });
  return (to, callback) => (to.protocol === 'https:' ? encrypted : plain)(to, callback);
}

/** A connector whose sockets end late: see `late-end.ts`. */
function late(connect: buildConnector.connector): buildConnector.connector {
  return (to, callback) =>
    connect(to, (...[error, socket]) => (error ? callback(error, null) : callback(null, endLate(socket))));
}

function hasProxy(): boolean {
  const { http_proxy, HTTP_PROXY, https_proxy, HTTPS_PROXY } = process.env;
  return Boolean(http_proxy || HTTP_PROXY || https_proxy || HTTPS_PROXY);
}

/** As HTTP_PROXY, HTTPS_PROXY and NO_PROXY say. Throws `usage` for the address of a proxy that is none. */
function proxies(options: Agent.Options, connect: { timeout: number; ca?: string }): Dispatcher {
  try {
    return new EnvHttpProxyAgent({
      // What is not encrypted is asked of the proxy itself: many let tunnels lead to port 443 only.
      ...{ ...options, proxyTunnel: false },
      connect: connector(connect),
      proxyTls: { timeout: connect.timeout, onread: readInto(PLAIN_READ_BYTES) },
      requestTls: { ...connect, onread: readInto(RECORD_BYTES) },
      factory: (origin, { connect, ...rest }: Pool.Options) =>
        new Pool(origin, { ...rest, ...(typeof connect === 'function' && { connect: late(connect) }) }),
    });
  } catch (error) {
    throw new FacetError('usage', `the proxy of the environment is no address: ${errorMessage(error)}`, {
      cause: error,
      hint: 'write http://host:port in HTTP_PROXY and HTTPS_PROXY, and the hosts without one in NO_PROXY',
    });
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127(\.\d+){3}$/.test(host);
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection is refused',
  ECONNRESET: 'the connection was reset',
  EPIPE: 'the connection was closed',
  ENOTFOUND: 'its name is not known',
  EAI_AGAIN: 'its name cannot be looked up now',
  EHOSTUNREACH: 'there is no way to it',
  ENETUNREACH: 'there is no network',
  ETIMEDOUT: 'it does not answer',
  UND_ERR_CONNECT_TIMEOUT: 'it does not answer',
  UND_ERR_HEADERS_TIMEOUT: 'it accepts a request and does not answer',
  UND_ERR_BODY_TIMEOUT: 'it stopped in the middle of an answer',
  UND_ERR_SOCKET: 'the connection was closed in the middle of an answer',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'the answer was cut off',
};

/** What went wrong between `origin` and us. */
export function connectionError(error: unknown, origin: string, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  if (error instanceof FacetError) return error;
  const code = systemErrorCode(error) ?? '';
  if (/^UND_ERR_(DESTROYED|CLOSED)$/.test(code))
    return new FacetError('interrupted', `${origin} is not read any more`);
  if (code.startsWith('HPE_'))
    return new FacetError('failed', `${origin} does not speak HTTP`, { cause: error });
  if (code.startsWith(TLS)) return noTls(error, origin, code.slice(TLS.length));
  if (/CERT|SELF_SIGNED|UNABLE_TO_/.test(code)) return distrusted(error, origin);
  return new TransientError(`cannot reach ${origin}: ${reasons[code] ?? errorMessage(error)}`, {
    cause: error,
    isFinal: error instanceof Error && lastAttempts.has(error),
    hint: hasProxy()
      ? 'check the network, the address, and the proxy that HTTP_PROXY or HTTPS_PROXY names'
      : 'check the network and the address',
  });
}

const TLS = 'ERR_SSL_';

/** OpenSSL's own words are about its files and functions. */
function noTls(error: unknown, origin: string, reason: string): FacetError {
  if (reason === 'WRONG_VERSION_NUMBER') {
    return new FacetError('unreachable', `${origin} does not speak TLS`, {
      cause: error,
      hint: 'write http:// for a server that encrypts nothing, or check the port',
    });
  }
  const words = reason.toLowerCase().replaceAll('_', ' ');
  return new FacetError('unreachable', `${origin} and facet do not agree on TLS: ${words}`, {
    cause: error,
    hint: 'check which versions and certificates of TLS the server asks for',
  });
}

function distrusted(error: unknown, origin: string): FacetError {
  return new FacetError('unreachable', `${origin} cannot prove who it is: ${errorMessage(error)}`, {
    cause: error,
    hint: 'name its certificate authority in the environment variable NODE_EXTRA_CA_CERTS',
  });
}

/** One header; of several with the name, the first. */
export function header(answer: Pick<WebAnswer, 'headers'>, name: string): string | undefined {
  const value = answer.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** Lets go of a body nobody wants: a short one is read to its end, so that its connection can be used again. */
export async function discard(answer: WebAnswer): Promise<void> {
  if (Number(header(answer, 'content-length') ?? 0) > MOST_DRAINED_BYTES) return void answer.body.destroy();
  // What goes wrong with it was not wanted either.
  await readText(answer, MOST_DRAINED_BYTES).catch(() => {});
}

/** The whole body as text, as `readBody` does. */
export async function readText(answer: WebAnswer, mostBytes: number): Promise<string> {
  return (await readBody(answer, mostBytes)).toString('utf8');
}

/** The whole body, of at most `mostBytes`. Throws `failed` when it is longer. */
export async function readBody(answer: WebAnswer, mostBytes: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const piece of answer.body) {
      bytes += piece.length;
      if (bytes > mostBytes) throw new FacetError('failed', `an answer is longer than ${mostBytes} bytes`);
      pieces.push(piece);
    }
  } finally {
    answer.body.destroy();
  }
  return Buffer.concat(pieces);
}
