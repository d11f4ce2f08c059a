import { collectLeaks } from '../../pkg/postgres/testing/leaks.js';
import { stopTestCluster, testCluster } from '../../pkg/postgres/testing/test-cluster.js';

/** One PostgreSQL for the whole run, and no database left open by any file. */
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
  const leaks = collectLeaks();
  if (leaks.length === 0) return;
  throw new Error(`${suite.file ?? suite.title} did not drop ${leaks.join(', ')}`);
}
