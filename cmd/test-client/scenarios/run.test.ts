import { expect } from 'chai';
import { Printer } from '../../terminal/printer.js';
import { runScenarios } from './run.js';
import type { Scenario } from './scenario.js';
import { Recording } from '../testing/recording.js';
import { ScenarioContext } from '../context/scenario-context.js';

const unreachable = 'localhost:1';
const addresses = { order: unreachable, inventory: unreachable, payment: unreachable, catalog: unreachable };

function aScenario(number: number, overrides: Partial<Scenario> = {}): Scenario {
  const run: Scenario['run'] = (_context, recorder) => {
    recorder.check('one is one', 1, 1);
    return Promise.resolve();
  };
  return { number, title: `scenario ${number}`, run, ...overrides };
}

async function runAll(selected: readonly Scenario[], signal = new AbortController().signal) {
  const out = new Recording();
  const context = new ScenarioContext({ addresses, dev: undefined }, signal);
  try {
    return { results: await runScenarios(context, new Printer(out), selected), out };
  } finally {
    await context.close();
  }
}

describe('runScenarios', () => {
  it('continues after a failed scenario', async () => {
    const failing = aScenario(1, { run: () => Promise.reject(new Error('the service is unreachable')) });
    const { results, out } = await runAll([failing, aScenario(2)]);
    expect(results.map(({ status }) => status)).to.deep.equal(['failed', 'passed']);
    expect(out.text).to.include('✘ the scenario completes').and.to.include('the service is unreachable');
  });

  it('prints skipped scenarios with the reason', async () => {
    const { results, out } = await runAll([aScenario(9, { skipReason: () => 'services run elsewhere' })]);
    expect(results[0]).to.include({ status: 'skipped', skipped: 'services run elsewhere' });
    expect(out.text).to.include('○ SKIPPED: services run elsewhere');
  });

  it('rejects with the reason of an abort', async () => {
    const interrupt = new AbortController();
    const interrupting = aScenario(1, {
      run: () => {
        interrupt.abort(130);
        return Promise.reject(new Error('cancelled'));
      },
    });
    const reason: unknown = await runAll([interrupting, aScenario(2)], interrupt.signal).catch(
      (error: unknown) => error,
    );
    expect(reason).to.equal(130);
  });
});
