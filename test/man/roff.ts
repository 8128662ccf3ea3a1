/**
 * Text as roff of the man macros, man(7). What a shell is to take letter by letter (`literal`) keeps its hyphens, quotes
 * and tildes, which groff otherwise sets as typographic ones. Pure.
 */

const asTyped: Readonly<Record<string, string>> = {
  '\\': '\\(rs',
  '-': '\\-',
  "'": '\\(aq',
  '`': '\\(ga',
  '~': '\\(ti',
  '^': '\\(ha',
};

/** A command, an option, a file name. */
export function literal(text: string): string {
  return text.replace(/[\\\-'`~^]/g, character => asTyped[character] ?? character);
}

export function bold(text: string): string {
  return `\\fB${literal(text)}\\fR`;
}

export function italic(text: string): string {
  return `\\fI${literal(text)}\\fR`;
}

/** Sentences, each on a line of its own, with the options in them in bold. */
export function prose(text: string): string {
  const sentences = text.split(/(?<=[.:?!]) (?=[A-Z])/);
  return sentences.map(sentence => protect(emphasise(sentence))).join('\n');
}

function emphasise(text: string): string {
  return text
    .split(/(?<![\w-])(--?[a-z][a-z-]*)/)
    .map((part, index) => (index % 2 === 1 ? bold(part) : escapeProse(part)))
    .join('');
}

/** A hyphen between letters is one; at the end of a word, or before a number, it is a minus. */
function escapeProse(text: string): string {
  return text.replace(/[\\~^`]|(?<![a-zA-Z])-|-(?![a-zA-Z])/g, character => asTyped[character] ?? character);
}

/** A line that begins with a dot or a quote would be a request. */
export function protect(line: string): string {
  return /^[.']/.test(line) ? `\\&${line}` : line;
}

/** The short form in which declarations are written, as a sentence: `files at once` → `Files at once.` */
export function sentence(says: string): string {
  const first = /^[a-z]/.test(says) ? `${says.charAt(0).toUpperCase()}${says.slice(1)}` : says;
  return /[.?!]$/.test(first) ? first : `${first}.`;
}

/** A paragraph with a hanging head: an option and what it does. */
export function tagged(head: string, body: string): string {
  return `.TP\n${protect(head)}\n${body}`;
}
