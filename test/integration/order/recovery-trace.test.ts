import { context, SpanKind, SpanStatusCode, trace, type SpanContext } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-node';
import { expect } from 'chai';
import { AppError } from '../../../pkg/errors/index.js';
import { Gate, inSequence, type Fault } from '../../../pkg/order/testing/faults.js';
import { sql } from '../../../pkg/postgres/index.js';
import { inTrace, recentSpans } from '../../support/rpc/span-recorder.js';
import { waitFor } from '../../support/wait-for.js';
import { useOrders } from '../../support/order/fixture.js';
import { fastRecovery } from '../../support/order/replica.js';

const connectionLost = new AppError({ reason: 'DEPENDENCY_UNAVAILABLE', message: 'the connection was lost' });
/** The saga hangs at its first step. No step is stored, so the recovery executes every step. */
const blockedStep = 'RESERVE_STOCK';
const clearTraceparent = sql(
  'test.order_clear_traceparent',
  `update orders set traceparent = '' where id = $id`,
);

describe('the recovery span of an order', () => {
  const fixture = useOrders();

  /** Returns the recovery spans of an order, oldest first. */
  function recoveriesOf(id: string): ReadableSpan[] {
    return recentSpans().filter(
      (span) => span.name === 'order.recover' && span.attributes['order.id'] === id,
    );
  }

  async function untilRecovered(id: string, count = 1): Promise<ReadableSpan[]> {
    await waitFor(() => recoveriesOf(id).length === count, `${count} recovery spans`);
    return recoveriesOf(id);
  }

  /** Records the active span of each call of a step, and then applies a fault. */
  function recording(spans: (SpanContext | undefined)[], fault: Fault): Fault {
    return (...call) => {
      spans.push(trace.getSpanContext(context.active()));
      return fault(...call);
    };
  }

  it('starts a new trace with a link to the trace that accepted the order', async () => {
    const gate = new Gate();
    const calls: (SpanContext | undefined)[] = [];
    const pass: Fault = async () => undefined;
    fixture.ports.faults.set(blockedStep, inSequence(gate.beforeEffect(), recording(calls, pass)));
    const { traceId, result } = await inTrace(() => fixture.accept());
    await gate.reached;
    await fixture.stopHeartbeats();

    const successor = await fixture.start();
    await fixture.finishedTimeline(result.id, successor.orders);

    const [recovery] = await untilRecovered(result.id);
    expect(recovery?.kind).to.equal(SpanKind.INTERNAL);
    expect(recovery?.parentSpanContext).to.equal(undefined);
    expect(recovery?.status.code).to.equal(SpanStatusCode.UNSET);
    expect(recovery?.attributes).to.include({ 'order.step': 'RESERVE_STOCK', 'order.state': 'CONFIRMED' });
    const acceptingSpan = recentSpans().find(
      (span) => span.spanContext().traceId === traceId && span.name === 'test',
    );
    expect(recovery?.links.map((link) => [link.context.traceId, link.context.spanId])).to.deep.equal([
      [traceId, acceptingSpan?.spanContext().spanId],
    ]);
    const { traceId: newTraceId, spanId } = recovery!.spanContext();
    expect(newTraceId).not.to.equal(traceId);
    expect(calls.map((call) => [call?.traceId, call?.spanId])).to.deep.equal([[newTraceId, spanId]]);
    const timeline = await successor.orders.getTimeline(result.id, '');
    expect(timeline.map((entry) => entry.traceId)).to.deep.equal([traceId, ...Array(5).fill(newTraceId)]);
    gate.open();
  });

  it('links to the accepting trace in every recovery', async () => {
    const gate = new Gate();
    fixture.ports.faults.set(blockedStep, inSequence(gate.beforeEffect(), gate.beforeEffect()));
    const { traceId, result } = await inTrace(() => fixture.accept());
    await gate.reached;
    await fixture.stopHeartbeats();
    await fixture.start();
    await waitFor(() => fixture.ports.calls.length === 2, 'call of the second driver');
    await fixture.stopHeartbeats();

    const last = await fixture.start();
    await fixture.finishedTimeline(result.id, last.orders);
    gate.open();

    const recoveries = await untilRecovered(result.id, 2);
    expect(recoveries.map(({ links }) => links.map((link) => link.context.traceId))).to.deep.equal([
      [traceId],
      [traceId],
    ]);
    expect(new Set(recoveries.map((span) => span.spanContext().traceId)).size).to.equal(2);
  });

  it('has the trace id that every log line of the recovery contains', async () => {
    const gate = new Gate();
    fixture.ports.faults.set(blockedStep, inSequence(gate.beforeEffect()));
    const { result } = await inTrace(() => fixture.accept());
    await gate.reached;
    await fixture.stopHeartbeats();

    const successor = await fixture.start();
    const [recovery] = await untilRecovered(result.id);
    gate.open();

    const lines = successor.logs.map((line) => JSON.parse(line) as Record<string, unknown>);
    const orderLines = lines.filter((line) => line['order_id'] === result.id);
    expect(orderLines.map((line) => [line['msg'], line['state'], line['trace_id']])).to.deep.equal([
      ['order claimed', 'PENDING', recovery?.spanContext().traceId],
      ['order changed', 'CONFIRMED', recovery?.spanContext().traceId],
    ]);
  });

  it('has an error when the recovery fails', async () => {
    const gate = new Gate();
    fixture.ports.faults.set(blockedStep, inSequence(gate.beforeEffect()));
    const { result } = await inTrace(() => fixture.accept());
    await gate.reached;
    await fixture.stopHeartbeats();

    const replica = await fixture.start(fastRecovery);
    replica.db.failBefore.set('saga.record', [connectionLost]);
    const [failed] = await untilRecovered(result.id);
    gate.open();

    expect(failed?.status.code).to.equal(SpanStatusCode.ERROR);
    expect(failed?.events.map(({ name }) => name)).to.deep.equal(['exception']);
    await fixture.finishedTimeline(result.id, replica.orders);
  });

  it('has no link when the order was accepted without a trace', async () => {
    const gate = new Gate();
    fixture.ports.faults.set(blockedStep, inSequence(gate.beforeEffect()));
    const { id } = await fixture.accept();
    await gate.reached;
    await fixture.database.db.query(clearTraceparent({ id }));
    await fixture.stopHeartbeats();

    const successor = await fixture.start();
    await fixture.finishedTimeline(id, successor.orders);
    gate.open();

    const [recovery] = await untilRecovered(id);
    expect(recovery?.links).to.deep.equal([]);
  });

  it('is recorded without spans of heartbeat and claim statements', async () => {
    await fixture.claimRound([await fixture.start(fastRecovery)]);
    const names = new Set(recentSpans().map(({ name }) => name));
    expect([...names]).not.to.include.members(['EXECUTE saga.heartbeat']);
    expect([...names]).not.to.include.members(['EXECUTE saga.claim_due']);
  });
});
