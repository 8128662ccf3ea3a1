/** Packages that take longer to load than most commands take to run: loaded when something first needs them. */
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** A function that gives the package, loading it the first time. `Exports` is `typeof import(name)`. */
export function lazyPackage<Exports>(name: string): () => Exports {
  let loaded: Exports | undefined;
  return () => {
    loaded ??= require(name) as Exports;
    return loaded;
  };
}
