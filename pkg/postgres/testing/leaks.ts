import { testRun } from './test-run.js';

/** Names the databases that tests have not dropped, and forgets them, so that each is blamed once. */
export function collectLeaks(): string[] {
  const leaked = [...testRun.open];
  testRun.open.clear();
  return leaked;
}
