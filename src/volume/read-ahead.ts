/**
 * Guesses from the reads of one open file what will be read next. Several places may be read by turns, as players do; each
 * is a stream of its own. The more of a file was read in order, the more of it is read ahead: half of what was read, so that
 * what a seek leaves unused is less than what was of use; for whoever began at the beginning twice as much as was read, because
 * a copy has to wait for every doubling. Pieces at equal distances are expected to go on so. Works from every read or from one
 * in a while, a MiB apart. Pure.
 */

import { BLOCK_SIZE, blockStart } from '../cache/blocks.js';
import type { Interval } from '../cache/intervals.js';

/** A read so far behind or before where a stream is goes on with it. */
const BACK = BLOCK_SIZE;
const FORWARD = 16 * BLOCK_SIZE;

/** What lies between two reads that are this near was read as well, perhaps: not every read is told. */
const NEAR = 2 * BLOCK_SIZE;

/** A stream is one when so much was read in order. Until then it may be any of many random reads. */
const ESTABLISHED = BLOCK_SIZE;

const SMALLEST = BLOCK_SIZE;
const LARGEST = 64 * BLOCK_SIZE;
/** Growing windows grow in steps, so that they are not requested block by block. */
const STEP = 8 * BLOCK_SIZE;
const MOST_STREAMS = 4;

/** So many jumps of one length are a habit. */
const HABIT = 3;
/** Of pieces that lie at equal distances, those that are read ahead. */
const MOST_PIECES = 8;

interface Stream {
  /** Behind the last byte that was read. */
  at: number;
  /** Bytes read in order. */
  run: number;
  /** Whoever begins at the beginning will probably go on to the end; whoever begins elsewhere is looking for something. */
  fromStart: boolean;
  /** The end of what is read ahead. */
  reach: number;
  /** Where the reading in order began that is going on, and how long the one before was. */
  piece: number;
  pieceSize: number;
  /** The last jump: from the beginning of one piece to that of the next. */
  stride: number;
  /** How often in a row it was the same. */
  strides: number;
  /** When it began and was read last, in reads. */
  born: number;
  touched: number;
  /** Not since another place was read for a while. */
  left: boolean;
}

export class ReadAhead {
  readonly #size: number;
  readonly #streams: Stream[] = [];
  #reads = 0;

  constructor(size: number) {
    this.#size = size;
  }

  /** Takes note of a read, and returns what should be there soon, or come: at most one range for each place. */
  onRead(offset: number, size: number): Interval[] {
    this.#reads++;
    const end = Math.min(offset + size, this.#size);
    const stream = this.#streamAt(offset) ?? this.#begin(offset);
    advance(stream, offset, end);
    stream.touched = this.#reads;
    stream.left = false;
    stream.reach = Math.min(Math.max(stream.reach, reachOf(stream)), this.#size);
    if (stream.run >= ESTABLISHED) this.#leaveOthers(stream);
    const present = this.#streams.filter(each => !each.left);
    const windows = present.filter(each => each.at < each.reach).map(windowOf);
    return [...windows, ...present.flatMap(each => piecesAhead(each, this.#size))];
  }

  #streamAt(offset: number): Stream | undefined {
    const near = this.#streams.filter(({ at }) => at - BACK <= offset && offset <= at + FORWARD);
    return near.sort((a, b) => Math.abs(a.at - offset) - Math.abs(b.at - offset))[0];
  }

  #begin(offset: number): Stream {
    const [born, touched] = [this.#reads, this.#reads];
    const stream = {
      ...{ at: offset, run: 0, fromStart: offset === 0, reach: 0, born, touched, left: false },
      ...{ piece: offset, pieceSize: 0, stride: 0, strides: 0 },
    };
    if (this.#streams.length >= MOST_STREAMS) this.#forgetOldest();
    this.#streams.push(stream);
    return stream;
  }

  #forgetOldest(): void {
    this.#streams.sort((a, b) => a.touched - b.touched).shift();
  }

  #leaveOthers(stream: Stream): void {
    for (const other of this.#streams) if (other.touched < stream.born) other.left = true;
  }
}

function advance(stream: Stream, offset: number, end: number): void {
  const jump = offset - stream.at > NEAR;
  if (jump) {
    stream.run = stream.run >= FORWARD ? stream.run / 2 : 0;
    stream.fromStart = false;
    stream.reach = 0;
    noteStride(stream, offset);
  }
  stream.run += jump ? end - offset : Math.max(0, end - stream.at);
  stream.at = Math.max(stream.at, end);
}

function noteStride(stream: Stream, offset: number): void {
  const stride = offset - stream.piece;
  stream.strides = stride === stream.stride ? stream.strides + 1 : 1;
  stream.stride = stride;
  stream.pieceSize = stream.at - stream.piece;
  stream.piece = offset;
}

/** As many as there were, so that at most half of what is downloaded is of no use. */
function piecesAhead({ piece, pieceSize, stride, strides }: Stream, size: number): Interval[] {
  if (strides < HABIT) return [];
  const starts = Array.from(
    { length: Math.min(strides, MOST_PIECES) },
    (_, nth) => piece + (nth + 1) * stride,
  );
  const pieces = starts.map(start => ({ start: blockStart(start), end: Math.min(start + pieceSize, size) }));
  return pieces.filter(({ start, end }) => start < end);
}

function reachOf(stream: Stream): number {
  const window = windowSize(stream);
  const step = window < 4 * SMALLEST ? SMALLEST : Math.min(STEP, window / 4);
  const round = window === LARGEST || stream.fromStart ? Math.ceil : Math.floor;
  return round((stream.at + window) / step) * step;
}

/** A power of two of bytes, so that windows double; 0 for what is no stream yet. */
function windowSize({ run, fromStart }: Stream): number {
  if (run <= ESTABLISHED && !fromStart) return 0;
  const most = Math.max(fromStart ? run * 2 : run / 2, SMALLEST);
  return Math.min(2 ** Math.floor(Math.log2(most)), LARGEST);
}

function windowOf({ at, reach }: Stream): Interval {
  return { start: blockStart(at), end: reach };
}
