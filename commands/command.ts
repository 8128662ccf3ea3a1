/**
 * How a command is declared: once, as data. The parser, `--help`, the completion scripts and the man pages' OPTIONS
 * are all made from these declarations, so they cannot disagree. A command is known to its group by name, summary
 * and a function that loads it; loading one command never loads another. Only types and builders: no effects.
 *
 *     export default command({
 *       description: 'Reads what has changed in the sources.',
 *       arguments: { names: argumentList(source, 'NAME', 'only these sources') },
 *       options: { full: flag('read every file again'), parallel: option(count(1, 64), 'N', 'at once', { default: '4' }) },
 *       async run(context, { names }, { full, parallel }) { … },   // string[], boolean, number
 *     });
 *
 * An option's name is its key, `cacheOnly` → `--cache-only`; a key such as `noVerify` is a flag that is true when given.
 */
import type { Home } from '../src/config/home.js';
import type { Output } from './output.js';

/**
 * What every command is given: where things are, what the global flags say, the ways to the outside (data through
 * `output`, messages through `warn` and `note`) and the signal that asks it to stop.
 */
export interface CommandContext {
  readonly home: Home;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  /** Whether data on stdout may be colored. */
  readonly color: boolean;
  readonly output: Output;
  /** Aborted by SIGINT or SIGTERM (its reason is a FacetError `interrupted`), and when nobody reads stdout any more. */
  readonly signal: AbortSignal;
  /**
   * For a command that runs until it is told to end: SIGINT and SIGTERM go to `handler`, with their number from 1, and
   * no longer to `signal`. The command ends by itself, with status 0; the fourth signal ends the process.
   */
  onSignal(handler: (nth: number) => void): void;
  /** All declared commands. */
  readonly root: Group;
  /** Something is not well, but the work goes on: always on stderr, with `--json` as `{"warning":{message,hint}}`. */
  warn(message: string, hint?: string): void;
  /** All is well, for somebody who watches: on a terminal or with `--verbose`, never with `--quiet` or `--json`. */
  note(message: string): void;
}

/** What a shell can offer for a value. `path` is a path in the tree, `source` the name of a source. */
export type Completes = 'file' | 'directory' | 'path' | 'source';

/** A kind of value (see kinds.ts): how its text is read, and what a shell offers for it. */
export interface Kind<T> {
  /** Throws a FacetError `usage` that says what was expected and found; the parser adds the option's name. */
  parse(text: string): T;
  readonly completes?: Completes;
  readonly choices?: readonly string[];
}

interface Declared<T> {
  readonly says: string;
  /** The value's name in help: `DIR`, `N`. Absent for a flag, which takes no value. */
  readonly metavar?: string;
  readonly kind?: Kind<unknown>;
  /** All the texts given, in order; none when it was left out. */
  read(texts: readonly string[]): T;
}

export interface OptionSpec<T> extends Declared<T> {
  /** One letter. */
  readonly short?: string;
  readonly repeats: boolean;
  /** As the user would type it. */
  readonly defaultText?: string;
}

export interface ArgumentSpec<T> extends Declared<T> {
  readonly metavar: string;
  readonly required: boolean;
  readonly variadic: boolean;
}

export type Options = Readonly<Record<string, OptionSpec<unknown>>>;
/** In the order of the command line; only the last one may be variadic. */
export type Arguments = Readonly<Record<string, ArgumentSpec<unknown>>>;
type None = Readonly<Record<never, never>>;

export type Values<Specs extends Readonly<Record<string, Declared<unknown>>>> = {
  readonly [Name in keyof Specs]: ReturnType<Specs[Name]['read']>;
};

export interface CommandSpec<A extends Arguments, O extends Options> {
  /** Whole sentences for `--help` and the man page; the summary in the group's table stands for it when left out. */
  readonly description?: string;
  readonly arguments?: A;
  readonly options?: O;
  readonly examples?: readonly { readonly command: string; readonly says: string }[];
  // A method, so that any command fits `Command`: its parameters are bivariant, and the parser vouches for them.
  run(context: CommandContext, args: Values<A>, options: Values<O>): Promise<void>;
}

export type Command = CommandSpec<Arguments, Options>;

export interface Entry {
  readonly summary: string;
  load(): Promise<{ readonly default: Command | Group }>;
}

export interface Group {
  readonly description?: string;
  readonly commands: Readonly<Record<string, Entry>>;
}

export function command<A extends Arguments = None, O extends Options = None>(
  spec: CommandSpec<A, O>,
): Command {
  return spec;
}

export function group(spec: Group): Group {
  return spec;
}

export function entry(summary: string, load: Entry['load']): Entry {
  return { summary, load };
}

export function isGroup(loaded: Command | Group): loaded is Group {
  return 'commands' in loaded;
}

export function flag(says: string, settings: { short?: string } = {}): OptionSpec<boolean> {
  return { says, repeats: false, ...settings, read: texts => texts.length > 0 };
}

/** An option with a value; the last one given counts. */
export function option<T>(
  kind: Kind<T>,
  metavar: string,
  says: string,
  settings: { short?: string; default: string },
): OptionSpec<T>;
export function option<T>(
  kind: Kind<T>,
  metavar: string,
  says: string,
  settings?: { short?: string },
): OptionSpec<T | undefined>;
export function option<T>(
  kind: Kind<T>,
  metavar: string,
  says: string,
  settings: { short?: string; default?: string } = {},
): OptionSpec<T | undefined> {
  const { default: defaultText, ...rest } = settings;
  return {
    says,
    metavar,
    kind,
    repeats: false,
    ...rest,
    ...(defaultText === undefined ? {} : { defaultText }),
    read: texts => lastOf(kind, texts.length === 0 && defaultText !== undefined ? [defaultText] : texts),
  };
}

/** An option that may be given several times; all of them count. */
export function optionList<T>(
  kind: Kind<T>,
  metavar: string,
  says: string,
  settings: { short?: string } = {},
): OptionSpec<T[]> {
  return { says, metavar, kind, repeats: true, ...settings, read: texts => texts.map(kind.parse) };
}

export function argument<T>(kind: Kind<T>, metavar: string, says: string): ArgumentSpec<T> {
  return { says, metavar, kind, required: true, variadic: false, read: texts => kind.parse(texts[0] ?? '') };
}

export function optionalArgument<T>(
  kind: Kind<T>,
  metavar: string,
  says: string,
): ArgumentSpec<T | undefined> {
  return { says, metavar, kind, required: false, variadic: false, read: texts => lastOf(kind, texts) };
}

/** Any number of arguments; with `required`, at least one. */
export function argumentList<T>(
  kind: Kind<T>,
  metavar: string,
  says: string,
  settings: { required?: boolean } = {},
): ArgumentSpec<T[]> {
  const { required = false } = settings;
  return { says, metavar, kind, required, variadic: true, read: texts => texts.map(kind.parse) };
}

function lastOf<T>(kind: Kind<T>, texts: readonly string[]): T | undefined {
  const text = texts.at(-1);
  return text === undefined ? undefined : kind.parse(text);
}

/** `cacheOnly` → `--cache-only`. */
export function longFlag(name: string): string {
  return `--${name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`;
}

/** `-o, --output DIR`, as help and man pages show it. */
export function optionTerm(name: string, spec: OptionSpec<unknown>): string {
  const short = spec.short === undefined ? '' : `-${spec.short}, `;
  return `${short}${longFlag(name)}${spec.metavar === undefined ? '' : ` ${spec.metavar}`}`;
}

/** `NAME`, `[NAME]`, `NAME...`, `[NAME...]`, as a synopsis shows it. */
export function argumentTerm(spec: ArgumentSpec<unknown>): string {
  const name = spec.variadic ? `${spec.metavar}...` : spec.metavar;
  return spec.required ? name : `[${name}]`;
}
