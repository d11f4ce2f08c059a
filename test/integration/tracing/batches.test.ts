import type { ReadableSpan } from '@opentelemetry/sdk-trace-node';
import { expect } from 'chai';
import { readBatcher, sql } from '../../../pkg/postgres/index.js';
import { exampleMigrations } from '../../support/postgres/example.js';
import { createTestDatabase, type TestDatabase } from '../../support/postgres/test-database.js';
import { inTrace, spansOf } from '../../support/rpc/span-recorder.js';

describe('traces of calls in one batch', () => {
  const read = sql('batch_trace.read', 'select id, balance from accounts where id = any ($ids::text[])');
  let database: TestDatabase;

  before(async () => {
    database = await createTestDatabase(exampleMigrations);
  });
  after(() => database.drop());

  const reader = () =>
    readBatcher<bigint>({
      operation: 'example.read',
      concurrency: 1,
      batching: { maxItems: 64 },
      read: async (ids) => {
        const rows = await database.db.query<{ id: string; balance: bigint }>(read({ ids }));
        return new Map(rows.map(({ id, balance }) => [id, balance]));
      },
    });

  it('show the statement below the span of a single caller', async () => {
    const batcher = reader();
    const { traceId } = await inTrace(() => batcher.run('a'));
    expect(tree(await spansOf(traceId, 2))).to.deep.equal(['test', '  EXECUTE batch_trace.read']);
  });

  it('show the batch in the trace of every caller, and the statement in the trace of the first one', async () => {
    const batcher = reader();
    const calls = ['a', 'b', 'c'].map((id) => inTrace(() => batcher.run(id)));
    const [first = [], second = [], third = []] = await Promise.all(
      calls.map(async (call, i) => spansOf((await call).traceId, i === 0 ? 3 : 2)),
    );
    expect(tree(first)).to.deep.equal(['test', '  BATCH example.read', '    EXECUTE batch_trace.read']);
    expect(tree(second)).to.deep.equal(['test', '  BATCH example.read']);
    expect(tree(third)).to.deep.equal(['test', '  BATCH example.read']);
    const [batch, ...others] = [first, second, third].map(batchSpan);
    expect(batch?.attributes).to.deep.equal({ 'db.operation.batch.size': 3 });
    for (const other of others) {
      expect(other?.attributes).to.deep.equal({ 'db.operation.batch.size': 3 });
      expect(other?.links.map((link) => link.context.spanId)).to.deep.equal([batch?.spanContext().spanId]);
    }
  });
});

function batchSpan(spans: readonly ReadableSpan[]): ReadableSpan | undefined {
  return spans.find(({ name }) => name.startsWith('BATCH'));
}

/** Names of the spans below a parent, indented by depth. */
function tree(spans: readonly ReadableSpan[], parent?: ReadableSpan, indent = ''): string[] {
  const lines: string[] = [];
  for (const span of spans) {
    if (span.parentSpanContext?.spanId !== parent?.spanContext().spanId) continue;
    lines.push(`${indent}${span.name}`, ...tree(spans, span, `${indent}  `));
  }
  return lines;
}
