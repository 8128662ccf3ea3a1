/** Finds the arrangement that is in force: that of the rules in the catalog, or the default one. */
import type { Database } from 'better-sqlite3';
import { AppliedRules } from '../catalog/applied-rules.js';
import { FileFacts } from '../catalog/facts.js';
import type { CatalogFile } from '../catalog/projector.js';
import type { Clock } from '../query/compile.js';
import type { Facts } from '../query/facts.js';
import { readRules } from '../rules/rules.js';
import { Ruleset } from '../rules/ruleset.js';
import {
  type Arrangement,
  defaultArrangement,
  type FindsArrangement,
  type Placement,
} from './arrangement.js';

/** The arrangement that rules make. */
export class RuledArrangement implements Arrangement {
  readonly ruleset: Ruleset;
  readonly declared: readonly string[];
  readonly showsFolders = false;
  readonly #facts: FileFacts;

  constructor(ruleset: Ruleset, db: Database) {
    this.ruleset = ruleset;
    this.declared = ruleset.directories.map(({ rule }) => rule.path);
    this.#facts = new FileFacts(db, ruleset.rules.labels);
  }

  factsOf(file: CatalogFile): Facts {
    return this.#facts.of(file);
  }

  placements(file: CatalogFile, clock: Clock): Placement[] {
    return this.ruleset.placements(this.#facts.of(file), clock).map(({ path, newest }) => {
      const slash = path.lastIndexOf('/');
      return { directory: path.slice(0, Math.max(slash, 0)), name: path.slice(slash + 1), newest };
    });
  }

  directory(): undefined {
    return undefined;
  }
}

export class Arrangements implements FindsArrangement {
  readonly #db: Database;
  readonly #applied: AppliedRules;
  #document: string | undefined;
  #arrangement: Arrangement = defaultArrangement;

  constructor(db: Database) {
    this.#db = db;
    this.#applied = new AppliedRules(db);
  }

  current(): Arrangement {
    const document = this.#applied.document();
    if (document !== this.#document) {
      this.#arrangement = this.#arrangementOf(document);
      this.#document = document;
    }
    return this.#arrangement;
  }

  #arrangementOf(document: string | undefined): Arrangement {
    const rules = document === undefined ? undefined : readRules(document);
    // Rules that only give labels leave everything where it is.
    if (!rules || rules.directories.length === 0) return defaultArrangement;
    return new RuledArrangement(new Ruleset(rules), this.#db);
  }
}
