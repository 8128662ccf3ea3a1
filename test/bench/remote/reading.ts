/** What the programs that read have in common: what they are told, and what they say. */
import { checkBytes } from './objects.js';
import { type Piece, type PlanName, type PlanOptions, plans } from './plans.js';

/** Arguments on the command line, as one JSON object. */
export interface ReadingOrder extends PlanOptions {
  plan: PlanName;
  /** The folder, or the address of the server. */
  from: string;
  /** For requests: how many at a time. */
  parallel: number;
  /** For requests: the file to write to. */
  to?: string;
}

export interface ReadingReport {
  /** Without the time that the program takes to start. */
  seconds: number;
  bytes: number;
  cpuSeconds: number;
}

/** All of these are compared, of the others the beginning. */
const WHOLE_EVERY = 16;
const BEGINNING = 4096;

/** Throws when the bytes of the nth piece are not those that it should have. */
export function checkPiece({ key, offset, size }: Piece, bytes: Buffer, nth: number): void {
  if (bytes.length !== size) throw new Error(`${key}: ${bytes.length} bytes at ${offset} instead of ${size}`);
  checkBytes(key, offset, nth % WHOLE_EVERY === 0 ? bytes : bytes.subarray(0, BEGINNING));
}

/** Reads as the command line says, and prints the report. */
export async function runReading(
  read: (pieces: Iterable<Piece>, order: ReadingOrder) => Promise<number>,
): Promise<void> {
  const order: ReadingOrder = JSON.parse(process.argv[2] ?? '');
  const startedAt = performance.now();
  const bytes = await read(plans[order.plan](order), order);
  const seconds = (performance.now() - startedAt) / 1000;
  const { user, system } = process.cpuUsage();
  const report: ReadingReport = { seconds, bytes, cpuSeconds: (user + system) / 1e6 };
  console.log(JSON.stringify(report));
}
