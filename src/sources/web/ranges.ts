/** Answers to requests for a part of a file: whether one is the part that was asked for, and its bytes (RFC 9110, 14 and 15.3.7). */
import { FacetError } from '../../errors.js';
import type { Listed } from '../open-folder.js';
import type { RangeRequest } from '../remote.js';
import { connectionError, header, type WebAnswer } from './connections.js';
import { TransientError } from './transient.js';

/** What an error says the bytes are of. */
export interface Subject {
  /** The file, as the user knows it. */
  name: string;
  origin: string;
}

type Part = Pick<RangeRequest, 'start' | 'end' | 'size' | 'signal'>;

/** The value of a header Range. The first byte and the last, both inclusive. */
export function rangeHeader({ start, end }: Pick<RangeRequest, 'start' | 'end'>): string {
  return `bytes=${start}-${end - 1}`;
}

/** Throws `failed` for a range that is not inside the file: the catalog never asks for one. */
export function checkRange({ start, end, size }: RangeRequest, name: string): void {
  if (0 <= start && start <= end && end <= size) return;
  throw new FacetError('failed', `${name} has ${size} bytes; ${start} to ${end} are not all among them`);
}

interface ContentRange {
  start: number;
  end: number;
  /** Undefined when the server does not know. */
  total: number | undefined;
}

/** `bytes 0-9/100`; undefined when it says anything else. */
export function parseContentRange(value: string | undefined): ContentRange | undefined {
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(?:(\d{1,15})|\*)$/i.exec(value?.trim() ?? '');
  if (match === null) return undefined;
  const total = match[3] === undefined ? undefined : Number(match[3]);
  return { start: Number(match[1]), end: Number(match[2]) + 1, total };
}

/** Throws unless a 206 is about exactly these bytes of a file of this size: `content-changed` for another size, else `failed`. */
export function checkPartial(answer: WebAnswer, part: Part, subject: Subject): void {
  const range = parseContentRange(header(answer, 'content-range'));
  if (range?.total !== undefined && range.total !== part.size) throw changed(subject);
  if (range?.start === part.start && range.end === part.end) return;
  throw new FacetError(
    'failed',
    `${subject.origin} answers with other bytes of ${subject.name} than it was asked for`,
    {
      path: subject.name,
    },
  );
}

/** Throws `content-changed` unless a 200 is about a file of this size. A server that does not say is checked while reading. */
export function checkWhole(answer: WebAnswer, size: number, subject: Subject): void {
  const length = header(answer, 'content-length');
  if (length !== undefined && Number(length) !== size) throw changed(subject);
}

/** For a range without a byte, which cannot be asked for. `present` is what the file is now. */
export function checkVersion(present: Listed | undefined, request: RangeRequest, subject: Subject): void {
  const { name } = subject;
  if (present === undefined) throw new FacetError('not-found', `${name} is gone`, { path: name });
  if (present.size !== request.size) throw changed(subject);
  checkSame(present.version, request, subject);
}

/**
 * Throws `content-changed` for another version than the one that is asked for. Weak tags are compared as well (RFC 9110,
 * 8.8.3.2): Apache calls the tag of a file weak for as long as the file is new.
 */
export function checkSame(
  found: string | undefined,
  { version }: Pick<RangeRequest, 'version'>,
  subject: Subject,
): void {
  if (version !== undefined && found?.replace(WEAK, '') !== version.replace(WEAK, '')) throw changed(subject);
}

const WEAK = /^W\/(?=")/;

export function changed({ name }: Subject): FacetError {
  return new FacetError('content-changed', `${name} is not the file it was any more`, {
    path: name,
    hint: 'scan the source again: facet index scan',
  });
}

export interface Wanted {
  /** What the body has before the bytes that are wanted. */
  skip: number;
  bytes: number;
  /** More behind them means: a server that does wrong, another file, or nothing. */
  tooMuch: 'wrong' | 'changed' | 'unwanted';
}

/**
 * Exactly the wanted bytes of a body. Throws `TransientError` when it is cut off, and what `tooMuch` says when it does not
 * end behind. However it ends, the connection is free afterwards.
 */
export async function* bodyBytes(
  answer: WebAnswer,
  { skip, bytes, tooMuch }: Wanted,
  subject: Subject,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const { body } = answer;
  let at = -skip;
  try {
    for await (const piece of pieces(body)) {
      const wanted = piece.subarray(Math.max(0, -at), Math.max(0, bytes - at));
      at += piece.length;
      if (at > bytes && tooMuch !== 'unwanted') throw excess(tooMuch, subject);
      if (wanted.length > 0) yield wanted;
      if (at >= bytes && tooMuch === 'unwanted') return;
    }
  } catch (error) {
    throw connectionError(error, subject.origin, signal);
  } finally {
    body.destroy();
  }
  if (at < bytes) throw shortage(answer, subject);
}

/**
 * As they came: the stream's own iterator joins those that wait, which copies them, and that of its events takes 32 KiB for
 * itself. They wait in the body, and so at the server, and not here. Throws what the stream fails with.
 */
async function* pieces(body: WebAnswer['body']): AsyncGenerator<Buffer> {
  const come: Buffer[] = [];
  let wake = () => {};
  body.on('data', piece => {
    come.push(piece);
    body.pause();
    wake();
  });
  for (const event of ['end', 'error', 'close']) body.on(event, () => wake());
  while (!body.destroyed && !body.readableEnded) {
    const woken = new Promise<void>(resolve => {
      wake = resolve;
    });
    body.resume();
    await woken;
    yield* come.splice(0);
  }
  if (body.errored) throw body.errored;
  if (!body.readableEnded) throw new Error('the answer was closed before its end');
}

/** A body that ended in due form without ever saying how long it would be was all there is. */
function shortage(answer: WebAnswer, subject: Subject): FacetError {
  if (answer.status === 200 && header(answer, 'transfer-encoding') === 'chunked') return changed(subject);
  return new TransientError(`${subject.origin} cut off ${subject.name}`, { path: subject.name });
}

function excess(means: 'wrong' | 'changed', subject: Subject): FacetError {
  if (means === 'changed') return changed(subject);
  return new FacetError('failed', `${subject.origin} sends more of ${subject.name} than it was asked for`, {
    path: subject.name,
  });
}
