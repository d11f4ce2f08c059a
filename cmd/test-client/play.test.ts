import { expect } from 'chai';
import { Narrator } from './narrator.js';
import { playScenarios } from './play.js';
import type { Scenario } from './scenarios/scenario.js';
import { Recording } from './testing/recording.js';
import { World } from './world.js';

const nowhere = 'localhost:1';
const addresses = { order: nowhere, inventory: nowhere, payment: nowhere, catalog: nowhere };

function aScenario(number: number, over: Partial<Scenario> = {}): Scenario {
  const play: Scenario['play'] = (_world, story) => {
    story.expect('it is so', 1, 1);
    return Promise.resolve();
  };
  return { number, title: `scenario ${number}`, play, ...over };
}

async function playAll(program: readonly Scenario[], signal = new AbortController().signal) {
  const out = new Recording();
  const world = new World({ addresses, dev: undefined }, signal);
  try {
    return { results: await playScenarios(world, new Narrator(out), program), out };
  } finally {
    await world.close();
  }
}

describe('playing scenarios', () => {
  it('goes on after one that fails', async () => {
    const failing = aScenario(1, { play: () => Promise.reject(new Error('the shop is closed')) });
    const { results, out } = await playAll([failing, aScenario(2)]);
    expect(results.map(({ status }) => status)).to.deep.equal(['failed', 'passed']);
    expect(out.text).to.include('✘ it comes to its end').and.to.include('the shop is closed');
  });

  it('says loudly what it skips, and why', async () => {
    const { results, out } = await playAll([aScenario(9, { unless: () => 'nothing to kill here' })]);
    expect(results[0]).to.include({ status: 'skipped', skipped: 'nothing to kill here' });
    expect(out.text).to.include('○ SKIPPED: nothing to kill here');
  });

  it('ends at once when it is interrupted', async () => {
    const interrupt = new AbortController();
    const interrupting = aScenario(1, {
      play: () => {
        interrupt.abort(130);
        return Promise.reject(new Error('cancelled'));
      },
    });
    const reason: unknown = await playAll([interrupting, aScenario(2)], interrupt.signal).catch(
      (error: unknown) => error,
    );
    expect(reason).to.equal(130);
  });
});
