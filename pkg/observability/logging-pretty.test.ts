import { expect } from 'chai';
import { prettyLine } from './logging-pretty.js';

const line = {
  level: 'info',
  ts: new Date(2026, 0, 2, 13, 4, 5, 67).toISOString(),
  service: 'order-service',
  caller: 'order/saga.ts:42',
  trace_id: '0af7651916cd43dd8448eb211c80319c',
  span_id: 'b7ad6b7169203331',
  order_id: 'o-1',
  lines: { count: 2 },
  msg: 'order confirmed',
};

describe('a log line for people', () => {
  it('reads from left to right: when, how bad, who, what, the facts, and where to look further', () => {
    expect(prettyLine(JSON.stringify(line), false)).to.equal(
      '13:04:05.067 INFO  order-service order confirmed order_id=o-1 lines={"count":2} ' +
        'trace_id=0af7651916cd43dd8448eb211c80319c\n',
    );
  });

  it('names its place in the code when it is not usual', () => {
    const shown = prettyLine(JSON.stringify({ ...line, level: 'warn' }), false);
    expect(shown).to.contain(' WARN ').and.to.contain('(order/saga.ts:42)');
  });

  it('shows the stack of an error below, indented', () => {
    const err = { type: 'Error', message: 'no', stack: 'Error: no\n    at x.ts:1\ncaused by: Error: why' };
    const shown = prettyLine(JSON.stringify({ ...line, err }), false);
    expect(shown.split('\n').slice(1)).to.deep.equal([
      '    Error: no',
      '        at x.ts:1',
      '    caused by: Error: why',
      '',
    ]);
  });

  it('shows whatever else was thrown', () => {
    expect(prettyLine(JSON.stringify({ ...line, err: 'a text' }), false)).to.match(/\n {4}a text\n$/);
  });

  it('has colors only where they are wanted, and the same words', () => {
    const colored = prettyLine(JSON.stringify(line), true);
    expect(colored).to.contain('\u001B[32mINFO');
    // eslint-disable-next-line no-control-regex
    expect(colored.replaceAll(/\u001B\[\d+m/g, '')).to.equal(prettyLine(JSON.stringify(line), false));
  });
});
