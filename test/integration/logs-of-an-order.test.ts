import { fork } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import type { LogLine } from '../../pkg/rpc/testing/test-server.js';
import type { Told } from './logs-system.js';

const script = fileURLToPath(new URL('logs-system.ts', import.meta.url));

describe('the log of the whole system', () => {
  let output: string;
  let lines: LogLine[];
  let orders: Told;

  before(async function start() {
    this.timeout(120_000);
    const child = fork(script, ['trace'], {
      execArgv: ['--import=tsx', '--import=./pkg/observability/register.ts'],
      silent: true,
    });
    const read = text(child.stdout!);
    const complaints = text(child.stderr!);
    const told = Promise.race([once(child, 'message'), once(child, 'exit')]);
    [orders] = (await told) as [Told];
    output = await read;
    expect(await complaints).to.equal('');
    lines = output
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as LogLine);
  });

  /** The lines at info or above with these fields. */
  const told = (fields: LogLine): LogLine[] =>
    lines.filter(
      (line) =>
        line['level'] !== 'debug' && Object.entries(fields).every(([name, value]) => line[name] === value),
    );

  const traceOf = (orderId: string, method: string): unknown =>
    told({ order_id: orderId, method: `order.v1.OrderService/${method}` })[0]?.['trace_id'];

  const served = (trace: unknown): string[] =>
    told({ msg: 'call served', trace_id: trace }).map(
      ({ method, status }) => `${String(method).split('/')[1]} ${String(status)}`,
    );

  const changes = (trace: unknown): string[] =>
    lines.flatMap((line) => {
      if (line['trace_id'] !== trace || line['level'] !== 'info') return [];
      const [what, verb] = String(line['msg']).split(' ');
      return verb === 'changed' ? [`${what} ${String(line['status'] ?? line['state'])}`] : [];
    });

  it('has one line for each request and each change of a confirmed order', () => {
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

  it('has one line for each request and each change of a declined order, none of them an error', () => {
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
    const [payment] = told({ msg: 'payment changed', trace_id: trace });
    expect(payment).to.have.property('decline_code', 'INSUFFICIENT_FUNDS');
  });

  it('says why an order was rejected', () => {
    const [order] = told({ msg: 'order changed', order_id: orders.outOfStock, state: 'REJECTED' });
    expect(order).to.have.property('rejection_reason', 'OUT_OF_STOCK');
  });

  it('has one line for each request and each change of a cancellation', () => {
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

  it('has the promised fields on every line', () => {
    expect(lines.length).to.be.greaterThan(50);
    for (const line of lines) {
      expect(line).to.include.all.keys('level', 'ts', 'caller', 'msg', 'service');
      expect(line['caller']).to.match(/^[\w.-]+\/[\w.-]+\.ts:\d+$/);
    }
  });

  it('has the promised fields of business on every line of an order', () => {
    const ofOrders = [...told({ service: 'order-service', msg: 'order changed' })].concat(
      told({ service: 'order-service', msg: 'call served', status: 'OK' }),
    );
    expect(ofOrders.length).to.be.greaterThan(10);
    for (const line of ofOrders) {
      expect(line).to.include.all.keys('order_id', 'customer_id', 'total_amount', 'currency');
      expect(line['total_amount']).to.be.a('number');
    }
    for (const line of told({ msg: 'payment changed' }))
      expect(line).to.include.all.keys('order_id', 'payment_id', 'total_amount', 'currency');
  });

  it('names the trace on every line inside of a request', () => {
    const outside = new Set(['serving', 'health changed', 'OpenTelemetry reports']);
    const lost = lines.filter((line) => !('trace_id' in line) && !outside.has(String(line['msg'])));
    expect(lost).to.deep.equal([]);
  });

  it('says nothing twice', () => {
    const texts = lines
      .filter(({ level }) => level !== 'debug')
      .map(({ ts: _ts, duration_ms: _duration, caller: _caller, ...said }) => JSON.stringify(said));
    expect(texts.filter((line, at) => texts.indexOf(line) !== at)).to.deep.equal([]);
  });

  it('has no warning and no error when all goes well', () => {
    const loud = lines.filter(({ level }) => ['warn', 'error', 'fatal'].includes(String(level)));
    expect(loud).to.deep.equal([]);
  });

  it('never has a payment method, not even at its lowest level', () => {
    expect(lines.some(({ level }) => level === 'debug')).to.equal(true);
    expect(output).not.to.match(/pm_|s3cret/);
  });
});
