import { expect } from 'chai';
import { formatJson, formatSummary, summaryOf, type Report } from './report.js';

const passedCheck = { title: 'true is true', passed: true };
const failedCheck = { title: 'zero is one', passed: false, expected: '1', actual: '0' };

function aReport(overrides: Partial<Report> = {}): Report {
  const steps = [{ text: 'placed', orderId: 'order-1', latencyMs: 8.4444, traceId: 'abc' }];
  return {
    run: 'r1',
    startedAt: new Date('2026-01-02T03:04:05Z'),
    durationMs: 12,
    addresses: { order: 'a:1', inventory: 'a:2', payment: 'a:3', catalog: 'a:4' },
    startedServices: true,
    scenarios: [{ number: 1, title: 'one', status: 'passed', durationMs: 1, steps, checks: [passedCheck] }],
    load: undefined,
    invariants: [{ number: 1, title: 'stock', status: 'passed', figures: { on_hand: 9 }, violations: [] }],
    ...overrides,
  };
}

describe('report', () => {
  it('counts checks, skipped scenarios and invariants', () => {
    const summary = summaryOf({
      ...aReport(),
      scenarios: [
        {
          number: 1,
          title: 'one',
          status: 'failed',
          durationMs: 1,
          steps: [],
          checks: [passedCheck, failedCheck],
        },
        { number: 9, title: 'nine', status: 'skipped', skipped: 'no', durationMs: 0, steps: [], checks: [] },
      ],
    });
    expect(formatSummary(summary)).to.equal('2 passed, 1 failed, 1 skipped');
  });

  it('counts the checks of a load', () => {
    const latency = { p50: 1, p95: 1, p99: 1, max: 1, mean: 1 };
    const rates = { connections: 1, durationMs: 1, ordersPerSecond: 1, latency };
    const counts = { outcomes: {}, errors: { INTERNAL: 1 }, repeats: {} };
    const load = { orders: 1, concurrency: 1, ...rates, ...counts, checks: [failedCheck] };
    expect(summaryOf(aReport({ scenarios: [], load }))).to.deep.equal({ passed: 1, failed: 1, skipped: 0 });
  });

  it('is a JSON document with a version and field names in snake_case', () => {
    const document = JSON.parse(formatJson(aReport())) as Record<string, unknown>;
    expect(document).to.include({ version: 1, ok: true, run: 'r1', started_services: true });
    expect(document['started_at']).to.equal('2026-01-02T03:04:05.000Z');
    expect(document['summary']).to.deep.equal({ passed: 2, failed: 0, skipped: 0 });
    expect(document).to.have.nested.property('scenarios[0].steps[0].trace_id', 'abc');
    expect(document).to.have.nested.property('scenarios[0].steps[0].latency_ms', 8.44);
  });

  it('does not convert outcomes to snake_case', () => {
    const latency = { p50: 1, p95: 1, p99: 1, max: 1, mean: 1 };
    const rates = { connections: 1, durationMs: 1, ordersPerSecond: 1, latency };
    const load = { orders: 1, concurrency: 1, ...rates, outcomes: { CONFIRMED: 1 }, errors: {}, repeats: {} };
    const document: unknown = JSON.parse(formatJson(aReport({ load: { ...load, checks: [] } })));
    expect(document).to.have.nested.property('load.outcomes.CONFIRMED', 1);
  });
});
