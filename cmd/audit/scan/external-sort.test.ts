import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { expect } from 'chai';
import fc from 'fast-check';
import { ExternalSort } from './external-sort.js';

const line = fc.string().filter((text) => !/[\r\n\u2028\u2029]/.test(text));

describe('ExternalSort', () => {
  it('returns all lines sorted by code units, for any limits', async () => {
    const limits = fc.record({
      runLines: fc.integer({ min: 1, max: 7 }),
      maxRuns: fc.integer({ min: 2, max: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(line), limits, async (lines, sortLimits) => {
        const sort = await ExternalSort.create(sortLimits);
        for (const text of lines) await sort.add(text);
        const sorted: string[] = [];
        for await (const text of sort.sorted()) sorted.push(text);
        expect(sorted).to.deep.equal(lines.toSorted());
        await sort.close();
      }),
      { numRuns: 30 },
    );
  });

  it('removes its files', async () => {
    const folders = async () => (await readdir(tmpdir())).filter((name) => name.startsWith('audit-')).length;
    const before = await folders();
    const sort = await ExternalSort.create({ runLines: 1, maxRuns: 4 });
    await sort.add('a');
    expect(await folders()).to.equal(before + 1);
    await sort.close();
    expect(await folders()).to.equal(before);
  });
});
