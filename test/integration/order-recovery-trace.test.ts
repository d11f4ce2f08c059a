import { context, SpanKind, SpanStatusCode, trace, type SpanContext } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-node';
import { expect } from 'chai';
import { AppError } from '../../pkg/errors/index.js';
import { Gate, inTurn, type Fault } from '../../pkg/order/testing/faults.js';
import { sql } from '../../pkg/postgres/index.js';
import { inTrace, recentSpans } from '../../pkg/rpc/testing/span-recorder.js';
import { waitFor } from '../../pkg/rpc/testing/wait-for.js';
import { useOrders } from './order-bench.js';
import { watchful } from './order-replica.js';

const connectionLost = new AppError({ reason: 'DEPENDENCY_UNAVAILABLE', message: 'the connection was lost' });
/** The first one: later ones store what is known once they are slow, and then the successor begins with them. */
const held = 'RESERVE_STOCK';
const withoutTrace = sql('test.order_without_trace', `update orders set traceparent = '' where id = $1`);

describe('the trace of an order that is left behind', () => {
  const bench = useOrders();

  /** Spans in which the order was recovered, oldest first. */
  function recoveriesOf(id: string): ReadableSpan[] {
    return recentSpans().filter(
      (span) => span.name === 'order.recover' && span.attributes['order.id'] === id,
    );
  }

  async function untilRecovered(id: string, count = 1): Promise<ReadableSpan[]> {
    await waitFor(() => recoveriesOf(id).length === count, `${count} spans of recovery`);
    return recoveriesOf(id);
  }

  /** Lets a fault happen, and tells in which span the call was made. */
  function seenBy(spans: (SpanContext | undefined)[], fault: Fault): Fault {
    return (...call) => {
      spans.push(trace.getSpanContext(context.active()));
      return fault(...call);
    };
  }

  it('ends with its driver, and a new one links to it in which the order is carried on', async () => {
    const gate = new Gate();
    const calls: (SpanContext | undefined)[] = [];
    const pass: Fault = async () => undefined;
    bench.ports.faults.set(held, inTurn(gate.before(), seenBy(calls, pass)));
    const { traceId, result } = await inTrace(() => bench.accept());
    await gate.reached;
    await bench.silence();

    const successor = await bench.start();
    await bench.storyOf(result.id, successor.orders);

    const [recovery] = await untilRecovered(result.id);
    expect(recovery?.kind).to.equal(SpanKind.INTERNAL);
    expect(recovery?.parentSpanContext).to.equal(undefined);
    expect(recovery?.status.code).to.equal(SpanStatusCode.UNSET);
    expect(recovery?.attributes).to.include({ 'order.step': 'RESERVE_STOCK', 'order.state': 'CONFIRMED' });
    const accepting = recentSpans().find(
      (span) => span.spanContext().traceId === traceId && span.name === 'test',
    );
    expect(recovery?.links.map((link) => [link.context.traceId, link.context.spanId])).to.deep.equal([
      [traceId, accepting?.spanContext().spanId],
    ]);
    const { traceId: newTraceId, spanId } = recovery!.spanContext();
    expect(newTraceId).not.to.equal(traceId);
    expect(calls.map((call) => [call?.traceId, call?.spanId])).to.deep.equal([[newTraceId, spanId]]);
    const timeline = await successor.orders.getTimeline(result.id, '');
    expect(timeline.map((entry) => entry.traceId)).to.deep.equal([traceId, ...Array(5).fill(newTraceId)]);
    gate.open();
  });

  it('is linked to from each recovery, however often drivers are lost', async () => {
    const gate = new Gate();
    bench.ports.faults.set(held, inTurn(gate.before(), gate.before()));
    const { traceId, result } = await inTrace(() => bench.accept());
    await gate.reached;
    await bench.silence();
    await bench.start();
    await waitFor(() => bench.ports.calls.length === 2, 'the second driver to be held');
    await bench.silence();

    const last = await bench.start();
    await bench.storyOf(result.id, last.orders);
    gate.open();

    const recoveries = await untilRecovered(result.id, 2);
    expect(recoveries.map(({ links }) => links.map((link) => link.context.traceId))).to.deep.equal([
      [traceId],
      [traceId],
    ]);
    expect(new Set(recoveries.map((span) => span.spanContext().traceId)).size).to.equal(2);
  });

  it('is named by every line that its recovery logs', async () => {
    const gate = new Gate();
    bench.ports.faults.set(held, inTurn(gate.before()));
    const { result } = await inTrace(() => bench.accept());
    await gate.reached;
    await bench.silence();

    const successor = await bench.start();
    const [recovery] = await untilRecovered(result.id);
    gate.open();

    const lines = successor.logs.map((line) => JSON.parse(line) as Record<string, unknown>);
    const told = lines.filter((line) => line['order_id'] === result.id);
    expect(told.map((line) => [line['msg'], line['state'], line['trace_id']])).to.deep.equal([
      ['order claimed', 'PENDING', recovery?.spanContext().traceId],
      ['order changed', 'CONFIRMED', recovery?.spanContext().traceId],
    ]);
  });

  it('shows a recovery that fails as an error', async () => {
    const gate = new Gate();
    bench.ports.faults.set(held, inTurn(gate.before()));
    const { result } = await inTrace(() => bench.accept());
    await gate.reached;
    await bench.silence();

    const unlucky = await bench.start(watchful);
    unlucky.db.refuse.set('saga.record', [connectionLost]);
    const [failed] = await untilRecovered(result.id);
    gate.open();

    expect(failed?.status.code).to.equal(SpanStatusCode.ERROR);
    expect(failed?.events.map(({ name }) => name)).to.deep.equal(['exception']);
    await bench.age();
    await bench.storyOf(result.id, unlucky.orders);
  });

  it('is missing for an order that was accepted without one, and nothing else is', async () => {
    const gate = new Gate();
    bench.ports.faults.set(held, inTurn(gate.before()));
    const { id } = await bench.accept();
    await gate.reached;
    await bench.database.db.query(withoutTrace, [id]);
    await bench.silence();

    const successor = await bench.start();
    await bench.storyOf(id, successor.orders);
    gate.open();

    const [recovery] = await untilRecovered(id);
    expect(recovery?.links).to.deep.equal([]);
  });

  it('is not made by heartbeats, nor by looking for orders', async () => {
    await bench.start(watchful);
    await bench.round(1);
    const names = new Set(recentSpans().map(({ name }) => name));
    expect([...names]).not.to.include.members(['EXECUTE saga.heartbeat']);
    expect([...names]).not.to.include.members(['EXECUTE saga.claim']);
  });
});
