import type { EmbeddedCluster } from '../../../pkg/postgres/embedded/index.js';

/** State that all test files of the process share. */
interface TestRun {
  cluster: Promise<EmbeddedCluster> | undefined;
  /** Names of template databases; the key is the directory of the migrations. */
  readonly templates: Map<string, Promise<string>>;
  /** Names of test databases that exist. */
  readonly open: Set<string>;
  /** Number of test databases that the process has created. */
  created: number;
}

declare global {
  var testRun: TestRun | undefined;
}

/**
 * The state is global, because this module has two instances: mocha loads some files by `require` and others (such as
 * files with a top-level await) by `import`.
 */
export const testRun: TestRun = (globalThis.testRun ??= {
  cluster: undefined,
  templates: new Map(),
  open: new Set(),
  created: 0,
});
