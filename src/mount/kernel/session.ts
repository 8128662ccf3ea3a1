/**
 * The loop of the FUSE thread: wait for a request from the device, answer it in the same thread, write
 * one reply. Only unmounting, DESTROY or a stop that was asked for ends it; whatever a message or the handler
 * does wrong costs that one request an EIO and is counted.
 *
 * Touches nothing but the device descriptor that it is given. The thread must never reach into its own
 * mountpoint. A pure half, `answer`, takes bytes to bytes and is what the tests feed.
 */

import { systemErrorCode } from '../../errors.js';
import { ERRNO, OPCODE, OPCODE_LIMIT, SMALLEST_REQUEST_BUFFER } from './abi.js';
import { DEFERRED, type Handler, type Negotiated } from './handlers.js';
import type { InitLimits } from './init.js';
import {
  createExchange,
  type Exchange,
  expectsReply,
  NO_REPLY,
  operationOf,
  type SessionState,
} from './operations.js';
import { decodeRequest, type Message, type Refusal } from './reader.js';
import { announceThread, isStopDemanded, type StopSwitch, withdrawThread } from './stop.js';
import { plausibleErrno, type Reply, seal, sealError } from './writer.js';

export interface SessionOptions extends Partial<InitLimits> {
  handler: Handler;
  /** Largest READ, in bytes; must be what the mount option max_read says. Default 1 MiB. */
  maxRead?: number;
  /** Lets another thread end the session with `stopSession`. */
  stop?: StopSwitch;
  /** Where requests are counted, for another thread to see: `createRequestCounters`. */
  requests?: Float64Array;
  /** Told of everything that the handler threw and of replies that the kernel refused. */
  onFault?: (error: unknown, opcode: number) => void;
}

export interface SessionCounters {
  /** Requests per opcode; opcodes that do not exist are counted at 0. */
  readonly requests: Float64Array;
  /** Messages that were not requests. */
  malformed: number;
  /** Requests whose handler threw. */
  faults: number;
  /** Replies that the kernel took for malformed: a bug of ours. */
  refusedReplies: number;
  /** Replies that came after their request was interrupted. */
  lateReplies: number;
}

/** Where requests come from and replies go to: the device, or a test. Both methods throw system errors. */
export interface Channel {
  /** Waits for a message, fills `into` and returns its length; 0 when the wait ended without one. */
  receive(into: Buffer): number;
  send(bytes: Buffer, length: number): void;
}

export interface Session {
  /** The buffer that `answer` takes its message from; set `length` too. */
  readonly message: Message;
  readonly reply: Reply;
  readonly counters: SessionCounters;
  readonly negotiated: () => Negotiated | undefined;
  readonly state: () => SessionState;
  /** Answers `message`: returns the length of the reply in `reply`, 0 when none is to be sent. Never throws. */
  answer(): number;
  /** Runs until the end and says what it was. Never throws. */
  run(channel: Channel): SessionState;
}

const MIB = 2 ** 20;

const DEFAULTS: InitLimits = {
  maxReadahead: MIB,
  maxWrite: 128 * 1024,
  maxPages: 256,
  maxBackground: 64,
  wantPassthrough: false,
  maxStackDepth: 2,
};

/** Room that the kernel demands in a request buffer besides max_write. */
const REQUEST_HEADROOM = 4096;

export function createSession(options: SessionOptions): Session {
  const limits: InitLimits = { ...DEFAULTS, ...options };
  const requestBytes = Math.max(SMALLEST_REQUEST_BUFFER, limits.maxWrite + REQUEST_HEADROOM);
  const exchange = createExchange(options.handler, limits, requestBytes, options.maxRead ?? MIB);
  const counters = createCounters(options.requests ?? createRequestCounters());
  const fault = reporter(counters, options.onFault);
  const answer = () => answerMessage(exchange, counters, fault);
  return {
    message: exchange.message,
    reply: exchange.reply,
    counters,
    negotiated: () => exchange.negotiated,
    state: () => exchange.state,
    answer,
    run: channel => runSession({ exchange, counters, fault, answer, stop: options.stop }, channel),
  };
}

/** Counters by opcode that several threads can read while the FUSE thread counts. */
export function createRequestCounters(): Float64Array {
  return new Float64Array(new SharedArrayBuffer(OPCODE_LIMIT * Float64Array.BYTES_PER_ELEMENT));
}

function createCounters(requests: Float64Array): SessionCounters {
  return { requests, malformed: 0, faults: 0, refusedReplies: 0, lateReplies: 0 };
}

type Fault = (error: unknown, opcode: number) => void;

/** A reporter that throws must not end the session either. */
function reporter(counters: SessionCounters, report: Fault | undefined): Fault {
  return (error, opcode) => {
    counters.faults += 1;
    try {
      report?.(error, opcode);
    } catch {
      counters.faults += 1;
    }
  };
}

function answerMessage(exchange: Exchange, counters: SessionCounters, fault: Fault): number {
  const { request, message, reply } = exchange;
  const refusal = decodeRequest(message, request);
  if (refusal !== undefined) return answerRefusal(exchange, counters, refusal);
  const { opcode, uniqueLow, uniqueHigh } = request;
  const result = perform(exchange, counters, fault);
  if (result === DEFERRED || result === NO_REPLY) return 0;
  if (result >= 0) return seal(reply, result, uniqueLow, uniqueHigh);
  // The one error that an INTERRUPT is answered with: it makes the kernel stop sending them.
  if (!expectsReply(opcode) && opcode !== OPCODE.INTERRUPT) return 0;
  return sealError(reply, -result, uniqueLow, uniqueHigh);
}

/** A number that cannot be held is the caller's mistake (EINVAL), anything else a broken message (EIO). */
function answerRefusal({ request, reply }: Exchange, counters: SessionCounters, refusal: Refusal): number {
  counters.malformed += 1;
  if (refusal === 'short-header' || !expectsReply(request.opcode)) return 0;
  // Unique 0 belongs to notifications: the kernel would read such a reply as one.
  if (request.uniqueLow === 0 && request.uniqueHigh === 0) return 0;
  const errno = refusal === 'bad-number' ? ERRNO.EINVAL : ERRNO.EIO;
  return sealError(reply, errno, request.uniqueLow, request.uniqueHigh);
}

function perform(exchange: Exchange, counters: SessionCounters, fault: Fault): number {
  const { opcode } = exchange.request;
  const operation = operationOf(opcode);
  count(counters, operation === undefined ? 0 : opcode);
  if (operation === undefined) return -ERRNO.ENOSYS;
  if (exchange.negotiated === undefined && opcode !== OPCODE.INIT) return -ERRNO.EIO;
  try {
    return operation(exchange);
  } catch (error) {
    fault(error, opcode);
    return -errnoOf(error);
  }
}

function count({ requests }: SessionCounters, opcode: number): void {
  requests[opcode] = (requests[opcode] ?? 0) + 1;
}

/** The errno of a system error (Node keeps it negative), EIO for anything else that was thrown. */
function errnoOf(error: unknown): number {
  if (!(error instanceof Error) || !('errno' in error) || typeof error.errno !== 'number') return ERRNO.EIO;
  return plausibleErrno(-error.errno);
}

/** What the loop needs besides the exchange. */
interface Loop {
  readonly exchange: Exchange;
  readonly counters: SessionCounters;
  readonly fault: Fault;
  readonly answer: () => number;
  readonly stop: StopSwitch | undefined;
}

function runSession(loop: Loop, channel: Channel): SessionState {
  const { stop } = loop;
  if (stop === undefined) return runLoop(loop, channel);
  announceThread(stop);
  try {
    return runLoop(loop, channel);
  } finally {
    withdrawThread(stop);
  }
}

function runLoop({ exchange, answer, stop, counters, fault }: Loop, channel: Channel): SessionState {
  const { message, reply, request } = exchange;
  while (exchange.state === 'running') {
    if (stop !== undefined && isStopDemanded(stop)) return 'stopped';
    const failed = receive(channel, message);
    if (failed !== undefined) return endOf(failed, fault);
    const length = message.length === 0 ? 0 : answer();
    if (length === 0) continue;
    const failure = send(channel, reply.bytes, length);
    if (failure === undefined) continue;
    if (systemErrorCode(failure) === 'ENODEV') return 'unmounted';
    countFailedReply(counters, failure, fault, request.opcode);
  }
  return exchange.state;
}

/** Errors after which the device has more requests: interrupted by a signal, or the request was withdrawn. */
const PASSING: readonly string[] = ['EINTR', 'EAGAIN', 'ENOENT'];
/** ECONNABORTED: somebody aborted the connection through /sys/fs/fuse/connections. */
const FINAL: readonly string[] = ['ENODEV', 'ECONNABORTED'];

/** Waits for a message; its length is 0 when there is none yet. Returns the error of a device that is at its end. */
function receive(channel: Channel, message: Message): unknown {
  try {
    message.length = channel.receive(message.bytes);
    return undefined;
  } catch (error) {
    message.length = 0;
    return PASSING.includes(systemErrorCode(error) ?? '') ? undefined : error;
  }
}

/** Any other error would come back at every read: going on would only burn the processor. */
function endOf(error: unknown, fault: Fault): SessionState {
  if (FINAL.includes(systemErrorCode(error) ?? '')) return 'unmounted';
  fault(error, 0);
  return 'broken';
}

/** What the device says against a reply. */
function send(channel: Channel, bytes: Buffer, length: number): unknown {
  try {
    channel.send(bytes, length);
    return undefined;
  } catch (error) {
    return error;
  }
}

/** ENOENT: the request was interrupted in the meantime, which is nobody's fault. */
function countFailedReply(counters: SessionCounters, failure: unknown, fault: Fault, opcode: number): void {
  if (systemErrorCode(failure) === 'ENOENT') {
    counters.lateReplies += 1;
    return;
  }
  counters.refusedReplies += 1;
  fault(failure, opcode);
}
