import { expect } from 'chai';
import { prettyLine } from './pretty.js';

const line = {
  level: 'info',
  ts: new Date(2026, 0, 2, 13, 4, 5, 67).toISOString(),
  service: 'order-service',
  caller: 'order/saga/saga.ts:42',
  trace_id: '0af7651916cd43dd8448eb211c80319c',
  span_id: 'b7ad6b7169203331',
  order_id: 'o-1',
  lines: { count: 2 },
  msg: 'order confirmed',
};

describe('prettyLine', () => {
  it('writes time, level, service, message, fields and trace id in this sequence', () => {
    expect(prettyLine(JSON.stringify(line), false)).to.equal(
      '13:04:05.067 INFO  order-service order confirmed order_id=o-1 lines={"count":2} ' +
        'trace_id=0af7651916cd43dd8448eb211c80319c\n',
    );
  });

  it('writes the call site for levels other than info', () => {
    const shown = prettyLine(JSON.stringify({ ...line, level: 'warn' }), false);
    expect(shown).to.contain(' WARN ').and.to.contain('(order/saga/saga.ts:42)');
  });

  it('writes the stack of an error indented on the next lines', () => {
    const err = { type: 'Error', message: 'no', stack: 'Error: no\n    at x.ts:1\ncaused by: Error: why' };
    const shown = prettyLine(JSON.stringify({ ...line, err }), false);
    expect(shown.split('\n').slice(1)).to.deep.equal([
      '    Error: no',
      '        at x.ts:1',
      '    caused by: Error: why',
      '',
    ]);
  });

  it('writes a thrown value that is not an Error', () => {
    expect(prettyLine(JSON.stringify({ ...line, err: 'a text' }), false)).to.match(/\n {4}a text\n$/);
  });

  it('writes the same text with and without colors', () => {
    const colored = prettyLine(JSON.stringify(line), true);
    expect(colored).to.contain('\u001B[32mINFO');
    // oxlint-disable-next-line no-control-regex
    expect(colored.replaceAll(/\u001B\[\d+m/g, '')).to.equal(prettyLine(JSON.stringify(line), false));
  });
});
