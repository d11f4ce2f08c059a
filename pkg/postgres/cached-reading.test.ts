import { expect } from 'chai';
import { CachedReading } from './cached-reading.js';

const forEver = 3_600_000;

/** Readings that count themselves, answered one by one when the test says so. */
function aReading(lastsMs: number, limitMs = forEver) {
  const begun: { answer(): void; fail(): void }[] = [];
  const failures: unknown[] = [];
  const read = (): Promise<number> =>
    new Promise((resolve, reject) => {
      const number = begun.length + 1;
      begun.push({ answer: () => resolve(number), fail: () => reject(new Error(`failure ${number}`)) });
    });
  const reading = new CachedReading({ read, lastsMs, limitMs, onFailure: (error) => failures.push(error) });
  return { reading, begun, failures };
}

describe('a cached reading', () => {
  it('is shared by all who ask while it is under way and while it is fresh', async () => {
    const { reading, begun } = aReading(forEver);
    const asked = [reading.latest(), reading.latest()];
    begun[0]?.answer();
    expect(await Promise.all([...asked, reading.latest()])).to.deep.equal([1, 1, 1]);
    expect(await reading.latest()).to.equal(1);
    expect(begun).to.have.length(1);
  });

  it('is made again when it is stale', async () => {
    const { reading, begun } = aReading(0);
    const first = reading.latest();
    begun[0]?.answer();
    expect(await first).to.equal(1);
    const second = reading.latest();
    begun[1]?.answer();
    expect(await second).to.equal(2);
  });

  it('that fails is nothing, and is not repeated for each of those who ask', async () => {
    const { reading, begun, failures } = aReading(0);
    const first = reading.latest();
    begun[0]?.fail();
    expect(await first).to.equal(undefined);
    expect(await reading.latest()).to.equal(undefined);
    expect(begun).to.have.length(1);
    expect(failures).to.have.length(1);
  });

  it('that takes too long is nothing, and no other begins until it has ended', async () => {
    const { reading, begun, failures } = aReading(0, 1);
    expect(await reading.latest()).to.equal(undefined);
    expect(String(failures[0])).to.contain('no reading within 1 ms');
    expect(await reading.latest()).to.equal(undefined);
    expect(begun).to.have.length(1);
  });
});
