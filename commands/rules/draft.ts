/** rules.yaml as the commands read it: checked against the sources that the catalog knows. */
import { existsSync } from 'node:fs';
import type { Catalog } from '../../src/catalog/catalog.js';
import { DocumentError } from '../../src/config/document.js';
import { FacetError } from '../../src/errors.js';
import { type Draft, type Problem, readDraft } from '../../src/rules/document.js';

export function draftOf(file: string, catalog: Pick<Catalog, 'sources'>): Draft {
  if (!existsSync(file)) {
    throw new FacetError('not-found', `there are no rules: ${file} does not exist`, {
      path: file,
      hint: 'begin with facet rules init',
    });
  }
  const sources = catalog.sources.all().map(({ name }) => name);
  return readDraft(file, sources);
}

/** For who wants to know everything that is wrong: also of a document that no rules can be read from. */
export function problemsOrDraft(
  file: string,
  catalog: Pick<Catalog, 'sources'>,
): Draft | { problems: readonly Problem[] } {
  try {
    return draftOf(file, catalog);
  } catch (error) {
    if (error instanceof DocumentError) return { problems: error.problems };
    throw error;
  }
}
