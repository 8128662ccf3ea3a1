/**
 * Rules of MetaMesh (renaming-rules.json) as a rules.yaml. There the rule of the highest priority that matches places a
 * file, and whatever is left goes to Unsorted: one directory whose first mount takes the file. Loads `yaml` and `zod`.
 */
import * as z from 'zod';
import { checkDocument } from '../config/document.js';
import { FacetError } from '../errors.js';
import { formatQuery } from '../query/format.js';
import { type DirectoryInput, type Imported, type MountInput, writeDocument } from './import-document.js';
import { condition, fieldOfMetamesh, queryOf } from './import-metamesh-conditions.js';
import { templateOfMetamesh } from './import-metamesh-template.js';
import { ALWAYS, type Warn } from './import-queries.js';

const UNSORTED = 'Unsorted/{fileName}';

const rule = z.looseObject({
  id: z.string({ error: 'a text' }).optional(),
  name: z.string({ error: 'a text' }).optional(),
  description: z.string({ error: 'a text' }).optional(),
  enabled: z.boolean({ error: 'true or false' }).default(true),
  priority: z.number({ error: 'a number' }).default(0),
  conditions: condition.default({ conditions: [] }),
  template: z.string({ error: 'a template' }).min(1, { error: 'a template' }),
  fallbackToUnsorted: z.boolean({ error: 'true or false' }).default(false),
});
type Rule = z.output<typeof rule>;

const config = z.looseObject({
  rules: z.array(rule, { error: 'the list of rules of MetaMesh' }),
  defaultRule: rule.optional(),
});

/** As the file has it, or as MetaMesh's server answers. */
const answer = z.looseObject({ config });
const either = z.looseObject({ config: z.looseObject({}).optional() });

/** `file` is what errors call the text. Throws `usage`, with line and column. */
export function importMetamesh(text: string, file: string): Imported {
  const isAnswer = checkDocument(file, text, either).data.config !== undefined;
  const { rules, defaultRule } = isAnswer
    ? checkDocument(file, text, answer).data.config
    : checkDocument(file, text, config).data;
  const notes: Notes = { warnings: [], comments: new Map() };
  const enabled = rules.filter(each => each.enabled).sort((a, b) => b.priority - a.priority);
  const mounts = [...enabled.flatMap(each => mountsOf(each, notes)), lastMount(defaultRule, notes)];
  const directory: DirectoryInput = { path: '/', pick: 'first', mounts };
  const heading = headingOf(file, rules.filter(each => !each.enabled).map(titleOf));
  return {
    text: writeDocument({ version: 1, directories: [directory] }, heading, notes.comments),
    warnings: [...new Set(notes.warnings)],
  };
}

interface Notes {
  warnings: string[];
  comments: Map<MountInput, string>;
}

function headingOf(file: string, disabled: readonly string[]): string[] {
  const heading = [
    `The rules of MetaMesh from ${file}, the highest priority first: the first that takes a file places it.`,
    'Other than there, a slash in a value makes no folder, and characters that Windows does not allow stay in names.',
  ];
  return disabled.length === 0
    ? heading
    : [...heading, `Left out, because disabled: ${disabled.join(', ')}.`];
}

/** None for a rule whose template means nothing. */
function mountsOf(from: Rule, notes: Notes): MountInput[] {
  const warn: Warn = message => notes.warnings.push(`${titleOf(from)}: ${message}`);
  const place = placeOf(from, warn);
  if (place === undefined) return [];
  const query = queryOf(from.conditions, warn);
  const mount: MountInput = {
    name: from.name || from.id || undefined,
    ...(query === ALWAYS ? {} : { where: formatQuery(query) }),
    place,
    ...(from.fallbackToUnsorted ? { otherwise: UNSORTED } : {}),
  };
  notes.comments.set(mount, commentOf(from));
  return [mount];
}

/** It takes what no rule took, whatever its conditions, and MetaMesh shows every file somewhere. */
function lastMount(from: Rule | undefined, notes: Notes): MountInput {
  const [mount] = from === undefined ? [] : mountsOf({ ...from, conditions: { conditions: [] } }, notes);
  if (mount === undefined) return { name: 'unsorted', place: UNSORTED };
  if (mount.place !== UNSORTED) mount.otherwise = UNSORTED;
  return mount;
}

function placeOf({ template }: Rule, warn: Warn): string | undefined {
  try {
    return templateOfMetamesh(template, name => fieldOfMetamesh(name, warn));
  } catch (error) {
    if (!(error instanceof FacetError)) throw error;
    warn(`left out, because its template ${template} cannot be used: ${error.message}`);
    return undefined;
  }
}

function commentOf({ id, priority, description }: Rule): string {
  const about = [id, `priority ${priority}`].filter(part => part !== undefined).join(', ');
  return description === undefined || description === '' ? about : `${about}: ${description}`;
}

function titleOf({ id, name }: Rule): string {
  if (name === undefined || id === undefined || name === id) return name ?? id ?? 'a rule without a name';
  return `${name} (${id})`;
}
