/**
 * The completion script for zsh: as a file `_facet` on fpath, or sourced after compinit. Pure.
 */
import { argumentCases, type CompletedCommand, type CompletedValue, flagsOf, quote } from './described.js';

export default function write(commands: readonly CompletedCommand[]): string {
  return `#compdef facet
# zsh completion for facet; made by "facet completion zsh"

# The value that belongs to the option $2 of the command $1; fails when it takes none.
_facet_value() {
  case "$1 $2" in
${commands.flatMap(valueCases).join('\n')}
    (*) return 1 ;;
  esac
  return 0
}

# The argument number $2, from 0, of the command $1.
_facet_argument() {
  case "$1 $2" in
${commands.flatMap(argumentLines).join('\n')}
  esac
}

# Sets the array subcommands to those of the command $1, each with its description.
_facet_subcommands() {
  subcommands=()
  case "$1" in
${commands.flatMap(command => subcommandLines(command, commands)).join('\n')}
  esac
}

# Sets the array flags to those of the command $1, each with its description.
_facet_options() {
  flags=()
  case "$1" in
${commands.map(optionLines).join('\n')}
  esac
}

_facet() {
  local command=facet option='' word only_arguments='' dry=1
  local -i i count=0
  local -a subcommands flags
  for (( i = 2; i < CURRENT; i++ )); do
    word="\${words[i]}"
    if [[ -n $option ]]; then option=''; continue; fi
    if [[ -z $only_arguments && $word == -- ]]; then only_arguments=1; continue; fi
    if [[ -z $only_arguments && $word == -* ]]; then
      if [[ $word != *=* ]] && _facet_value "$command" "$word"; then option="$word"; fi
      continue
    fi
    _facet_subcommands "$command"
    if (( \${subcommands[(I)\${(b)word}:*]} )); then command+=" $word"; else (( count += 1 )); fi
  done
  dry=''
  if [[ -n $option ]]; then
    _facet_value "$command" "$option"
  elif [[ -z $only_arguments && $PREFIX == --*=* ]]; then
    option="\${PREFIX%%=*}"
    compset -P 1 '*='
    _facet_value "$command" "$option"
  elif [[ -z $only_arguments && $PREFIX == -* ]]; then
    _facet_options "$command"
    _describe -o option flags
  else
    _facet_subcommands "$command"
    if (( \${#subcommands} )); then _describe command subcommands; else _facet_argument "$command" "$count"; fi
  fi
}

if [[ "\${funcstack[1]}" == _facet ]]; then _facet "$@"; else compdef _facet facet; fi
`;
}

// While the words before the cursor are walked ($dry), a case only tells that the option takes a value.
function valueCases(command: CompletedCommand): string[] {
  return command.options.flatMap(option => {
    if (option.value === undefined) return [];
    const patterns = flagsOf(option).map(flag => quote(`${command.path.join(' ')} ${flag}`));
    return [`    (${patterns.join('|')}) [[ -n $dry ]] || ${offer(option.value)} ;;`];
  });
}

function argumentLines(command: CompletedCommand): string[] {
  return argumentCases(command).map(
    ({ pattern, value }) => `    (${quote(`${command.path.join(' ')} `)}${pattern}) ${offer(value)} ;;`,
  );
}

function subcommandLines(
  { path, subcommands }: CompletedCommand,
  all: readonly CompletedCommand[],
): string[] {
  if (subcommands.length === 0) return [];
  const described = subcommands.map(name => {
    const says = all.find(other => other.path.join(' ') === [...path, name].join(' '))?.says ?? '';
    return quote(`${name}:${says}`);
  });
  return [`    (${quote(path.join(' '))}) subcommands=(${described.join(' ')}) ;;`];
}

function optionLines({ path, options }: CompletedCommand): string {
  const described = options.flatMap(option => flagsOf(option).map(flag => quote(`${flag}:${option.says}`)));
  return `    (${quote(path.join(' '))}) flags=(${described.join(' ')}) ;;`;
}

function offer({ choices, files }: CompletedValue): string {
  if (files !== undefined) return files === 'file' ? '_files' : '_files -/';
  return choices.length > 0 ? `compadd -- ${choices.map(quote).join(' ')}` : ':';
}
