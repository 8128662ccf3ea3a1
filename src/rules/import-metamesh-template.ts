/**
 * The templates of MetaMesh, in facet's language. They look alike and differ in this: MetaMesh leaves out the text of a
 * condition when any value in it is missing, takes what follows `|` for a value if it looks like a name, and drops
 * characters from names that Windows does not allow.
 */
import { parseTemplate } from './parse-template.js';

/** Throws a TemplateError for one that has no meaning in facet. */
export function templateOfMetamesh(text: string, fieldOf: (name: string) => string): string {
  const { template } = convert(text, fieldOf);
  const path = template.replace(/\/{2,}/g, '/').replace(/^\/|\/$/g, '');
  parseTemplate(path);
  return path;
}

interface Converted {
  template: string;
  /** What a file must have, as it is written in braces. */
  required: readonly string[];
}

function convert(text: string, fieldOf: (name: string) => string): Converted {
  const required: string[] = [];
  let template = '';
  for (const { braced, content } of piecesOf(text)) {
    const piece = braced ? convertValue(content, fieldOf) : { template: literalText(content), required: [] };
    template += piece.template;
    required.push(...piece.required);
  }
  return { template, required };
}

interface Piece {
  braced: boolean;
  content: string;
}

/** Texts, and what is in pairs of braces outside of which there are none. */
function piecesOf(text: string): Piece[] {
  const pieces: Piece[] = [];
  let start = 0;
  for (let open = text.indexOf('{'); open >= 0; open = text.indexOf('{', start)) {
    const close = closingBrace(text, open);
    if (close === undefined) break;
    pieces.push({ braced: false, content: text.slice(start, open) });
    pieces.push({ braced: true, content: text.slice(open + 1, close) });
    start = close + 1;
  }
  return [...pieces, { braced: false, content: text.slice(start) }];
}

function closingBrace(text: string, open: number): number | undefined {
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    if (text[at] === '{') depth++;
    else if (text[at] === '}' && --depth === 0) return at;
  }
  return undefined;
}

function literalText(text: string): string {
  return allowedText(text).replace(/[{}]/g, '$&$&');
}

function allowedText(text: string): string {
  return text.replace(/[<>:"|?*\p{Cc}]/gu, '').replaceAll('\\', '/');
}

function convertValue(content: string, fieldOf: (name: string) => string): Converted {
  const condition = /^([^?{}|]+)\?\((.*)\)$/s.exec(content);
  if (condition) return convertCondition(nameOf(condition[1] ?? '', fieldOf), condition[2] ?? '', fieldOf);
  if (content.endsWith('?')) {
    return { template: `{${nameOf(content.slice(0, -1), fieldOf)}?}`, required: [] };
  }
  const names = content.split('|');
  const last = names.at(-1) ?? '';
  if (names.length === 1 || IDENTIFIER.test(last)) {
    const choice = names.map(name => nameOf(name, fieldOf)).join('|');
    return { template: `{${choice}}`, required: [choice] };
  }
  const choice = names.slice(0, -1).map(name => nameOf(name, fieldOf));
  return { template: `{${choice.join('|')}|"${allowedText(last)}"}`, required: [] };
}

const IDENTIFIER = /^[a-zA-Z_][\w.]*$/;

/** `season:pad2`, with the words of facet. */
function nameOf(text: string, fieldOf: (name: string) => string): string {
  const [name = '', ...modifiers] = text.split(':');
  const known = modifiers.map(word => word.replace(/^(upper|lower)case$/, '$1'));
  return [fieldOf(name.trim()), ...known].join(':');
}

/** A condition for each value that the text asks for, one in the other. */
function convertCondition(name: string, text: string, fieldOf: (name: string) => string): Converted {
  const inner = convert(text, fieldOf);
  const others = inner.required
    .map(choice => choice.replace(/:[^|]*/g, ''))
    .filter(choice => choice !== name);
  const conditions = [name, ...new Set(others)];
  const template = conditions.reduceRight((within, each) => `{${each}?(${within})}`, inner.template);
  return { template, required: [] };
}
