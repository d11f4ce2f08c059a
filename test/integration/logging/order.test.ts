import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import type { LogLine } from '../../support/rpc/test-server.js';
import type { OrderIds } from './system-child.js';

const script = fileURLToPath(new URL('system-child.ts', import.meta.url));

describe('log of all services', () => {
  let output: string;
  let lines: LogLine[];
  let orders: OrderIds;

  before(async function start() {
    this.timeout(120_000);
    const child = fork(script, ['trace'], {
      execArgv: ['--import=tsx', '--import=./pkg/observability/register.ts'],
      silent: true,
    });
    const read = text(child.stdout!);
    const errors = text(child.stderr!);
    const messageOrExit = Promise.race([once(child, 'message'), once(child, 'exit')]);
    [orders] = (await messageOrExit) as [OrderIds];
    output = await read;
    expect(await errors).to.equal('');
    lines = output
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as LogLine);
  });

  /** Returns the lines above debug that have these fields. */
  const linesWith = (fields: LogLine): LogLine[] =>
    lines.filter(
      (line) =>
        line['level'] !== 'debug' && Object.entries(fields).every(([name, value]) => line[name] === value),
    );

  const traceOf = (orderId: string, method: string): unknown =>
    linesWith({ order_id: orderId, method: `order.v1.OrderService/${method}` })[0]?.['trace_id'];

  const served = (trace: unknown): string[] =>
    linesWith({ msg: 'call served', trace_id: trace }).map(
      ({ method, status }) => `${String(method).split('/')[1]} ${String(status)}`,
    );

  const changes = (trace: unknown): string[] =>
    lines.flatMap((line) => {
      if (line['trace_id'] !== trace || line['level'] !== 'info') return [];
      const [subject, verb] = String(line['msg']).split(' ');
      return verb === 'changed' ? [`${subject} ${String(line['status'] ?? line['state'])}`] : [];
    });

  it('has one line for each call and each state change of a confirmed order', () => {
    const trace = traceOf(orders.confirmed, 'CreateOrder');
    expect(served(trace)).to.deep.equal([
      'BatchGetProducts OK',
      'ReserveStock OK',
      'AuthorizePayment OK',
      'CommitReservation OK',
      'CapturePayment OK',
      'CreateOrder OK',
    ]);
    expect(changes(trace)).to.deep.equal([
      'order PENDING',
      'reservation reserved',
      'payment AUTHORIZED',
      'reservation committed',
      'payment CAPTURED',
      'order CONFIRMED',
    ]);
  });

  it('has one line for each call and each state change of a declined order', () => {
    const trace = traceOf(orders.declined, 'CreateOrder');
    expect(served(trace)).to.deep.equal([
      'BatchGetProducts OK',
      'ReserveStock OK',
      'AuthorizePayment OK',
      'ReleaseReservation OK',
      'CreateOrder OK',
    ]);
    expect(changes(trace)).to.deep.equal([
      'order PENDING',
      'reservation reserved',
      'payment DECLINED',
      'reservation released',
      'order REJECTED',
    ]);
    const [payment] = linesWith({ msg: 'payment changed', trace_id: trace });
    expect(payment).to.have.property('decline_code', 'INSUFFICIENT_FUNDS');
  });

  it('has the rejection reason of a rejected order', () => {
    const [order] = linesWith({ msg: 'order changed', order_id: orders.outOfStock, state: 'REJECTED' });
    expect(order).to.have.property('rejection_reason', 'OUT_OF_STOCK');
  });

  it('has one line for each call and each state change of a cancellation', () => {
    const trace = traceOf(orders.cancelled, 'CancelOrder');
    expect(changes(trace)).to.deep.equal([
      'order CANCELLING',
      'payment REFUNDED',
      'reservation returned',
      'order CANCELLED',
    ]);
    const calls = served(trace);
    expect(calls.at(-1)).to.equal('CancelOrder OK');
    expect(new Set(calls).size).to.equal(calls.length);
  });

  it('has the documented fields on every line', () => {
    expect(lines.length).to.be.greaterThan(50);
    for (const line of lines) {
      expect(line).to.include.all.keys('level', 'ts', 'caller', 'msg', 'service');
      const [, file] = /^(.+\.ts):\d+$/.exec(String(line['caller'])) ?? [];
      expect(
        ['pkg', 'cmd', 'test'].some((root) => existsSync(`${root}/${file}`)),
        `${file}`,
      ).to.equal(true);
    }
  });

  it('has the business fields on every line of an order', () => {
    const orderLines = linesWith({ service: 'order-service', msg: 'order changed' }).concat(
      linesWith({ service: 'order-service', msg: 'call served', status: 'OK' }),
    );
    expect(orderLines.length).to.be.greaterThan(10);
    for (const line of orderLines) {
      expect(line).to.include.all.keys('order_id', 'customer_id', 'total_amount', 'currency');
      expect(line['total_amount']).to.be.a('number');
    }
    for (const line of linesWith({ msg: 'payment changed' }))
      expect(line).to.include.all.keys('order_id', 'payment_id', 'total_amount', 'currency');
  });

  it('has the trace id on every line of a call', () => {
    const outside = new Set(['serving', 'health changed', 'OpenTelemetry diagnostics']);
    const withoutTrace = lines.filter((line) => !('trace_id' in line) && !outside.has(String(line['msg'])));
    expect(withoutTrace).to.deep.equal([]);
  });

  it('has no duplicate lines', () => {
    const texts = lines
      .filter(({ level }) => level !== 'debug')
      .map(({ ts: _ts, duration_ms: _duration, caller: _caller, ...rest }) => JSON.stringify(rest));
    expect(texts.filter((line, index) => texts.indexOf(line) !== index)).to.deep.equal([]);
  });

  it('has no warnings or errors in normal operation', () => {
    const problems = lines.filter(({ level }) => ['warn', 'error', 'fatal'].includes(String(level)));
    expect(problems).to.deep.equal([]);
  });

  it('has no payment method at any level', () => {
    expect(lines.some(({ level }) => level === 'debug')).to.equal(true);
    expect(output).not.to.match(/pm_|s3cret/);
  });
});
