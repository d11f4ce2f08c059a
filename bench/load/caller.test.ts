import { expect } from 'chai';
import { pause } from '../../pkg/runtime/index.js';
import { Caller } from './caller.js';
import type { Answer } from './connections.js';
import type { Arrival, GroupResult } from './load-run.js';

const measuredMs = 200;

async function measure(arrival: Arrival, answer: () => Promise<Answer>): Promise<GroupResult> {
  const start = performance.now();
  const window = { start, end: start + measuredMs };
  const group = { name: 'group', targets: [], path: '/test', frames: [Buffer.alloc(5)], arrival };
  const caller = new Caller(group, { call: answer }, window);
  await caller.run();
  return caller.result(window.end);
}

const success: Answer = { message: Buffer.alloc(0) };

describe('calls of the benchmark', () => {
  it('start on time in an open loop, also while earlier calls wait', async () => {
    const { perSecond } = await measure({ perSecond: 100 }, () => pause(2 * measuredMs).then(() => success));
    expect(perSecond).to.be.closeTo(100, 1);
  });

  it('have latencies from the due time when the load process was late', async () => {
    const block = (): Promise<Answer> => {
      const end = performance.now() + 50;
      while (performance.now() < end);
      return Promise.resolve(success);
    };
    const { p99 } = await measure({ perSecond: 100 }, block);
    expect(p99).to.be.above(500);
  });

  it('have a limited number in flight in a closed loop', async () => {
    let inFlight = 0;
    let most = 0;
    await measure({ inFlight: 3 }, async () => {
      most = Math.max(most, ++inFlight);
      await pause(1);
      inFlight -= 1;
      return success;
    });
    expect(most).to.equal(3);
  });

  it('count as errors and not as latencies when they fail', async () => {
    const { errors, perSecond } = await measure({ perSecond: 100 }, () =>
      Promise.resolve({ ...success, error: 'overloaded' }),
    );
    expect(perSecond).to.equal(0);
    expect(errors).to.deep.equal({ overloaded: 20 });
  });
});
