/**
 * The global flags, and the context that is made from them and from the environment for the command that runs.
 */
import { resolveHome } from '../src/config/home.js';
import { type CommandContext, flag, type Group, option, type Values } from './command.js';
import { messageLines } from './failure.js';
import { directory } from './kinds.js';
import { createOutput } from './output.js';
import { escapeControls, stderrIsTerminal, stdoutIsTerminal, writeMessage } from './terminal.js';

/** Accepted before and after every subcommand. */
export const globalOptions = {
  home: option(directory, 'DIR', 'keep configuration, catalog and cache below DIR (or set FACET_HOME)'),
  json: flag('print JSON: one object a line for listings, one object otherwise'),
  quiet: flag('print nothing but the data that was asked for, warnings and errors', { short: 'q' }),
  verbose: flag('say more, and show stack traces', { short: 'v' }),
  noColor: flag('no colors (or set NO_COLOR)'),
};

export type GlobalOptions = Values<typeof globalOptions>;

export function createContext(
  globals: GlobalOptions,
  root: Group,
  stop: AbortController,
  onSignal: CommandContext['onSignal'],
): CommandContext {
  const { json, quiet, verbose } = globals;
  const notes = (stderrIsTerminal || verbose) && !quiet && !json;
  return {
    home: resolveHome({ home: globals.home, env: process.env }),
    json,
    quiet,
    verbose,
    color:
      stdoutIsTerminal && !json && !globals.noColor && !process.env.NO_COLOR && process.env.TERM !== 'dumb',
    output: createOutput({ json, quiet, onClosed: reason => stop.abort(reason) }),
    signal: stop.signal,
    onSignal,
    root,
    warn(message, hint) {
      if (json) writeMessage(JSON.stringify({ warning: { message, hint } }));
      else writeMessage(messageLines(`warning: ${message}`, hint));
    },
    note(message) {
      if (notes) writeMessage(escapeControls(message));
    },
  };
}
