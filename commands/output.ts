/**
 * The data a command hands over, printed on stdout as text or JSON. Everything that is not data goes to stderr
 * (context.ts, progress.ts).
 *
 * Lines are gathered into large writes, and each write is awaited, so a listing of millions of rows takes neither a
 * system call nor memory per row. When the reader goes away (`| head -1`), the producer is stopped and
 * `OutputClosed` ends the command: not an error, exit status 0.
 */
import { errorMessage, FacetError, systemErrorCode } from '../src/errors.js';
import { besideLiveLine, stdoutIsTerminal } from './terminal.js';

/** Thrown when nobody reads stdout any more. Let it pass; only the frame catches it. */
export class OutputClosed extends Error {
  override readonly name = 'OutputClosed';
}

export interface Output {
  /** A listing: with `--json` one object a line. Asynchronous rows are shown within a moment even when they are slow. */
  rows<Row extends object>(
    rows: Iterable<Row> | AsyncIterable<Row>,
    toText: (row: Row) => string,
  ): Promise<void>;
  /** A single result: with `--json` one object on one line. */
  result<Result extends object>(result: Result, toText: (result: Result) => string): Promise<void>;
  /** What a command has done, for those who asked for nothing but that it is done: a result that `--quiet` keeps back. */
  done<Result extends object>(result: Result, toText: (result: Result) => string): Promise<void>;
  /** Text that has no JSON form: help, a completion script. A final newline is added where it is missing. */
  text(text: string): Promise<void>;
  /** Bytes as they are, for `--stdout`. */
  bytes(chunk: Uint8Array): Promise<void>;
}

type Write = (chunk: string) => Promise<void>;

const CHUNK_CHARS = 64 * 1024;
// Slow rows (a followed log, files as they are fetched) are shown after this long, in groups.
const FLUSH_DELAY_MS = 40;

export interface OutputSettings {
  json: boolean;
  quiet: boolean;
  /** Told when nobody reads any more, so that a producer that waits for its next row can be stopped too. */
  onClosed(reason: OutputClosed): void;
}

export function createOutput({ json, quiet, onClosed }: OutputSettings): Output {
  const write = async (chunk: string | Uint8Array) => {
    try {
      await writeOut(chunk);
    } catch (error) {
      if (error instanceof OutputClosed) onClosed(error);
      throw error;
    }
  };
  const lineOf = <Row extends object>(row: Row, toText: (row: Row) => string) =>
    json ? JSON.stringify(row) : toText(row);
  const result = <Result extends object>(one: Result, toText: (result: Result) => string) =>
    write(endLine(lineOf(one, toText)));
  return {
    async rows(rows, toText) {
      if (Symbol.iterator in rows) await writeAll(rows, row => lineOf(row, toText), write);
      else await writeAsTheyCome(rows, row => lineOf(row, toText), write);
    },
    result,
    // JSON is asked for, and so is data.
    done: async (what, toText) => (quiet && !json ? undefined : result(what, toText)),
    text: text => write(endLine(text)),
    bytes: write,
  };
}

async function writeAll<Row>(rows: Iterable<Row>, toLine: (row: Row) => string, write: Write): Promise<void> {
  let lines = '';
  for (const row of rows) {
    lines += `${toLine(row)}\n`;
    if (lines.length < CHUNK_CHARS) continue;
    await write(lines);
    lines = '';
  }
  if (lines !== '') await write(lines);
}

async function writeAsTheyCome<Row>(
  rows: AsyncIterable<Row>,
  toLine: (row: Row) => string,
  write: Write,
): Promise<void> {
  let lines = '';
  let timer: NodeJS.Timeout | undefined;
  let written = Promise.resolve();
  let closed = false;
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    const chunk = lines;
    lines = '';
    // One write after the other, because the timer may fire while one is under way.
    written = written.then(() => (chunk === '' ? undefined : write(chunk)));
    written.catch(() => {
      closed = true;
    });
    return written;
  };
  try {
    for await (const row of rows) {
      if (closed) break;
      lines += `${toLine(row)}\n`;
      timer ??= setTimeout(flush, FLUSH_DELAY_MS);
      if (lines.length >= CHUNK_CHARS) await flush();
    }
  } finally {
    // Also when the producer fails: what it delivered before is true.
    await flush();
  }
}

let listening = false;

/** Resolves when the chunk has been handed to the system. */
function writeOut(chunk: string | Uint8Array): Promise<void> {
  if (!listening) {
    listening = true;
    // The callback reports the error; the event without a listener would end the process.
    process.stdout.on('error', () => {});
  }
  return new Promise((resolve, reject) => {
    const print = () =>
      process.stdout.write(chunk, error => (error ? reject(outputFailure(error)) : resolve()));
    if (stdoutIsTerminal) besideLiveLine(print);
    else print();
  });
}

const closedCodes: readonly (string | undefined)[] = ['EPIPE', 'ECONNRESET', 'ERR_STREAM_DESTROYED'];

function outputFailure(error: Error): Error {
  const code = systemErrorCode(error);
  if (closedCodes.includes(code)) return new OutputClosed('nobody reads the output any more');
  const message = `cannot write to standard output: ${errorMessage(error)}`;
  return new FacetError(code === 'ENOSPC' ? 'no-space' : 'failed', message, { cause: error });
}

function endLine(text: string): string {
  return text.endsWith('\n') ? text : `${text}\n`;
}
