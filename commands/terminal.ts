/**
 * What is shared by all that writes to the user's terminal: whether there is one, text that cannot take it over, and
 * turns between the progress line and everything else. The only writer to stderr.
 */
import { isatty } from 'node:tty';

export const stdoutIsTerminal = isatty(1);
export const stderrIsTerminal = isatty(2);

// C0, DEL and C1 can move the cursor or set the title; the bidirectional controls can disguise a name, lone
// surrogates cannot be written at all.
const unprintable =
  /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]|\p{Surrogate}/gu;
const short: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** Text with every control character written out, as `\n`, `\x1b` or `\u202e`. */
export function escapeControls(text: string): string {
  return text.replace(unprintable, character => {
    const known = short[character];
    if (known !== undefined) return known;
    const hex = character.charCodeAt(0).toString(16);
    return hex.length > 2 ? `\\u${hex.padStart(4, '0')}` : `\\x${hex.padStart(2, '0')}`;
  });
}

/**
 * A name for a listing: as `ls -b` on a terminal (control characters written out, a backslash doubled so that the
 * result is unambiguous), untouched elsewhere, so that `facet index ls | xargs` gets the real bytes.
 */
export function printable(name: string, terminal = stdoutIsTerminal): string {
  return terminal ? escapeControls(name.replaceAll('\\', '\\\\')) : name;
}

/** A line that is redrawn in place and has to step aside while something else is printed. */
export interface LiveLine {
  hide(): void;
  show(): void;
}

let liveLine: LiveLine | undefined;

export function setLiveLine(line: LiveLine | undefined): void {
  liveLine = line;
}

export function besideLiveLine(print: () => void): void {
  liveLine?.hide();
  print();
  liveLine?.show();
}

let listening = false;

/** One message on stderr. When nobody reads it any more, there is nobody to tell. */
export function writeMessage(lines: string): void {
  if (!listening) {
    listening = true;
    process.stderr.on('error', () => {});
  }
  besideLiveLine(() => process.stderr.write(`${lines}\n`));
}
