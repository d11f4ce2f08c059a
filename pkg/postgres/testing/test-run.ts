import type { EmbeddedCluster } from '../embedded/index.js';

/** What all test files of a process share. */
interface TestRun {
  cluster: Promise<EmbeddedCluster> | undefined;
  /** Names of migrated template databases, by directory of migrations. */
  readonly templates: Map<string, Promise<string>>;
  /** Names of databases handed to tests and not dropped yet. */
  readonly open: Set<string>;
  /** How many databases were made. */
  created: number;
}

declare global {
  var testRun: TestRun | undefined;
}

/**
 * Global, because a module has two instances when the test runner loads some files by `require` and
 * others, such as those with a top-level await, by `import`.
 */
export const testRun: TestRun = (globalThis.testRun ??= {
  cluster: undefined,
  templates: new Map(),
  open: new Set(),
  created: 0,
});
