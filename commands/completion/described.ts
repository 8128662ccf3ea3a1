/**
 * What the completion scripts are made from: every command and group with its names, options and the values they
 * take. The scripts share one way of working: walk the words before the cursor to find the command they mean, then
 * offer values after an option that takes one, options after a dash, and subcommands or arguments otherwise. Pure.
 */

export interface CompletedValue {
  readonly choices: readonly string[];
  readonly files: 'file' | 'directory' | undefined;
}

export interface CompletedOption {
  readonly long: string;
  readonly short: string | undefined;
  readonly says: string;
  /** Undefined for a flag. */
  readonly value: CompletedValue | undefined;
}

export interface CompletedCommand {
  /** `['facet', 'index', 'scan']` */
  readonly path: readonly string[];
  readonly says: string;
  readonly subcommands: readonly string[];
  readonly options: readonly CompletedOption[];
  readonly arguments: readonly (CompletedValue & { readonly variadic: boolean })[];
}

/** Quoted for bash and zsh, whatever is in it. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

export function flagsOf({ long, short }: CompletedOption): string[] {
  return short === undefined ? [long] : [short, long];
}

/** The argument at a position counted from 0, the last one standing for all that follow when it is variadic. */
export function argumentCases({
  arguments: values,
}: CompletedCommand): { pattern: string; value: CompletedValue }[] {
  return values.map((value, index) => ({ pattern: value.variadic ? '*' : String(index), value }));
}
