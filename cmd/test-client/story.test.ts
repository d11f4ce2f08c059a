import { expect } from 'chai';
import { Narrator } from './narrator.js';
import { Story } from './story.js';
import { aRejectedOrder } from './testing/facts.js';
import { Recording } from './testing/recording.js';

function aStory() {
  const out = new Recording();
  return { out, story: new Story(new Narrator(out)) };
}

describe('a story', () => {
  it('shows an order with its outcome, total, latency and trace', () => {
    const { out, story } = aStory();
    story.order('placed', { value: aRejectedOrder(), latencyMs: 8.44, traceId: 'abc' });
    expect(out.lines).to.deep.equal([
      '     → placed: REJECTED OUT_OF_STOCK · espresso · 4.50 USD · order order-1 · 8.4 ms · trace abc',
    ]);
    expect(story.steps[0]).to.deep.include({ outcome: 'REJECTED OUT_OF_STOCK', traceId: 'abc' });
  });

  it('keeps a check that holds', () => {
    const { out, story } = aStory();
    expect(story.expect('there is one', [1n], [1n])).to.equal(true);
    expect(out.lines).to.deep.equal(['   ✔ there is one']);
    expect(story.checks).to.deep.equal([{ title: 'there is one', passed: true }]);
  });

  it('shows what was expected and what was there when a check fails', () => {
    const { out, story } = aStory();
    expect(story.expect('there is one', { units: 2n }, { units: 1n })).to.equal(false);
    expect(out.lines).to.deep.equal([
      '   ✘ there is one',
      '       expected { units: 1n }',
      '       actual   { units: 2n }',
    ]);
    expect(story.checks[0]).to.include({ passed: false, actual: '{ units: 2n }' });
  });

  it('fails when it cannot come to its end', () => {
    const { story } = aStory();
    story.broke(new Error('the service is gone'));
    expect(story.checks).to.deep.equal([
      { title: 'it comes to its end', passed: false, expected: 'no failure', actual: 'the service is gone' },
    ]);
  });
});
