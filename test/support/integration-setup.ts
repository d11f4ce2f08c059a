import { stopTestCluster, testCluster } from './postgres/test-cluster.js';
import { testRun } from './postgres/test-run.js';

/** Starts PostgreSQL or joins the server of another test run. Fails test files that do not drop their databases. */
export const mochaHooks = {
  async beforeAll(this: Mocha.Context): Promise<void> {
    this.timeout(180_000);
    await testCluster();
    const suites = this.test?.parent?.suites ?? [];
    const lastOfEachFile = new Map(suites.map((suite) => [suite.file, suite]));
    for (const suite of lastOfEachFile.values()) suite.afterAll(() => failOnLeaks(suite));
  },

  async afterAll(this: Mocha.Context): Promise<void> {
    this.timeout(60_000);
    await stopTestCluster();
  },
};

function failOnLeaks(suite: Mocha.Suite): void {
  const leaks = [...testRun.open];
  if (leaks.length === 0) return;
  testRun.open.clear();
  throw new Error(`${suite.file ?? suite.title} did not drop ${leaks.join(', ')}`);
}
