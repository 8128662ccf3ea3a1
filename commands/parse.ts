/**
 * From the command line to the command that is meant and its typed values, with commander made from the
 * declarations on the way: a group's or command's file is loaded when its name is reached, never earlier. Prints and
 * runs nothing.
 */
import { CommanderError, Option, Command as Parser } from 'commander';
import { FacetError } from '../src/errors.js';
import {
  type ArgumentSpec,
  argumentTerm,
  type Command,
  type Entry,
  type Group,
  isGroup,
  longFlag,
  type OptionSpec,
  type Options,
  optionTerm,
  type Values,
} from './command.js';
import { type GlobalOptions, globalOptions } from './context.js';
import { packageVersion } from './package-version.js';

export interface Invocation {
  readonly command: Command;
  readonly args: Readonly<Record<string, unknown>>;
  readonly options: Readonly<Record<string, unknown>>;
  readonly globals: GlobalOptions;
}

/** Text to print instead of running anything. */
export interface Answer {
  readonly text: string;
  /** The group, `facet index`, whose subcommand was missing, where that is why there is nothing to run. */
  readonly misused: string | undefined;
}

/** Throws a FacetError `usage`. */
export async function parse(root: Group, argv: readonly string[]): Promise<Invocation | Answer> {
  let printed = '';
  let invocation: Invocation | undefined;
  let misspelt = false;
  let misused: string | undefined;
  const program = new Parser('facet');
  const setting: Setting = {
    program,
    print: text => {
      printed += text;
    },
    found: what => {
      invocation = what;
    },
    helped: (parser, asked) => {
      if (!asked) misused = commandPath(parser);
      else misspelt = parser.commands.length > 0 && parser.args[0]?.startsWith('-') === false;
    },
  };
  defineRoot(program, root, setting);
  try {
    await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Commander answers `facet indx --help` with the help of `facet`; without the flag it says what is wrong.
    if (misspelt)
      return parse(
        root,
        argv.filter(word => word !== '--help' && word !== '-h'),
      );
    return { text: printed, misused };
  }
  // Everything that ends without an error or an invocation has been `facet help …`.
  return invocation ?? parse(root, [...program.args.slice(1), '--help']);
}

interface Setting {
  readonly program: Parser;
  print(text: string): void;
  found(invocation: Invocation): void;
  /** Help was printed, because it was asked for or because a subcommand is missing. */
  helped(parser: Parser, asked: boolean): void;
}

function defineRoot(program: Parser, root: Group, setting: Setting): void {
  configure(program, setting);
  for (const [name, spec] of Object.entries(globalOptions)) program.addOption(commanderOption(name, spec));
  program.option('-V, --version', 'print the version');
  program.on('option:version', () => {
    setting.print(`${packageVersion()}\n`);
    throw new CommanderError(0, 'commander.version', '');
  });
  defineGroup(program, root, setting);
  program
    .command('help')
    .summary('show what a command does and takes')
    .description('Shows the help of a command: facet help index scan')
    .argument('[COMMAND...]')
    .action(() => {});
}

function defineGroup(parser: Parser, { description, commands }: Group, setting: Setting): void {
  if (description !== undefined) parser.description(description);
  for (const [name, entry] of Object.entries(commands)) {
    configure(parser.command(name).summary(entry.summary).description(sentence(entry.summary)), setting);
  }
  parser.hook('preSubcommand', async (_parser, chosen) => {
    const entry = Object.hasOwn(commands, chosen.name()) ? commands[chosen.name()] : undefined;
    if (entry !== undefined) await define(chosen, entry, setting);
  });
}

async function define(parser: Parser, entry: Entry, setting: Setting): Promise<void> {
  const { default: loaded } = await entry.load();
  if (isGroup(loaded)) defineGroup(parser, loaded, setting);
  else defineCommand(parser, loaded, setting);
}

function defineCommand(parser: Parser, spec: Command, setting: Setting): void {
  if (spec.description !== undefined) parser.description(spec.description);
  for (const [name, option] of Object.entries(spec.options ?? {}))
    parser.addOption(commanderOption(name, option));
  const argumentSpecs = Object.entries(spec.arguments ?? {});
  for (const [, argument] of argumentSpecs) parser.argument(commanderArgument(argument), argument.says);
  parser.usage(['[options]', ...argumentSpecs.map(([, argument]) => argumentTerm(argument))].join(' '));
  if (spec.examples !== undefined) parser.addHelpText('after', examplesText(spec.examples));
  parser.action(() => {
    setting.found({
      command: spec,
      args: readArguments(argumentSpecs, parser.args),
      options: readOptions(spec.options ?? {}, parser),
      globals: readOptions(globalOptions, setting.program),
    });
  });
}

function configure(parser: Parser, setting: Setting): void {
  parser
    .helpOption('-h, --help', 'show this help')
    .helpCommand(false)
    .exitOverride(error => {
      const asked = error.code === 'commander.helpDisplayed';
      if (!asked && error.code !== 'commander.help') throw usageError(error, commandPath(parser));
      setting.helped(parser, asked);
      throw error;
    })
    .configureOutput({ writeOut: setting.print, writeErr: setting.print, outputError: () => {} })
    .configureHelp({
      showGlobalOptions: true,
      optionTerm: option => option.flags.replace(/[<>]/g, '').replace('...', ''),
      subcommandTerm: subcommand => subcommand.name(),
    });
}

function commanderOption(name: string, spec: OptionSpec<unknown>): Option {
  const term = optionTerm(name, spec);
  const flags = spec.metavar === undefined ? term : term.replace(/ \S+$/, ` <${spec.metavar}>`);
  const choices = spec.kind?.choices === undefined ? '' : `: ${spec.kind.choices.join(', ')}`;
  const fallback = spec.defaultText === undefined ? '' : ` (default: ${spec.defaultText})`;
  const again = spec.repeats ? ' (may be repeated)' : '';
  const option = new Option(flags, `${spec.says}${choices}${fallback}${again}`);
  // Commander only gathers the texts; their meaning is the declaration's business.
  if (spec.metavar === undefined) return option;
  return option.argParser((text: string, before: readonly string[] | undefined) => [...(before ?? []), text]);
}

function commanderArgument({ metavar, required, variadic }: ArgumentSpec<unknown>): string {
  const name = variadic ? `${metavar}...` : metavar;
  return required ? `<${name}>` : `[${name}]`;
}

function readOptions<Specs extends Options>(specs: Specs, parser: Parser): Values<Specs> {
  const given: Readonly<Record<string, unknown>> = parser.opts();
  const entries = Object.entries(specs).map(([name, spec]) => {
    const texts = givenTexts(given, name);
    return [name, reading(optionTerm(name, spec), () => spec.read(texts))] as const;
  });
  return valuesOf<Specs>(entries);
}

/** Commander keeps `--no-color` as `color: false`, every other flag as `true`, and values as gathered above. */
function givenTexts(given: Readonly<Record<string, unknown>>, name: string): readonly string[] {
  const negated = /^no([A-Z])(.*)$/.exec(name);
  if (negated !== null)
    return given[`${negated[1]?.toLowerCase()}${negated[2]}`] === false ? [longFlag(name)] : [];
  const value = given[name];
  if (Array.isArray(value)) return value.map(String);
  return value === true ? [longFlag(name)] : [];
}

function readArguments(
  specs: readonly (readonly [string, ArgumentSpec<unknown>])[],
  texts: readonly string[],
): Record<string, unknown> {
  const entries = specs.map(([name, spec], index) => {
    const own = spec.variadic ? texts.slice(index) : texts.slice(index, index + 1);
    return [name, reading(argumentTerm(spec), () => spec.read(own))] as const;
  });
  return Object.fromEntries(entries);
}

// The one place that vouches for `Values`: each entry was made by the spec of the same name.
function valuesOf<Specs extends Options>(entries: (readonly [string, unknown])[]): Values<Specs> {
  return Object.fromEntries(entries) as Values<Specs>;
}

/** Puts the option's or argument's name before what its kind has to say. */
function reading<T>(term: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof FacetError)) throw error;
    throw new FacetError(error.code, `${term}: ${error.message}`, { hint: error.hint, cause: error });
  }
}

function usageError(error: CommanderError, command: string): FacetError {
  // The suggestion is commander's second line; what the user typed may have lines of its own.
  const text = error.message.replace(/^error: /, '');
  const suggestion = /\n\(Did you mean (.*)\?\)$/.exec(text);
  const first = suggestion === null ? text : text.slice(0, suggestion.index);
  // Commander quotes an option as it was declared to it, `--home <DIR>`.
  const declared = error.code === 'commander.optionMissingArgument';
  const message = (declared ? first.replace(/[<>]/g, '') : first).replace(/\.$/, '');
  const hint = suggestion === null ? `see "${command} --help"` : `did you mean ${suggestion[1]}?`;
  return new FacetError('usage', message, { hint, cause: error });
}

function commandPath(parser: Parser): string {
  return parser.parent === null ? parser.name() : `${commandPath(parser.parent)} ${parser.name()}`;
}

function sentence(summary: string): string {
  return `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`;
}

function examplesText(examples: NonNullable<Command['examples']>): string {
  const lines = examples.flatMap(({ command, says }) => [`  ${command}`, `      ${says}`]);
  return ['', 'Examples:', ...lines].join('\n');
}
