/** The thread in which rules are applied while something else must go on: it can take seconds, and blocks. */
import { parentPort, workerData } from 'node:worker_threads';
import { errorMessage, FacetError } from '../errors.js';
import { readDraft, rulesOf } from '../rules/document.js';
import { applyRules } from '../tree/apply-rules.js';
import { openCatalog } from '../tree/open-catalog.js';

export interface RulesThreadData {
  catalogFile: string;
  rulesFile: string;
}

/** The one thing the thread posts. */
export type RulesMessage =
  | { kind: 'applied'; hasChanged: boolean }
  /** `isPassing`: nothing is wrong with the rules; the catalog was busy, for example. */
  | { kind: 'refused'; message: string; hint: string | undefined; isPassing: boolean };

function run({ catalogFile, rulesFile }: RulesThreadData): RulesMessage {
  try {
    const catalog = openCatalog(catalogFile, 'write');
    try {
      const draft = readDraft(
        rulesFile,
        catalog.sources.all().map(({ name }) => name),
      );
      return { kind: 'applied', ...applyRules(catalog, draft.text, rulesOf(draft)) };
    } finally {
      catalog.close();
    }
  } catch (error) {
    return {
      kind: 'refused',
      message: errorMessage(error),
      hint: error instanceof FacetError ? error.hint : undefined,
      isPassing: !(error instanceof FacetError && error.code === 'usage'),
    };
  }
}

parentPort?.postMessage(run(workerData as RulesThreadData));
