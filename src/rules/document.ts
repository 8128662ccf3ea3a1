/**
 * Reads rules.yaml: schema, queries, templates and sources are all checked here, so that what comes out can be compiled
 * without an error. Every problem has its line and column. Loads `yaml` and `zod`: import it lazily.
 */
import {
  byPlace,
  checkDocument,
  type DocumentPath,
  type DocumentProblem,
  type Place,
  readText,
} from '../config/document.js';
import { FacetError } from '../errors.js';
import { fieldsOf } from '../query/fields.js';
import { parseQuery } from '../query/parse.js';
import { QueryError } from '../query/query-error.js';
import { refuseStates } from '../query/states.js';
import { parseTemplate } from './parse-template.js';
import type { DirectoryRule, FilterRule, LabelRule, MountRule, Origin, Rules, Step } from './rules.js';
import { type RulesInput, rulesSchema } from './schema.js';
import { propertiesOf, TemplateError } from './template.js';

/** Something in rules.yaml that is wrong. */
export type Problem = DocumentProblem;

/** Rules as they are written, which may be wrong. */
export interface Draft {
  file: string;
  text: string;
  rules: Rules;
  /** In the order of the text. */
  problems: readonly Problem[];
  /** The properties that queries and templates ask for. */
  fields: readonly FieldPlace[];
}

export interface FieldPlace extends Place {
  name: string;
}

type DirectoryInput = NonNullable<RulesInput['directories']>[number];
type MountInput = NonNullable<DirectoryInput['mounts']>[number];
type FilterInput = Pick<MountInput, 'where' | 'steps' | 'default'>;

/** Throws `usage` for a file that is no rules document at all, `not-found` or `denied` for the file itself. */
export function readDraft(file: string, sources: readonly string[]): Draft {
  return checkDraft(file, readText(file), sources);
}

export function checkDraft(file: string, text: string, sources: readonly string[]): Draft {
  const { data, at } = checkDocument(file, text, rulesSchema);
  const reader = new Reader(at, sources);
  const rules = reader.rules(data);
  return { file, text, rules, problems: reader.problems.sort(byPlace), fields: reader.fields };
}

/** The rules of a draft. Throws `usage` when there is anything wrong with it. */
export function rulesOf({ file, rules, problems }: Draft): Rules {
  const [first] = problems;
  if (!first) return rules;
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
  throw new FacetError('usage', `${file}:${first.line}:${first.column}: ${first.message}${more}`, {
    hint: first.hint ?? 'facet rules check lists everything that is wrong',
    path: file,
  });
}

class Reader {
  readonly problems: Problem[] = [];
  readonly fields: FieldPlace[] = [];
  readonly #at: (path: DocumentPath, column?: number) => Place;
  readonly #sources: ReadonlySet<string>;

  constructor(at: (path: DocumentPath, column?: number) => Place, sources: readonly string[]) {
    this.#at = at;
    this.#sources = new Set(sources);
  }

  rules(data: RulesInput): Rules {
    const directories =
      data.directories?.map((each, nth) => this.#directory(each, ['directories', nth])) ?? [];
    this.#refuseTwins(directories);
    return {
      labels: data.labels?.map((each, nth) => this.#labelRule(each, ['labels', nth])) ?? [],
      directories,
    };
  }

  #labelRule({ from, labels }: NonNullable<RulesInput['labels']>[number], path: DocumentPath): LabelRule {
    const { source, prefix } = this.#origin(from, [...path, 'from']);
    if (source === null) this.#problem([...path, 'from'], 'a label rule needs a source, not *');
    return { source: source ?? '*', prefix, labels: [...new Set(labels)].sort(), line: this.#line(path) };
  }

  #directory(input: DirectoryInput, path: DocumentPath): DirectoryRule {
    return {
      path: this.#directoryPath(input.path, [...path, 'path']),
      inherit: input.inherit ?? false,
      pick: input.pick ?? 'all',
      ...this.#filter(input, path),
      mounts: this.#mounts(input, path),
      line: this.#line(path),
    };
  }

  #directoryPath(text: string, path: DocumentPath): string {
    const names = text.split('/').filter(name => name !== '');
    for (const name of names) {
      if (name === '.' || name === '..') this.#problem(path, `a path cannot contain ${name}`);
      else if (Buffer.byteLength(name) > 255) this.#problem(path, 'a name takes at most 255 bytes');
      else if (/[\p{Cc}\p{Cs}]/u.test(name)) this.#problem(path, 'a name cannot contain control characters');
    }
    return names.join('/');
  }

  #mounts(input: DirectoryInput, path: DocumentPath): MountRule[] {
    if (input.mounts === undefined) return isMount(input) ? [this.#inlineMount(input, path)] : [];
    for (const key of ['from', 'place', 'otherwise', 'collide'] as const) {
      if (input[key] !== undefined) this.#problem([...path, key], `${key} belongs to each of the mounts`);
    }
    return input.mounts.map((each, nth) => this.#mount(each, nth, [...path, 'mounts', nth]));
  }

  /** A directory with one mount can say all of it itself; then the filter is the directory's. */
  #inlineMount(input: DirectoryInput, path: DocumentPath): MountRule {
    const { from, place, otherwise, collide } = input;
    return this.#mount({ from, place, otherwise, collide }, 0, path);
  }

  #mount(input: MountInput, nth: number, path: DocumentPath): MountRule {
    const place = input.place ?? 'keep';
    if (place !== 'keep' && place !== 'flat') this.#template([...path, 'place'], place);
    const { otherwise } = input;
    if (otherwise !== undefined) this.#template([...path, 'otherwise'], otherwise);
    return {
      name: input.name ?? `${nth + 1}`,
      from: this.#origins(input.from ?? '*', [...path, 'from']),
      ...this.#filter(input, path),
      place,
      otherwise,
      collide: input.collide ?? 'suffix',
      line: this.#line(path),
    };
  }

  #filter({ where, steps, default: rest }: FilterInput, path: DocumentPath): FilterRule {
    if (where !== undefined) this.#query([...path, 'where'], where);
    return {
      where,
      steps: steps?.map((each, nth) => this.#step(each, [...path, 'steps', nth])) ?? [],
      default: rest ?? 'include',
    };
  }

  #step({ match, then }: NonNullable<FilterInput['steps']>[number], path: DocumentPath): Step {
    this.#query([...path, 'match'], match);
    return { match, then, line: this.#line(path) };
  }

  #origins(from: string | readonly string[], path: DocumentPath): Origin[] {
    if (typeof from === 'string') return [this.#origin(from, path)];
    return from.map((each, nth) => this.#origin(each, [...path, nth]));
  }

  /** `docs`, `docs:work/` or `*`. */
  #origin(text: string, path: DocumentPath): Origin {
    if (text === '*') return { source: null, prefix: '' };
    const colon = text.indexOf(':');
    const source = colon < 0 ? text : text.slice(0, colon);
    if (!this.#sources.has(source)) {
      const known = [...this.#sources].join(', ');
      this.#problem(
        path,
        `there is no source ${source}`,
        known === '' ? 'add it: facet index add' : `the sources are ${known}`,
      );
    }
    const prefix = colon < 0 ? '' : text.slice(colon + 1).replace(/^\/+/, '');
    if (prefix !== '' && !prefix.endsWith('/')) {
      this.#problem(path, 'a folder of a source ends in a slash', `write ${source}:${prefix}/`);
    }
    return { source, prefix };
  }

  #refuseTwins(directories: readonly DirectoryRule[]): void {
    const lines = new Map<string, number>();
    for (const [nth, { path, line }] of directories.entries()) {
      const first = lines.get(path);
      if (first === undefined) lines.set(path, line);
      else {
        const hint = 'give one of them several mounts';
        this.#problem(
          ['directories', nth, 'path'],
          `/${path} is a directory already, in line ${first}`,
          hint,
        );
      }
    }
  }

  #query(path: DocumentPath, text: string): void {
    this.#note(path, () => {
      const query = parseQuery(text);
      refuseStates(query, text);
      return fieldsOf(query);
    });
  }

  #template(path: DocumentPath, text: string): void {
    this.#note(path, () => propertiesOf(parseTemplate(text)));
  }

  /** Notes the fields that a text asks for, or what is wrong with it. */
  #note(path: DocumentPath, parse: () => readonly { name: string; column: number }[]): void {
    try {
      for (const { name, column } of parse()) this.fields.push({ name, ...this.#at(path, column) });
    } catch (error) {
      if (error instanceof QueryError) this.#problem(path, error.says, error.hint, error.column);
      else if (error instanceof TemplateError) this.#problem(path, error.message, error.hint, error.column);
      else throw error;
    }
  }

  #problem(path: DocumentPath, message: string, hint?: string, column = 1): void {
    this.problems.push({ ...this.#at(path, column), message, hint });
  }

  #line(path: DocumentPath): number {
    return this.#at(path).line;
  }
}

/** A directory that says neither where files come from nor which or how is there for those below it. */
function isMount(input: DirectoryInput): boolean {
  const { from, where, steps, place, otherwise, collide } = input;
  return [from, where, steps, place, otherwise, collide].some(each => each !== undefined);
}
