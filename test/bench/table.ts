/** Prints tables that are read in a terminal and in Markdown alike, and whether the bounds were met. */

/** The first column is text, the others are figures. */
export function printTable(
  title: string,
  head: readonly string[],
  rows: readonly (readonly string[])[],
): void {
  const widths = head.map((cell, column) =>
    Math.max(cell.length, ...rows.map(row => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    `| ${widths.map((width, at) => align(cells[at] ?? '', width, at)).join(' | ')} |`;
  const rule = widths.map((width, at) => (at === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  console.log(`\n## ${title}\n`);
  for (const cells of [head, rule, ...rows]) console.log(line(cells));
}

function align(cell: string, width: number, column: number): string {
  return column === 0 ? cell.padEnd(width) : cell.padStart(width);
}

export function formatSeconds(seconds: number | undefined): string {
  if (seconds === undefined) return '–';
  return seconds < 0.1 ? `${(seconds * 1000).toFixed(1)} ms` : `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;
}

/** `0.24 s (0.22)`: the median, and the least. */
export function formatSpread(seconds: readonly number[], median: number | undefined): string {
  if (median === undefined) return '–';
  const least = Math.min(...seconds);
  return seconds.length === 1 ? formatSeconds(median) : `${formatSeconds(median)} (${formatSeconds(least)})`;
}

export function formatRatio(ratio: number | undefined): string {
  return ratio === undefined ? '–' : `${ratio.toFixed(ratio < 10 ? 2 : 1)}×`;
}

export function formatCount(count: number): string {
  return Math.round(count).toLocaleString('en');
}

export function formatMegabytes(bytes: number | undefined): string {
  return bytes === undefined ? '–' : `${Math.round(bytes / 1e6)} MB`;
}

/** What the project promises of a figure. */
export interface Bound {
  says: string;
  /** Undefined when it could not be measured here. */
  measured: number | undefined;
  bound: number;
  /** Is more better? Otherwise the bound is the most that is allowed. */
  atLeast?: boolean;
  format: (figure: number) => string;
}

export function printBounds(bounds: readonly Bound[]): void {
  console.log('\nBounds:\n');
  for (const bound of bounds) console.log(`- ${describeBound(bound)}`);
}

function describeBound({ says, measured, bound, atLeast = false, format }: Bound): string {
  const limit = `${atLeast ? 'at least' : 'at most'} ${format(bound)}`;
  if (measured === undefined) return `not measured: ${says} (${limit})`;
  const isMet = atLeast ? measured >= bound : measured <= bound;
  const share = (measured / bound).toFixed(2);
  return `${isMet ? 'met' : 'NOT MET'}: ${says}: ${format(measured)} (${limit}; measured/bound ${share})`;
}
