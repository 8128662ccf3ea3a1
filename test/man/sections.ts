/**
 * The parts of the man pages that come from declarations: commands, their arguments, options and examples, exit
 * statuses, error codes and the keys of config.yaml and rules.yaml. Reads the sources, writes nothing.
 */
import { existsSync, readFileSync } from 'node:fs';
import * as z from 'zod';
import {
  type ArgumentSpec,
  type Arguments,
  argumentTerm,
  type Command,
  type Group,
  isGroup,
  longFlag,
  type OptionSpec,
  type Options,
} from '../../commands/command.js';
import { globalOptions } from '../../commands/context.js';
import { exitStatuses } from '../../commands/exit-status.js';
import root from '../../commands/root.js';
import { configSchema } from '../../src/config/schema.js';
import { presets } from '../../src/rules/presets.js';
import { rulesSchema } from '../../src/rules/schema.js';
import { bold, italic, literal, prose, sentence, tagged } from './roff.js';

export interface Described {
  /** `['index', 'scan']` */
  path: readonly string[];
  summary: string;
  command: Command;
}

/** The commands at or below a path of names, in the order of their declaration. */
export async function commandsAt(path: readonly string[]): Promise<Described[]> {
  let here: Command | Group = root;
  let summary = '';
  for (const name of path) {
    const entry: Group['commands'][string] | undefined = isGroup(here) ? here.commands[name] : undefined;
    if (entry === undefined) throw new Error(`there is no command facet ${path.join(' ')}`);
    summary = entry.summary;
    here = (await entry.load()).default;
  }
  if (!isGroup(here)) return [{ path, summary, command: here }];
  return (await Promise.all(Object.keys(here.commands).map(name => commandsAt([...path, name])))).flat();
}

async function commandAt(path: readonly string[]): Promise<Command> {
  const [only, ...others] = await commandsAt(path);
  if (only === undefined || others.length > 0) throw new Error(`facet ${path.join(' ')} is not one command`);
  return only.command;
}

/** Each kind of section by the name that the pages give it; the words after it are a command's. */
export const sections: Readonly<Record<string, (path: readonly string[]) => string | Promise<string>>> = {
  title: ([name = '', number = '']) =>
    `.TH ${name.toUpperCase().replaceAll('-', '\\-')} ${number} "" "facet ${packageVersion()}" "facet manual"\n.nh\n.ad l`,
  synopsis: async path => (await commandsAt(path)).map(synopsis).join('\n.br\n'),
  commands: () => Object.entries(root.commands).map(topLevel).join('\n'),
  subcommands: async path => (await commandsAt(path)).map(subcommand).join('\n'),
  arguments: async path => argumentList((await commandAt(path)).arguments ?? {}),
  options: async path => optionList((await commandAt(path)).options ?? {}),
  examples: async path => exampleList(await commandAt(path)),
  'global-options': () => optionList(globalOptions),
  'exit-status': exitStatusTable,
  'error-codes': errorCodeTable,
  'config-keys': () => configKeys(jsonSchema(configSchema), []),
  presets: () =>
    Object.entries(presets)
      .map(([name, { says }]) => tagged(bold(name), prose(sentence(says))))
      .join('\n'),
  'rules-keys': path => rulesKeys(itemsAt(jsonSchema(rulesSchema), path), path),
};

function packageVersion(): string {
  const manifest: { version: string } = JSON.parse(textOf('package.json'));
  return manifest.version;
}

function textOf(file: string): string {
  return readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8');
}

function synopsis({ path, command }: Described): string {
  const options = Object.keys(command.options ?? {}).length > 0 ? ['[\\fIOPTION\\fR...]'] : [];
  const values = Object.values(command.arguments ?? {}).map(argumentHead);
  return [bold(`facet ${path.join(' ')}`), ...options, ...values].join(' ');
}

function argumentHead(spec: ArgumentSpec<unknown>): string {
  return argumentTerm(spec).replace(/[\w-]+/g, italic);
}

function topLevel([name, { summary }]: [string, { summary: string }]): string {
  const page = hasPage(name) ? `\nSee\n.BR facet\\-${name} (1).` : '';
  return tagged(bold(`facet ${name}`), prose(sentence(summary)) + page);
}

function hasPage(name: string): boolean {
  return existsSync(new URL(`../../../man/facet-${name}.1`, import.meta.url));
}

function subcommand({ path, summary, command }: Described): string {
  const values = Object.values(command.arguments ?? {}).map(spec => ` ${argumentTerm(spec)}`);
  return [
    `.SS "facet ${literal(path.join(' '))}${values.join('')}"`,
    prose(command.description ?? sentence(summary)),
    argumentList(command.arguments ?? {}),
    optionList(command.options ?? {}),
    ...(command.examples === undefined ? [] : ['.PP\nExamples:', exampleList(command)]),
  ]
    .filter(part => part !== '')
    .join('\n');
}

function argumentList(specs: Arguments): string {
  return Object.values(specs)
    .map(spec => tagged(argumentHead(spec), prose(sentence(spec.says)) + choices(spec)))
    .join('\n');
}

function optionList(specs: Options): string {
  return Object.entries(specs)
    .map(([name, spec]) =>
      tagged(
        optionHead(name, spec),
        prose(sentence(spec.says)) + choices(spec) + fallback(spec) + again(spec),
      ),
    )
    .join('\n');
}

function optionHead(name: string, spec: OptionSpec<unknown>): string {
  const short = spec.short === undefined ? '' : `${bold(`-${spec.short}`)}, `;
  const value = spec.metavar === undefined ? '' : ` ${italic(spec.metavar)}`;
  return `${short}${bold(longFlag(name))}${value}`;
}

function choices({ kind, says }: Pick<OptionSpec<unknown>, 'kind' | 'says'>): string {
  const [first, ...others] = kind?.choices ?? [];
  if (first === undefined || says.includes(first)) return '';
  return `\nOne of ${[first, ...others].map(bold).join(', ')}.`;
}

function fallback({ defaultText }: OptionSpec<unknown>): string {
  return defaultText === undefined ? '' : `\nThe default is ${bold(defaultText)}.`;
}

function again({ repeats }: OptionSpec<unknown>): string {
  return repeats ? '\nMay be repeated.' : '';
}

function exampleList({ examples = [] }: Command): string {
  return examples.map(({ command, says }) => tagged(bold(command), prose(sentence(says)))).join('\n');
}

const statusSays: Readonly<Record<number, string>> = {
  0: 'Done. A closed pipe, as behind head, is no error.',
  1: 'Failed, for a reason that no other status stands for.',
  2: 'The command line or a configuration file asks for something that makes no sense.',
  3: 'What was asked for does not exist.',
  4: 'Some of several items failed, the others are done.',
  5: 'A source or a remote cannot be reached. What is known of its files is kept.',
  6: 'Integrity: stored data contradicts its checksum or its own structure.',
  7: 'Locked by, or in use by, another process.',
  130: 'Interrupted by a signal.',
};

function exitStatusTable(): string {
  const codes = Object.entries(exitStatuses);
  const statuses = [...new Set([0, ...Object.values(exitStatuses)])].sort((a, b) => a - b);
  return statuses
    .map(status => {
      const says = statusSays[status];
      if (says === undefined)
        throw new Error(`test/man/sections.ts does not say what status ${status} means`);
      const own = codes.filter(([, each]) => each === status).map(([code]) => bold(code));
      return tagged(
        bold(String(status)),
        prose(says) + (own.length > 0 ? `\nErrors: ${own.join(', ')}.` : ''),
      );
    })
    .join('\n');
}

/** What each code means is said where the codes are declared, behind each one. */
function errorCodeTable(): string {
  const declared = [...textOf('src/errors.ts').matchAll(/^ {2}\| '([a-z-]+)';? *\/\/ *(.+)$/gm)];
  const says = new Map(declared.map(([, code = '', meaning = '']) => [code, meaning]));
  return Object.keys(exitStatuses)
    .map(code => {
      const meaning = says.get(code);
      if (meaning === undefined) throw new Error(`src/errors.ts does not say what ${code} means`);
      return tagged(bold(code), prose(sentence(meaning)));
    })
    .join('\n');
}

const keySchema = z.object({
  description: z.string().optional(),
  default: z.unknown().optional(),
  get properties() {
    return z.record(z.string(), keySchema).optional();
  },
  get items() {
    return keySchema.optional();
  },
});
type KeySchema = z.output<typeof keySchema>;

function jsonSchema(schema: z.ZodType): KeySchema {
  return keySchema.parse(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }));
}

function configKeys({ properties = {} }: KeySchema, above: readonly string[]): string {
  return Object.entries(properties)
    .map(([name, schema]) => {
      const path = [...above, name];
      const { description } = schema;
      if (description === undefined)
        throw new Error(`src/config/schema.ts does not describe ${path.join('.')}`);
      if (schema.properties === undefined) {
        return tagged(bold(path.join('.')), prose(description) + configDefault(schema.default));
      }
      return `.SS ${literal(name)}\n${prose(description)}\n${configKeys(schema, path)}`;
    })
    .join('\n');
}

function configDefault(value: unknown): string {
  return value === undefined
    ? ''
    : `\nThe default is ${bold(String(typeof value === 'object' ? JSON.stringify(value) : value))}.`;
}

/** What each item of a list is, as in `directories mounts`. */
function itemsAt(schema: KeySchema, path: readonly string[]): KeySchema {
  return path.reduce((list, name) => {
    const items = list.properties?.[name]?.items;
    if (items === undefined) throw new Error(`src/rules/schema.ts has no list ${path.join('.')}`);
    return items;
  }, schema);
}

function rulesKeys({ properties = {} }: KeySchema, path: readonly string[]): string {
  return Object.entries(properties)
    .map(([name, { description }]) => {
      if (description === undefined)
        throw new Error(`src/rules/schema.ts does not describe ${[...path, name].join('.')}`);
      return tagged(bold(name), prose(description));
    })
    .join('\n');
}
