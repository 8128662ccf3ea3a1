/** Reads the words, quotes and operators of a query, one after another. What may follow what is for `parse.ts` to say. */
import { QueryError } from './query-error.js';

/** A text with the place where it begins, counted from 0. */
export interface Found {
  readonly text: string;
  readonly at: number;
  readonly quoted: boolean;
}

const SPACE = /\s/;
/** A word is also a field, so it ends where an operator begins. */
const WORD = /(?:(?!![=~])[^\s()=<>~:])*/y;
const VALUE = /[^\s()]*/y;
const LIST_VALUE = /[^\s(),[\]]*/y;
const KEYWORD = /(?:and|or|not|is|in|present|missing)(?![^\s()"'])|in(?=\[)/iy;
const OPERATOR = /[=<>~]+|![=<>~]+/y;

export class Cursor {
  readonly text: string;
  at = 0;

  constructor(text: string) {
    this.text = text;
  }

  error(at: number, says: string, hint?: string): QueryError {
    return new QueryError(this.text, at + 1, says, hint);
  }

  skipSpace(): void {
    while (SPACE.test(this.text.charAt(this.at))) this.at++;
  }

  /** '' at the end. */
  get next(): string {
    return this.text.charAt(this.at);
  }

  /** Goes past `text` if it is next. */
  take(text: string): boolean {
    const found = this.text.startsWith(text, this.at);
    if (found) this.at += text.length;
    return found;
  }

  /** A bare word, '' when there is none, or a quoted text. */
  word(): Found {
    return this.#isQuote() ? this.quoted() : { at: this.at, text: this.#match(WORD), quoted: false };
  }

  /** What follows an operator; '' when there is nothing. In a pattern a backslash is the pattern's own. */
  value(inList: boolean, isPattern: boolean): Found {
    if (this.#isQuote()) return this.quoted(isPattern);
    const found = { at: this.at, text: this.#match(inList ? LIST_VALUE : VALUE), quoted: false };
    if (found.text !== '' && (this.next === '(' || (inList && this.next === '[')))
      throw this.error(this.at, `a ${this.next} inside a word`, `put the whole value in quotes`);
    return found;
  }

  /** A run of operator characters, '' when there is none; which of them are operators is not checked. */
  operator(): string {
    return this.#match(OPERATOR);
  }

  /** Goes past one of the words, in any case, unless it is the beginning of another word or a field: `and=5`. */
  keyword(...words: readonly string[]): string | undefined {
    KEYWORD.lastIndex = this.at;
    const found = KEYWORD.exec(this.text)?.[0];
    const word = words.find(each => each === found?.toLowerCase());
    if (word !== undefined) this.at += word.length;
    return word;
  }

  #isQuote(): boolean {
    return this.next === '"' || this.next === "'";
  }

  quoted(isPattern = false): Found {
    const at = this.at;
    const quote = this.next;
    let text = '';
    for (this.at++; this.next !== quote; this.at++) {
      if (this.next === '') throw this.error(at, 'a quote that is not closed');
      if (this.next === '\\' && this.at + 1 < this.text.length) text += this.#escaped(isPattern);
      else text += this.next;
    }
    this.at++;
    if (!/^[\s()=<>~:!,[\]]?$/.test(this.next))
      throw this.error(this.at, `expected a space after the quote, found '${this.next}'`);
    return { at, text, quoted: true };
  }

  /** A backslash stands for itself before anything but a quote or a backslash. */
  #escaped(isPattern: boolean): string {
    this.at++;
    return !isPattern && /["'\\]/.test(this.next) ? this.next : `\\${this.next}`;
  }

  #match(expression: RegExp): string {
    expression.lastIndex = this.at;
    const [text = ''] = expression.exec(this.text) ?? [];
    this.at += text.length;
    return text;
  }
}
