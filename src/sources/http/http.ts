/**
 * Web servers: the files below an address, or those that a list names. A version of a file is its entity tag, or where there
 * is none the time it was last modified (RFC 9110, 8.8).
 */
import { FacetError } from '../../errors.js';
import { decodeName } from '../file-names.js';
import type { Listed } from '../open-folder.js';
import { decodeBytes, encodePath } from '../percent.js';
import type {
  Checksum,
  ChecksumRequest,
  RangeRequest,
  RemoteFolder,
  RemotePlace,
  RemoteSource,
} from '../remote.js';
import { type Retry, retried } from '../retry.js';
import type { Unreadable } from '../source.js';
import { checksum, intact, isHeld, isWhole, MOST_HELD_BYTES } from '../web/checksum.js';
import {
  Connections,
  connectionError,
  discard,
  header,
  readBody,
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
  parseContentRange,
  rangeHeader,
  type Subject,
} from '../web/ranges.js';
import type { Surroundings } from '../web/surroundings.js';
import { type Answered, ask, type HttpRequest } from './client.js';
import { crawl, listedFolders } from './crawl.js';
import { toldOf } from './digest.js';
import { type IndexEntry, parseIndex } from './index-page.js';
import { parseManifest } from './manifest.js';

const LONGEST_PAGE_BYTES = 64 * 1024 * 1024;
/** A server that knows no ranges sends a file from its beginning; so much of it is thrown away at most to get to a part. */
const MOST_SKIPPED_BYTES = 64 * 1024 * 1024;
const JSON_FIRST = 'application/json, text/html;q=0.9, */*;q=0.5';

/** Asks nothing yet. `url` is one that `checkHttpUri` let pass. */
export function openHttp(url: URL, { timeouts, retry }: Surroundings): RemoteSource {
  return new HttpSource(url, new Connections(timeouts), retry);
}

interface Page {
  /** As `decodeName` has it: servers write the bytes of names as they are. */
  text: string;
  type: string;
  url: URL;
}

interface Root {
  /** Ends in a slash. */
  folder: URL;
  /** What is at the address: the index of the folder, or else a list. */
  page: Page;
  isList: boolean;
}

class HttpSource implements RemoteSource {
  readonly #url: URL;
  readonly #connections: Connections;
  readonly #retry: Retry;
  #folder: URL | undefined;

  constructor(url: URL, connections: Connections, retry: Retry) {
    this.#url = url;
    this.#connections = connections;
    this.#retry = retry;
    if (url.pathname.endsWith('/')) this.#folder = url;
  }

  async *folders(signal: AbortSignal): AsyncGenerator<RemoteFolder | Unreadable> {
    const again = <T>(action: () => Promise<T>, signal: AbortSignal) => retried(action, this.#retry, signal);
    const root = await again(() => this.#findRoot(signal), signal);
    const look = (key: string, signal: AbortSignal) => again(() => this.#look(key, signal), signal);
    if (root.isList)
      return yield* listedFolders(parseManifest(root.page.text, root.folder), { look }, signal);
    const index = async (key: string, signal: AbortSignal) =>
      entriesOf(key === '' ? root.page : await again(() => this.#below(root.folder, key, signal), signal));
    yield* crawl({ index, look }, signal);
  }

  /** What the address is: `https://host/folder` leads to `https://host/folder/`, anything but an index is a list. */
  async #findRoot(signal: AbortSignal): Promise<Root> {
    const page = await this.#page(this.#url, signal);
    const { url, type } = page;
    if (url.pathname.endsWith('/')) return { folder: this.#remember(url), page, isList: false };
    if (!/\bhtml\b/.test(type)) return { folder: this.#remember(new URL('./', url)), page, isList: true };
    throw new FacetError('failed', `${url} is a page, neither a folder nor a list of files`, {
      path: url.href,
      hint: 'the address of a folder ends in a slash',
    });
  }

  /** The page of a folder. One that leads elsewhere, to sign in for example, says nothing of what is in the folder. */
  async #below(root: URL, key: string, signal: AbortSignal): Promise<Page> {
    const asked = addressOf(root, key);
    const page = await this.#page(asked, signal);
    if (decodeBytes(page.url.pathname).equals(decodeBytes(asked.pathname))) return page;
    throw new FacetError('failed', `cannot read ${asked}: it leads to ${page.url}`, { path: asked.href });
  }

  #remember(folder: URL): URL {
    this.#folder ??= folder;
    return this.#folder;
  }

  async #page(url: URL, signal: AbortSignal): Promise<Page> {
    const asked = await this.#ask({ method: 'GET', url, headers: { accept: JSON_FIRST }, signal });
    try {
      const text = decodeName(await readBody(asked.answer, LONGEST_PAGE_BYTES));
      return { text, type: (header(asked.answer, 'content-type') ?? '').toLowerCase(), url: asked.url };
    } catch (error) {
      throw connectionError(error, url.origin, signal);
    }
  }

  #ask(request: HttpRequest): Promise<Answered> {
    return ask(this.#connections, request);
  }

  async #look(key: string, signal: AbortSignal): Promise<Listed | 'folder' | undefined> {
    const asked = await this.#head(key, signal);
    if (asked === undefined) return undefined;
    if (asked.url.pathname.endsWith('/')) return 'folder';
    return attributes(asked.answer);
  }

  async stat(place: RemotePlace, signal: AbortSignal): Promise<Listed | undefined> {
    const key = place.key ?? place.path;
    const asked = await this.#head(key, signal);
    return asked === undefined || asked.url.pathname.endsWith('/') ? undefined : attributes(asked.answer);
  }

  /** An answer without its body; undefined when there is nothing. */
  async #head(key: string, signal: AbortSignal): Promise<Answered | undefined> {
    const url = addressOf(await this.#root(signal), key);
    const gone = [404, 410];
    const request: HttpRequest = { method: 'HEAD', url, accept: [...gone, 405, 501], signal };
    let asked = await this.#ask(request);
    await discard(asked.answer);
    if (saysTooLittle(asked.answer)) {
      const headers = { range: 'bytes=0-0' };
      asked = await this.#ask({ ...request, method: 'GET', headers, accept: [...gone, 416] });
      asked.answer.body.destroy();
    }
    return gone.includes(asked.answer.status) ? undefined : asked;
  }

  async #root(signal: AbortSignal): Promise<URL> {
    return this.#folder ?? (await this.#findRoot(signal)).folder;
  }

  async *read(place: RemotePlace, request: RangeRequest): AsyncGenerator<Uint8Array> {
    const { start, end, signal } = request;
    const url = addressOf(await this.#root(signal), place.key ?? place.path);
    const subject = { name: url.href, origin: url.origin };
    checkRange(request, subject.name);
    if (start === end) return checkVersion(await this.stat(place, signal), request, subject);
    const ask = async () => {
      const answer = await this.#get(url, request, subject);
      const told = isHeld(request) ? toldOf(answer) : undefined;
      return { bytes: bytesOf(answer, request, subject), checksum: told && checksum(told) };
    };
    yield* intact(ask, subject, signal);
  }

  /** What is small comes as a whole, and was compared when it came. */
  async checksum(place: RemotePlace, request: ChecksumRequest): Promise<Checksum | undefined> {
    if (request.size <= MOST_HELD_BYTES) return undefined;
    const asked = await this.#head(place.key ?? place.path, request.signal);
    if (asked === undefined) return undefined;
    const { answer, url } = asked;
    checkSame(versionOf(answer), request, { name: url.href, origin: url.origin });
    const told = toldOf(answer);
    return told && checksum(told);
  }

  /** An answer with the bytes and the version that were asked for. */
  async #get(url: URL, request: RangeRequest, subject: Subject): Promise<WebAnswer> {
    const { version, signal } = request;
    const headers = {
      ...(isWhole(request) ? {} : { range: rangeHeader(request) }),
      ...condition(version),
    };
    const { answer, url: found } = await this.#ask({
      method: 'GET',
      url,
      headers,
      accept: [412, 416],
      signal,
    });
    if (answer.status === 412 || answer.status === 416 || found.pathname.endsWith('/')) {
      await discard(answer);
      throw changed(subject);
    }
    try {
      checkAnswer(answer, request, subject);
      return answer;
    } catch (error) {
      answer.body.destroy();
      throw error;
    }
  }

  close(): Promise<void> {
    return this.#connections.close();
  }
}

function bytesOf(
  answer: WebAnswer,
  { start, end, size, signal }: RangeRequest,
  subject: Subject,
): AsyncGenerator<Uint8Array> {
  const skip = answer.status === 200 ? start : 0;
  // A server that does not say how long a file is may send more of it than the catalog knows.
  const tooMuch = answer.status === 206 ? 'wrong' : end === size ? 'changed' : 'unwanted';
  return bodyBytes(answer, { skip, bytes: end - start, tooMuch }, subject, signal);
}

function entriesOf({ text, type, url }: Page): IndexEntry[] {
  const entries = url.pathname.endsWith('/') ? parseIndex(text, type, url) : undefined;
  if (entries !== undefined) return entries;
  throw new FacetError('failed', `${url} is not an index of files`, {
    path: url.href,
    hint: 'the server lists a folder as HTML or JSON, or a list of files is given instead of a folder',
  });
}

/** Throws `failed` for a place that would not be below the root. */
function addressOf(root: URL, key: string): URL {
  const url = new URL(root);
  url.pathname = root.pathname + encodePath(key);
  // As it was put in: no segment of it was . or .. and gone.
  if (url.pathname === root.pathname + encodePath(key)) return url;
  throw new FacetError('failed', `${key} is not below ${root}`, { path: key });
}

/** Undefined when the server does not say how long a file is: that is none, but made while it is read. */
function attributes(answer: WebAnswer): Listed | undefined {
  const size = sizeOf(answer);
  if (size === undefined || !Number.isSafeInteger(size)) return undefined;
  const at = Date.parse(header(answer, 'last-modified') ?? '');
  return { size, mtimeUs: Number.isNaN(at) ? 0 : at * 1000, version: versionOf(answer) };
}

function sizeOf(answer: WebAnswer): number | undefined {
  if (answer.status === 206) return parseContentRange(header(answer, 'content-range'))?.total;
  // There is no first byte to send.
  if (answer.status === 416) return 0;
  return Number(header(answer, 'content-length'));
}

/** Does it not know HEAD, or not say how long the file is? Apache does not when the file is empty. */
function saysTooLittle(answer: WebAnswer): boolean {
  if ([405, 501].includes(answer.status)) return true;
  return answer.status === 200 && header(answer, 'content-length') === undefined;
}

function versionOf(answer: WebAnswer): string | undefined {
  return header(answer, 'etag') ?? header(answer, 'last-modified');
}

/** Lets the server refuse another version at once. A weak tag never matches; what comes is compared in any case. */
function condition(version: string | undefined): Record<string, string> {
  if (version === undefined || version.startsWith('W/')) return {};
  return version.startsWith('"') ? { 'if-match': version } : { 'if-unmodified-since': version };
}

/** Is this the part and the version that was asked for? */
function checkAnswer(answer: WebAnswer, request: RangeRequest, subject: Subject): void {
  checkSame(versionOf(answer), request, subject);
  if (answer.status === 206) checkPartial(answer, request, subject);
  else checkWhole(answer, request.size, subject);
  if (answer.status === 206 || request.start <= MOST_SKIPPED_BYTES) return;
  throw new FacetError('failed', `${subject.origin} can send ${subject.name} only from its beginning`, {
    path: subject.name,
    hint: 'copy the whole file instead: facet fetch',
  });
}
