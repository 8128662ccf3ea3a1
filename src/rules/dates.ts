/**
 * Dates in templates: `{mtime:YYYY-MM}`, `{taken:YYYY}`. A time of a file is shown as the clock on this machine's wall
 * showed it (the time zone of the process), because that is the day on which people say that a photo was taken. A
 * property that holds a date is shown as it is written, whatever its offset: it is the clock of where it was taken. Only
 * one that ends in Z, which is nobody's clock, is turned into this machine's.
 */
import type { Value } from '../query/facts.js';
import type { Format } from './modifiers.js';

/** Numbers as people write them: January is 1. What is not known is undefined. */
interface Moment {
  year: number;
  month?: number | undefined;
  day?: number | undefined;
  hour?: number | undefined;
  minute?: number | undefined;
  second?: number | undefined;
}

const TOKENS: Readonly<Record<string, (moment: Moment) => string | undefined>> = {
  YYYY: ({ year }) => digits(year, 4),
  YY: ({ year }) => digits(year % 100, 2),
  MM: ({ month }) => digits(month, 2),
  DD: ({ day }) => digits(day, 2),
  HH: ({ hour }) => digits(hour, 2),
  mm: ({ minute }) => digits(minute, 2),
  ss: ({ second }) => digits(second, 2),
};

function digits(part: number | undefined, width: number): string | undefined {
  return part === undefined ? undefined : String(part).padStart(width, '0');
}

const PART = /YYYY|YY|MM|DD|HH|mm|ss|[^\p{L}\p{N}/\\:]/gu;

export type ReadMoment = (value: Value) => Moment | undefined;

/** `YYYY-MM` as a format; undefined when it is none: it has a token and between tokens no letters, digits or slashes. */
export function dateFormat(pattern: string, read: ReadMoment): Format | undefined {
  const parts = pattern.match(PART) ?? [];
  if (parts.join('') !== pattern || !parts.some(part => Object.hasOwn(TOKENS, part))) return undefined;
  return value => {
    const moment = read(value);
    return moment === undefined ? undefined : write(parts, moment);
  };
}

function write(parts: readonly string[], moment: Moment): string | undefined {
  let text = '';
  for (const part of parts) {
    const token = TOKENS[part];
    const written = token === undefined ? part : token(moment);
    if (written === undefined) return undefined;
    text += written;
  }
  return text;
}

/** Of milliseconds since the epoch. */
export function momentOfTime(value: Value): Moment | undefined {
  const date = new Date(Number(value));
  const year = date.getFullYear();
  if (!(year >= 0)) return undefined;
  return {
    year,
    month: date.getMonth() + 1,
    day: date.getDate(),
    hour: date.getHours(),
    minute: date.getMinutes(),
    second: date.getSeconds(),
  };
}

// ISO 8601, whole or only its beginning, and what cameras write (Exif): 2024:05:01 10:30:00.
const EXTENDED =
  /^(\d{4})(?:[-:.](\d\d)(?:[-:.](\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,]\d+)?)?(?: ?[+-]\d\d:?\d\d)?)?)?)?$/;
const BASIC = /^(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(?:(\d\d)(?:[.,]\d+)?)?(?:[+-]\d{4})?)?$/;

/** Of a property: a date or the beginning of one, as a text, or a year as a number. */
export function momentOfProperty(value: Value): Moment | undefined {
  const text = String(value).trim();
  if (text.endsWith('Z')) {
    const moment = momentOfProperty(text.slice(0, -1).trimEnd());
    return moment?.hour === undefined ? moment : momentOfTime(utc(moment));
  }
  const found = EXTENDED.exec(text) ?? BASIC.exec(text);
  if (found === null) return undefined;
  const [year, month, day, hour, minute, second] = found.slice(1).map(toNumber);
  return valid({ year: year ?? 0, month, day, hour, minute, second });
}

function toNumber(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}

/** Cameras whose clock was never set write zeros, and any eight digits look like a date. */
function valid(moment: Moment): Moment | undefined {
  const { year, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = moment;
  const possible =
    year > 0 && month > 0 && month < 13 && day > 0 && day < 32 && hour < 24 && minute < 60 && second < 61;
  return possible ? moment : undefined;
}

function utc({ year, month = 1, day = 1, hour = 0, minute = 0, second = 0 }: Moment): number {
  // Date.UTC takes the years before 100 for those of the last century.
  return new Date(0).setUTCFullYear(year, month - 1, day) + ((hour * 60 + minute) * 60 + second) * 1000;
}
