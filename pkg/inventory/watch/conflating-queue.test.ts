import { expect } from 'chai';
import { ConflatingQueue } from './conflating-queue.js';
import type { StockLevel } from '../domain.js';
import { aLevel } from '../testing/builders.js';

function shiftAll(queue: ConflatingQueue): StockLevel[] {
  const levels: StockLevel[] = [];
  for (let level = queue.shift(); level; level = queue.shift()) levels.push(level);
  return levels;
}

describe('ConflatingQueue', () => {
  it('keeps the newest unread level per SKU', () => {
    const queue = new ConflatingQueue();
    for (let revision = 1n; revision <= 1000n; revision += 1n) {
      queue.push([aLevel({ sku: 'a', revision }), aLevel({ sku: 'b', revision: revision * 2n })]);
    }
    expect(shiftAll(queue).map(({ sku, revision }) => [sku, revision])).to.deep.equal([
      ['a', 1000n],
      ['b', 2000n],
    ]);
  });

  it('drops levels that are not newer than a returned level', () => {
    const queue = new ConflatingQueue();
    queue.push([aLevel({ revision: 5n })]);
    shiftAll(queue);
    queue.push([aLevel({ revision: 4n }), aLevel({ revision: 5n })]);
    expect(shiftAll(queue)).to.deep.equal([]);
  });

  it('accepts fewer reserved units at the same revision, because an expiry is not stored immediately', () => {
    const queue = new ConflatingQueue();
    queue.push([aLevel({ revision: 5n, reserved: 3n })]);
    shiftAll(queue);
    queue.push([aLevel({ revision: 5n, reserved: 1n })]);
    expect(shiftAll(queue).map(({ reserved }) => reserved)).to.deep.equal([1n]);
    queue.push([aLevel({ revision: 5n, reserved: 3n })]);
    expect(shiftAll(queue)).to.deep.equal([]);
  });

  it('resolves the wait when a level arrives and when the queue is closed', async () => {
    const queue = new ConflatingQueue();
    const filled = queue.wait();
    queue.push([aLevel()]);
    await filled;
    shiftAll(queue);
    const closed = queue.wait();
    queue.close();
    await closed;
    await queue.wait();
  });
});
