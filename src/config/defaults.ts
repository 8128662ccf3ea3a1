/**
 * What holds where config.yaml says nothing. Apart from the schema, so that the usual case, no file, needs neither
 * `yaml` nor `zod`. Pure.
 */

export const defaults = {
  scan: { exclude: [] as string[] },
  mount: { allowOther: false },
  cache: { maxSize: '10GB', minFree: '1GB', maxAge: '30d', memory: '100MB' },
  redis: { publish: false },
};
