/**
 * Sizes and durations as people write them, in YAML and on the command line: `10GB`, `1.5GiB`, `30d`, `250ms`.
 * The arithmetic is exact (integers throughout), and what is not a whole number of bytes or milliseconds is an
 * error, never rounded. Pure.
 */
import { FacetError } from '../errors.js';

const bytesPerUnit: Readonly<Record<string, bigint>> = {
  '': 1n,
  b: 1n,
  kb: 1000n,
  mb: 1000n ** 2n,
  gb: 1000n ** 3n,
  tb: 1000n ** 4n,
  pb: 1000n ** 5n,
  kib: 1024n,
  mib: 1024n ** 2n,
  gib: 1024n ** 3n,
  tib: 1024n ** 4n,
  pib: 1024n ** 5n,
};

const millisecondsPerUnit: Readonly<Record<string, bigint>> = {
  ms: 1n,
  s: 1000n,
  m: 60_000n,
  min: 60_000n,
  h: 3_600_000n,
  d: 86_400_000n,
  w: 604_800_000n,
};

/** What to expect, in the words of an error message. */
export const sizeSays = 'a size such as 500MB, 10GB or 1GiB';
export const durationSays = 'a duration such as 250ms, 12h or 30d';

// Bounds the work on a hostile value; the largest exact size has 16 digits.
const LONGEST_QUANTITY = 40;

/** Bytes. A plain number is bytes; units are decimal (`kB`, `MB` …) or binary (`KiB`, `MiB` …), in any case. */
export function parseSize(value: string | number): number {
  const { amount, unit } = quantity(value, sizeSays);
  if (/^[kmgtp]i?$/i.test(unit)) {
    const letter = unit.charAt(0).toUpperCase();
    throw new FacetError('usage', `expected ${sizeSays}, found ${quote(value)}`, {
      hint: `write ${letter}B for powers of 1000 or ${letter}iB for powers of 1024`,
    });
  }
  return multiply(amount, bytesPerUnit[unit.toLowerCase()], value, sizeSays, 'bytes');
}

/** Milliseconds. The unit is required, because a bare `30` could be anything; only `0` needs none. */
export function parseDuration(value: string | number): number {
  const { amount, unit } = quantity(value, durationSays);
  if (unit === '' && /^0+(\.0*)?$/.test(amount)) return 0;
  return multiply(amount, millisecondsPerUnit[unit], value, durationSays, 'milliseconds');
}

function quantity(value: string | number, says: string): { amount: string; unit: string } {
  const text = String(value).trim();
  const match = text.length > LONGEST_QUANTITY ? null : /^(\d+(?:\.\d+)?)\s*([A-Za-z]*)$/.exec(text);
  if (match?.[1] === undefined || match[2] === undefined) throw unexpected(value, says);
  return { amount: match[1], unit: match[2] };
}

function multiply(
  amount: string,
  factor: bigint | undefined,
  value: string | number,
  says: string,
  base: string,
): number {
  if (factor === undefined) throw unexpected(value, says);
  const [whole = '', fraction = ''] = amount.split('.');
  const scaled = BigInt(whole + fraction) * factor;
  const divisor = 10n ** BigInt(fraction.length);
  if (scaled % divisor !== 0n)
    throw new FacetError('usage', `${quote(value)} is not a whole number of ${base}`);
  const result = scaled / divisor;
  if (result > BigInt(Number.MAX_SAFE_INTEGER)) throw new FacetError('usage', `${quote(value)} is too large`);
  return Number(result);
}

function unexpected(value: string | number, says: string): FacetError {
  return new FacetError('usage', `expected ${says}, found ${quote(value)}`);
}

function quote(value: string | number): string {
  const text = String(value);
  return `'${text.length > LONGEST_QUANTITY ? `${text.slice(0, LONGEST_QUANTITY)}…` : text}'`;
}
