/** Variables of the environment, as they are to be for one test. */
import type { TestContext } from 'node:test';

export function setEnvironment(context: TestContext, values: Record<string, string>): void {
  const before = { ...process.env };
  Object.assign(process.env, values);
  context.after(() => {
    for (const name of Object.keys(values)) delete process.env[name];
    Object.assign(process.env, before);
  });
}
