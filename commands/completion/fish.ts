/**
 * The completion script for fish 3 and newer. Pure.
 */
import { type CompletedCommand, type CompletedValue, flagsOf } from './described.js';

export default function write(commands: readonly CompletedCommand[]): string {
  return `# fish completion for facet; made by "facet completion fish"

# Succeeds when the words before the cursor mean exactly the command $argv.
function __facet_at
    set -l command facet
    set -l skip 0
    for word in (commandline -opc)[2..-1]
        if test $skip = 1
            set skip 0
            continue
        end
        if contains -- "$command $word" ${commands.flatMap(valuedFlags).join(' ')}
            set skip 1
            continue
        end
        switch "$command $word"
            case ${commands
              .slice(1)
              .map(({ path }) => quote(path.join(' ')))
              .join(' ')}
                set command "$command $word"
        end
    end
    test "$command" = "$argv"
end

complete -c facet -f
${commands.flatMap(command => lines(command, commands)).join('\n')}
`;
}

function valuedFlags(command: CompletedCommand): string[] {
  const valued = command.options.filter(({ value }) => value !== undefined);
  return valued.flatMap(flagsOf).map(flag => quote(`${command.path.join(' ')} ${flag}`));
}

function lines(command: CompletedCommand, all: readonly CompletedCommand[]): string[] {
  const here = `complete -c facet -n ${quote(`__facet_at ${command.path.join(' ')}`)}`;
  const subcommands = command.subcommands.map(name => {
    const says = all.find(({ path }) => path.join(' ') === [...command.path, name].join(' '))?.says ?? '';
    return `${here} -a ${quote(name)} -d ${quote(says)}`;
  });
  const options = command.options.map(({ long, short, says, value }) => {
    const names = `${short === undefined ? '' : `-s ${short.slice(1)} `}-l ${long.slice(2)}`;
    return `${here} ${names} -d ${quote(says)}${value === undefined ? '' : ` -r${offer(value)}`}`;
  });
  // fish has no positions: what any argument takes is offered for all of them.
  const values = command.arguments.map(offer).filter(offered => offered !== '');
  return [...subcommands, ...options, ...[...new Set(values)].map(offered => `${here}${offered}`)];
}

function offer({ choices, files }: CompletedValue): string {
  if (files === 'file') return ' -F';
  if (files === 'directory') return ` -a ${quote('(__fish_complete_directories)')}`;
  return choices.length > 0 ? ` -a ${quote(choices.join(' '))}` : '';
}

/** In fish, backslashes and quotes are escaped by a backslash within single quotes. */
function quote(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}
