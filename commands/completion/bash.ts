/**
 * The completion script for bash 4 and newer, without the bash-completion package. Pure.
 */
import { argumentCases, type CompletedCommand, type CompletedValue, flagsOf, quote } from './described.js';

export default function write(commands: readonly CompletedCommand[]): string {
  return `# bash completion for facet; made by "facet completion bash"

# The value that belongs to the option $2 of the command $1; fails when it takes none.
_facet_value() {
  case "$1 $2" in
${commands.flatMap(valueCases).join('\n')}
    *) return 1 ;;
  esac
}

# The argument number $2, from 0, of the command $1.
_facet_argument() {
  case "$1 $2" in
${commands.flatMap(argumentLines).join('\n')}
  esac
}

_facet_subcommands() {
  case "$1" in
${commands.flatMap(subcommandLine).join('\n')}
  esac
}

_facet_options() {
  case "$1" in
${commands.map(optionLine).join('\n')}
  esac
}

_facet_words() {
  mapfile -t COMPREPLY < <(compgen -W "$1" -- "$current")
}

_facet_files() {
  compopt -o filenames 2>/dev/null
  mapfile -t COMPREPLY < <(compgen -f -- "$current")
}

_facet_directories() {
  compopt -o filenames 2>/dev/null
  mapfile -t COMPREPLY < <(compgen -d -- "$current")
}

_facet() {
  local current="\${COMP_WORDS[COMP_CWORD]}" command=facet option='' word i count=0 only_arguments=''
  COMPREPLY=()
  # bash splits --option=value into three words.
  [[ $current == '=' ]] && current=''
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    if [[ $word == '=' && -n $option ]]; then continue; fi
    if [[ -n $option ]]; then option=''; continue; fi
    if [[ -z $only_arguments && $word == -- ]]; then only_arguments=1; continue; fi
    if [[ -z $only_arguments && $word == -* ]]; then
      if _facet_value "$command" "$word"; then option="$word"; fi
      COMPREPLY=()
      continue
    fi
    if [[ " $(_facet_subcommands "$command") " == *" $word "* ]]; then command+=" $word"; else count=$((count + 1)); fi
  done
  if [[ -n $option ]]; then _facet_value "$command" "$option"
  elif [[ -z $only_arguments && $current == -* ]]; then _facet_words "$(_facet_options "$command")"
  else
    local subcommands
    subcommands="$(_facet_subcommands "$command")"
    if [[ -n $subcommands ]]; then _facet_words "$subcommands"; else _facet_argument "$command" "$count"; fi
  fi
  return 0
}

complete -F _facet facet
`;
}

function valueCases(command: CompletedCommand): string[] {
  return command.options.flatMap(option => {
    if (option.value === undefined) return [];
    const patterns = flagsOf(option).map(flag => quote(`${command.path.join(' ')} ${flag}`));
    return [`    ${patterns.join(' | ')}) ${offer(option.value)} ;;`];
  });
}

function argumentLines(command: CompletedCommand): string[] {
  return argumentCases(command).map(
    ({ pattern, value }) => `    ${quote(`${command.path.join(' ')} `)}${pattern}) ${offer(value)} ;;`,
  );
}

function subcommandLine({ path, subcommands }: CompletedCommand): string[] {
  return subcommands.length === 0
    ? []
    : [`    ${quote(path.join(' '))}) echo ${quote(subcommands.join(' '))} ;;`];
}

function optionLine({ path, options }: CompletedCommand): string {
  return `    ${quote(path.join(' '))}) echo ${quote(options.flatMap(flagsOf).join(' '))} ;;`;
}

function offer({ choices, files }: CompletedValue): string {
  if (files !== undefined) return files === 'file' ? '_facet_files' : '_facet_directories';
  return choices.length > 0 ? `_facet_words ${quote(choices.join(' '))}` : ':';
}
