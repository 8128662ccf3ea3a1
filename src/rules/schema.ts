/**
 * The schema of rules.yaml, version 1. The descriptions become the JSON Schema that editors use and facet-rules(5); the
 * error texts are noun phrases (see config/document.ts). Imports `zod`: load it lazily.
 */
import * as z from 'zod';

// What follows from a document stays in memory, and each file is held against all of it.
const MOST_DIRECTORIES = 2_000;
const MOST_MOUNTS = 1_000;
const MOST_STEPS = 1_000;
const MOST_LABEL_RULES = 10_000;
const LONGEST_TEXT = 10_000;

const text = (what: string) =>
  z
    .string({ error: what })
    .min(1, { error: what })
    .max(LONGEST_TEXT, { error: `${what} of at most ${LONGEST_TEXT} letters` });

const listOf = <Item extends z.ZodType>(item: Item, most: number, what: string) =>
  z.array(item).max(most, { error: `at most ${most} ${what}` });

const query = text('a query such as name:*.pdf').describe('A query: which files.');

const origin = text('a source, or a source and a folder such as docs:work/');

const from = z
  .union([origin, listOf(origin, MOST_MOUNTS, 'sources').min(1, { error: 'at least one source' })], {
    error: "a source, a list of sources, or '*'",
  })
  .describe(
    "Where files are taken from: NAME, NAME:folder/, a list of these, or '*' for every source, which is the default.",
  );

const place = text('keep, flat or a template').describe(
  'Where a file goes below the directory: keep (its path below the folder it is taken from, the default), flat (its name), or a template.',
);

const otherwise = text('a template').describe(
  'A template for files that have not all the values which place asks for. Without it such a file is not taken.',
);

const collide = z
  .enum(['suffix', 'newest'], { error: 'suffix or newest' })
  .describe(
    'What becomes of files that want one path: all are shown, under names of their own (suffix, the default), or only the newest (newest), if each of them is placed so.',
  );

const step = z
  .strictObject({
    match: query,
    // A word of rules.yaml; nobody awaits a step.
    then: z
      .enum(['include', 'exclude'], { error: 'include or exclude' })
      .describe('What becomes of files that match: include or exclude.'),
  })
  .describe('One step: what matches is decided, what does not goes on to the next one.');

const filter = {
  where: query.optional().describe('A query: only these files.'),
  steps: listOf(step, MOST_STEPS, 'steps')
    .optional()
    .describe(
      'Steps in order: the first that matches decides. They are asked about the files that where lets through.',
    ),
  default: z
    .enum(['include', 'exclude'], { error: 'include or exclude' })
    .optional()
    .describe('What becomes of files that no step matches: include, unless this says otherwise.'),
};

const placement = {
  from: from.optional(),
  place: place.optional(),
  otherwise: otherwise.optional(),
  collide: collide.optional(),
};

const mount = z.strictObject({
  name: text('a name').optional().describe('What explanations call it.'),
  ...placement,
  ...filter,
});

const directory = z.strictObject({
  path: z
    .string({ error: 'a path such as /Work' })
    .regex(/^\//, { error: 'a path that begins with a slash, such as /Work' })
    .max(4_000, { error: 'a path of at most 4000 letters' })
    .describe('Where the directory is in the tree. It exists even while it is empty.'),
  inherit: z
    .boolean({ error: 'true or false' })
    .optional()
    .describe(
      'Whether where and steps of this directory also bind every directory below it. They do not, unless this is true.',
    ),
  pick: z
    .enum(['all', 'first'], { error: 'all or first' })
    .optional()
    .describe(
      'Whether a file appears in every mount of the directory that takes it (all, the default), or in the first one alone (first).',
    ),
  ...placement,
  ...filter,
  mounts: listOf(mount, MOST_MOUNTS, 'mounts')
    .optional()
    .describe(
      'Several ways in which files come here. The where and steps of the directory bind all of them. An empty list: none but what is below it.',
    ),
});

const labelRule = z.strictObject({
  from: origin.describe('A source, or a folder of one: NAME or NAME:folder/.'),
  labels: listOf(text('a label'), 100, 'labels')
    .min(1, { error: 'at least one label' })
    .describe('The labels that every file there has.'),
});

export const rulesSchema = z
  .strictObject({
    version: z.literal(1, { error: '1' }).describe('The version of this format.'),
    labels: listOf(labelRule, MOST_LABEL_RULES, 'label rules')
      .optional()
      .describe('Labels that files have because of where they are.'),
    directories: listOf(directory, MOST_DIRECTORIES, 'directories')
      .optional()
      .describe(
        'The directories of the tree. Without any, every source is a directory, with its folders as they are.',
      ),
  })
  .describe('How facet arranges files in its tree.');

export type RulesInput = z.output<typeof rulesSchema>;
