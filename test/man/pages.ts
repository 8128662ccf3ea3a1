/**
 * The man pages of man/: prose by hand, and between the lines `.\" generated: SECTION COMMAND` and `.\" end` what
 * sections.ts makes of the declarations.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { sections } from './sections.js';

export const folder = fileURLToPath(new URL('../../../man/', import.meta.url));

export interface Page {
  /** `facet-index.1` */
  file: string;
  text: string;
}

export function readPages(): Page[] {
  return readdirSync(folder)
    .sort()
    .map(file => ({ file, text: readFileSync(`${folder}${file}`, 'utf8') }));
}

const generated = /^\.\\" generated: (\S+)(.*)\n(?:(?!\.\\").*\n)*\.\\" end$/gm;

/** The page with its generated parts as the declarations are now. Throws for a part that has no end, or no section. */
export async function renew({ file, text }: Page): Promise<string> {
  const begun = text.match(/^\.\\" generated:/gm)?.length;
  if (begun !== text.match(generated)?.length) throw new Error(`${file}: a generated part has no end`);
  let renewed = '';
  let from = 0;
  for (const match of text.matchAll(generated)) {
    const [block, name = '', words = ''] = match;
    const section = sections[name];
    if (section === undefined) throw new Error(`${file}: there is no section ${name} to generate`);
    const body = await section(words.split(' ').filter(word => word !== ''));
    renewed += `${text.slice(from, match.index)}.\\" generated: ${name}${words}\n${body}\n.\\" end`;
    from = match.index + block.length;
  }
  return renewed + text.slice(from);
}
