/** Puts rules into force: they are noted in the catalog and the tree is arranged by them, in one transaction. */
import { AppliedRules } from '../catalog/applied-rules.js';
import type { Catalog } from '../catalog/catalog.js';
import type { Rules } from '../rules/rules.js';

/** `text` is rules.yaml as it is written, `rules` what it says. Returns whether other rules were in force before. */
export function applyRules(catalog: Catalog, text: string, rules: Rules): { hasChanged: boolean } {
  if (new AppliedRules(catalog.db).text()?.text === text) return { hasChanged: false };
  catalog.write(writer => writer.putRules(text, JSON.stringify(rules)));
  return { hasChanged: true };
}
