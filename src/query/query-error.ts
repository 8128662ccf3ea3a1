/** What is wrong with a query, and where: for people, and for whoever embeds queries in a document of its own. */
import { FacetError } from '../errors.js';

/** How much of the query an error shows on either side of the place. */
const SHOWN = 30;

/** `usage`. Its message begins with the column; `says` and `column` are for those who know a better place to name. */
export class QueryError extends FacetError {
  /** Of the query's text, from 1, in UTF-16 units, as YAML's parser counts. */
  readonly column: number;
  /** The message without the column. */
  readonly says: string;

  constructor(text: string, column: number, says: string, hint?: string) {
    super('usage', `column ${column} of the query: ${says}`, { hint: hint ?? pointAt(text, column - 1) });
    this.column = column;
    this.says = says;
  }
}

/** `here: name:*.pdf age< >>> 30x`, on one line. */
function pointAt(text: string, at: number): string {
  const before = text.slice(Math.max(at - SHOWN, 0), at);
  const after = text.slice(at, at + SHOWN);
  const [start, end] = [at > SHOWN ? '…' : '', at + SHOWN < text.length ? '…' : ''];
  return `here: ${start}${before} >>> ${after}${end}`.replace(/\s+/g, ' ').trimEnd();
}
