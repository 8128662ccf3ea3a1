/**
 * `facet completion SHELL`: prints a script that completes subcommands, options, choices, files and directories. It
 * is made from the declarations of all commands, so this is the one command that loads every other one.
 */
import {
  argument,
  type Command,
  command,
  flag,
  type Group,
  isGroup,
  type Kind,
  longFlag,
  type Options,
} from './command.js';
import type { CompletedCommand, CompletedValue } from './completion/described.js';
import { globalOptions } from './context.js';
import { oneOf } from './kinds.js';

const writers = {
  bash: () => import('./completion/bash.js'),
  zsh: () => import('./completion/zsh.js'),
  fish: () => import('./completion/fish.js'),
};

export default command({
  description:
    'Prints a completion script for bash, zsh or fish. Load it from the start-up file of the shell, or install it where the shell looks for completions.',
  arguments: { shell: argument(oneOf('bash', 'zsh', 'fish'), 'SHELL', 'bash, zsh or fish') },
  examples: [
    { command: 'source <(facet completion bash)', says: 'in ~/.bashrc' },
    { command: 'source <(facet completion zsh)', says: 'in ~/.zshrc, after compinit' },
    { command: 'facet completion fish > ~/.config/fish/completions/facet.fish', says: 'once' },
  ],
  async run({ root, output }, { shell }) {
    const described = await describeGroup(root, ['facet'], 'files as the tree you want');
    const { default: write } = await writers[shell]();
    await output.text(write([...described, helpCommand(described)]));
  },
});

async function describeGroup(
  group: Group,
  path: readonly string[],
  says: string,
): Promise<CompletedCommand[]> {
  const entries = Object.entries(group.commands);
  const below = entries.map(async ([name, { summary, load }]) => {
    const { default: loaded } = await load();
    const inner = [...path, name];
    return isGroup(loaded)
      ? describeGroup(loaded, inner, summary)
      : [describeCommand(loaded, inner, summary)];
  });
  const subcommands = entries.map(([name]) => name);
  const own: CompletedCommand = {
    path,
    says,
    subcommands: path.length === 1 ? [...subcommands, 'help'] : subcommands,
    options: describeOptions(path.length === 1 ? { ...globalOptions, version } : globalOptions),
    arguments: [],
  };
  return [own, ...(await Promise.all(below)).flat()];
}

// Commander's own, so not among the declarations.
const version = flag('print the version', { short: 'V' });
const help = flag('show this help', { short: 'h' });

function describeCommand(spec: Command, path: readonly string[], says: string): CompletedCommand {
  const values = Object.values(spec.arguments ?? {});
  return {
    path,
    says,
    subcommands: [],
    options: describeOptions({ ...spec.options, ...globalOptions }),
    arguments: values.map(({ kind, variadic }) => ({ ...describeValue(kind), variadic })),
  };
}

function describeOptions(specs: Options): CompletedCommand['options'] {
  return Object.entries({ ...specs, help }).map(([name, { says, short, metavar, kind }]) => ({
    long: longFlag(name),
    short: short === undefined ? undefined : `-${short}`,
    says,
    value: metavar === undefined ? undefined : describeValue(kind),
  }));
}

function describeValue(kind: Kind<unknown> | undefined): CompletedValue {
  const files =
    kind?.completes === 'file' ? 'file' : kind?.completes === 'directory' ? 'directory' : undefined;
  return { choices: kind?.choices ?? [], files };
}

/** `facet help` takes the names of commands; the first one is as much as a static script can offer. */
function helpCommand(described: readonly CompletedCommand[]): CompletedCommand {
  const choices = described.flatMap(({ path }) => (path.length === 2 ? path.slice(1) : []));
  const names = { choices, files: undefined, variadic: true };
  return {
    path: ['facet', 'help'],
    says: 'show what a command does and takes',
    subcommands: [],
    options: describeOptions(globalOptions),
    arguments: [names],
  };
}
