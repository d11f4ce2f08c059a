import { expect } from 'chai';
import { Printer } from '../../terminal/printer.js';
import { Recorder } from './recorder.js';
import { aRejectedOrder } from '../testing/facts.js';
import { Recording } from '../testing/recording.js';

function aRecorder() {
  const out = new Recording();
  return { out, recorder: new Recorder(new Printer(out)) };
}

describe('Recorder', () => {
  it('prints an order with its outcome, total, latency and trace id', () => {
    const { out, recorder } = aRecorder();
    recorder.order('placed', { value: aRejectedOrder(), latencyMs: 8.44, traceId: 'abc' });
    expect(out.lines).to.deep.equal([
      '     → placed: REJECTED OUT_OF_STOCK · espresso · 4.50 USD · order order-1 · 8.4 ms · trace abc',
    ]);
    expect(recorder.steps[0]).to.deep.include({ outcome: 'REJECTED OUT_OF_STOCK', traceId: 'abc' });
  });

  it('records a passed check', () => {
    const { out, recorder } = aRecorder();
    expect(recorder.check('one unit is in stock', [1n], [1n])).to.equal(true);
    expect(out.lines).to.deep.equal(['   ✔ one unit is in stock']);
    expect(recorder.checks).to.deep.equal([{ title: 'one unit is in stock', passed: true }]);
  });

  it('prints the expected and the actual value of a failed check', () => {
    const { out, recorder } = aRecorder();
    expect(recorder.check('one unit is in stock', { units: 2n }, { units: 1n })).to.equal(false);
    expect(out.lines).to.deep.equal([
      '   ✘ one unit is in stock',
      '       expected { units: 1n }',
      '       actual   { units: 2n }',
    ]);
    expect(recorder.checks[0]).to.include({ passed: false, actual: '{ units: 2n }' });
  });

  it('records the error that ended the scenario', () => {
    const { recorder } = aRecorder();
    recorder.failed(new Error('the service is unreachable'));
    expect(recorder.checks).to.deep.equal([
      {
        title: 'the scenario completes',
        passed: false,
        expected: 'no error',
        actual: 'the service is unreachable',
      },
    ]);
  });
});
