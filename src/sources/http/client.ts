/**
 * Requests to web servers. Redirects are followed, a few of them, and never from https to http. Answers that are no success
 * become errors (RFC 9110, 15).
 */
import { FacetError } from '../../errors.js';
import { parseUrl } from '../web/address.js';
import { type Connections, discard, header, type WebAnswer } from '../web/connections.js';
import { parseRetryAfter, TransientError } from '../web/transient.js';

export interface HttpRequest {
  method: 'GET' | 'HEAD';
  url: URL;
  headers?: Record<string, string>;
  /** Besides 200 and 206, what is an answer and no error. */
  accept?: readonly number[];
  signal: AbortSignal;
}

export interface Answered {
  answer: WebAnswer;
  /** Where redirects led. */
  url: URL;
}

const MOST_REDIRECTS = 5;
const REDIRECTS = [301, 302, 303, 307, 308];

/** Whoever asks drains or destroys the body. Throws as `RemoteSource` says. */
export async function ask(connections: Connections, request: HttpRequest): Promise<Answered> {
  const { method, headers = {}, accept = [], signal } = request;
  let url = request.url;
  for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
    const path = url.pathname + url.search;
    const sent = { 'user-agent': 'facet', 'accept-encoding': 'identity', ...headers };
    const answer = await connections.request({ origin: url.origin, path, method, headers: sent, signal });
    if ([200, 206, ...accept].includes(answer.status)) return { answer, url };
    await discard(answer);
    if (!REDIRECTS.includes(answer.status)) throw httpError(answer, url);
    url = redirected(answer, url);
  }
  throw new FacetError('failed', `${request.url} leads from one address to the next without end`, {
    path: request.url.href,
  });
}

function redirected(answer: WebAnswer, from: URL): URL {
  const url = parseUrl(header(answer, 'location') ?? '', from.href);
  const safe = url?.protocol === 'https:' || (url?.protocol === 'http:' && from.protocol === 'http:');
  if (url !== undefined && safe) return url;
  throw new FacetError('failed', `${from} leads to an address that is not to be trusted: ${url ?? 'none'}`, {
    path: from.href,
  });
}

function httpError(answer: WebAnswer, url: URL): FacetError {
  const { status } = answer;
  const path = url.href;
  const message = `cannot read ${path}: the server answers ${status}`;
  if (status >= 500 || status === 408 || status === 429) {
    const retryAfterMs = parseRetryAfter(header(answer, 'retry-after'), Date.now());
    return new TransientError(message, { path, retryAfterMs, hint: 'try again later' });
  }
  if (status === 401 || status === 403) {
    return new FacetError('denied', message, { path, hint: 'it needs a password; rclone can be given one' });
  }
  if (status === 404 || status === 410)
    return new FacetError('not-found', message, { path, hint: 'check the address' });
  return new FacetError('failed', message, { path });
}
