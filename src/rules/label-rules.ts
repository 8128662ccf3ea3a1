/** Labels that files have because of where they are, as the label rules in force say. */
import type { Database } from 'better-sqlite3';
import { AppliedRules } from '../catalog/applied-rules.js';
import { Descriptions } from '../catalog/descriptions.js';
import { type FileRecord, sourcePath } from '../catalog/files.js';
import { type LabelRule, readRules } from './rules.js';

export interface LabelOrigin {
  label: string;
  /** The folder whose rule gives it; null when it was given directly. */
  from: string | null;
}

export function appliedLabelRules(db: Database): readonly LabelRule[] {
  const document = new AppliedRules(db).document();
  return document === undefined ? [] : readRules(document).labels;
}

/** The effective labels of a file, each with every origin it has. */
export function labelOrigins(db: Database, file: FileRecord): LabelOrigin[] {
  const direct = new Descriptions(db).labels(file.id);
  const path = sourcePath(file);
  const given = appliedLabelRules(db).filter(
    rule => rule.source === file.source && path.startsWith(rule.prefix),
  );
  const byRule = given.flatMap(({ source, prefix, labels }) =>
    labels.map(label => ({ label, from: `${source}:${prefix}` })),
  );
  const all: LabelOrigin[] = [...direct.map(label => ({ label, from: null })), ...byRule];
  return all.sort((a, b) => (a.label < b.label ? -1 : a.label > b.label ? 1 : 0));
}
