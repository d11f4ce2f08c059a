import { expect } from 'chai';
import { CachedQuery } from './cached-query.js';

const hourMs = 3_600_000;

/** Creates a cached query. The test ends each execution; the nth execution returns n. */
function createQuery(ttlMs: number, timeoutMs = hourMs) {
  const executions: { succeed(): void; fail(): void }[] = [];
  const failures: unknown[] = [];
  const read = (): Promise<number> =>
    new Promise((resolve, reject) => {
      const number = executions.length + 1;
      executions.push({ succeed: () => resolve(number), fail: () => reject(new Error(`failure ${number}`)) });
    });
  const query = new CachedQuery({ read, ttlMs, timeoutMs, onFailure: (error) => failures.push(error) });
  return { query, executions, failures };
}

describe('CachedQuery', () => {
  it('shares a result among concurrent and later callers until the result expires', async () => {
    const { query, executions } = createQuery(hourMs);
    const results = [query.latest(), query.latest()];
    executions[0]?.succeed();
    expect(await Promise.all([...results, query.latest()])).to.deep.equal([1, 1, 1]);
    expect(await query.latest()).to.equal(1);
    expect(executions).to.have.length(1);
  });

  it('runs the query again after the result expires', async () => {
    const { query, executions } = createQuery(0);
    const first = query.latest();
    executions[0]?.succeed();
    expect(await first).to.equal(1);
    const second = query.latest();
    executions[1]?.succeed();
    expect(await second).to.equal(2);
  });

  it('returns undefined after a failure and does not run the query again for the next caller', async () => {
    const { query, executions, failures } = createQuery(0);
    const first = query.latest();
    executions[0]?.fail();
    expect(await first).to.equal(undefined);
    expect(await query.latest()).to.equal(undefined);
    expect(executions).to.have.length(1);
    expect(failures).to.have.length(1);
  });

  it('returns undefined after a timeout and starts no second query while the first query runs', async () => {
    const { query, executions, failures } = createQuery(0, 1);
    expect(await query.latest()).to.equal(undefined);
    expect(String(failures[0])).to.contain('no result within 1 ms');
    expect(await query.latest()).to.equal(undefined);
    expect(executions).to.have.length(1);
  });
});
