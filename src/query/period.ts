/** Dates in queries: `2024`, `2024-01`, `2024-01-31` and times stand for the whole year, month, day, minute or second. UTC. Pure. */

/** From `from` to before `to`, milliseconds since the epoch. */
export interface Period {
  readonly from: number;
  readonly to: number;
}

/** The times that compare so with a period: before its beginning, in it, after its end. */
export function rangeOf(op: '=' | '<' | '<=' | '>' | '>=', { from, to }: Period): Period {
  switch (op) {
    case '=':
      return { from, to };
    case '<':
      return { from: -Infinity, to: from };
    case '<=':
      return { from: -Infinity, to };
    case '>':
      return { from: to, to: Infinity };
    case '>=':
      return { from, to: Infinity };
  }
}

/** What to expect, in the words of an error message. */
export const periodSays = 'a date such as 2024, 2024-01-31 or 2024-01-31T12:00';

const DATE =
  /^(?<year>\d{4})(?:-(?<month>\d\d)(?:-(?<day>\d\d)(?:T(?<time>\d\d:\d\d)(?::(?<second>\d\d)(?:\.(?<fraction>\d{1,3}))?)?(?<zone>Z|[+-]\d\d:\d\d)?)?)?)?$/;

/** Undefined for what is no date. A time without a zone is UTC, as dates are. */
export function parsePeriod(text: string): Period | undefined {
  const groups = DATE.exec(text)?.groups;
  if (groups === undefined) return undefined;
  const { year = '', month = '01', day = '01', time = '00:00', second = '00', fraction = '0' } = groups;
  const local = `${year}-${month}-${day}T${time}:${second}.${fraction.padEnd(3, '0')}`;
  // Date.parse takes the 30th of February for the 1st of March, and 24:00 for the day after.
  const asUtc = Date.parse(`${local}Z`);
  if (Number.isNaN(asUtc) || new Date(asUtc).toISOString() !== `${local}Z`) return undefined;
  const from = Date.parse(`${local}${groups.zone ?? 'Z'}`);
  return Number.isNaN(from) ? undefined : { from, to: end(from, groups) };
}

function end(from: number, groups: Readonly<Record<string, string | undefined>>): number {
  const date = new Date(from);
  if (groups.month === undefined) return date.setUTCFullYear(date.getUTCFullYear() + 1);
  if (groups.day === undefined) return date.setUTCMonth(date.getUTCMonth() + 1);
  if (groups.time === undefined) return from + 86_400_000;
  if (groups.second === undefined) return from + 60_000;
  return from + (groups.fraction === undefined ? 1000 : 1);
}

/** The lengths of an ISO 8601 time up to its year, month, day, minute, second and millisecond. */
const LENGTHS = [4, 7, 10, 16, 19, 23];

/** The shortest text that `parsePeriod` reads as this very period. */
export function formatPeriod({ from, to }: Period): string {
  const iso = new Date(from).toISOString();
  const texts = LENGTHS.map(length => iso.slice(0, length));
  return texts.find(text => isPeriod(text, from, to)) ?? iso;
}

function isPeriod(text: string, from: number, to: number): boolean {
  const period = parsePeriod(text);
  return period?.from === from && period.to === to;
}
