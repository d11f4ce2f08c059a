import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { serviceNames } from '../../cmd/dev/supervisor/protocol.js';
import { linesOf, logFileOf } from './log-files.js';
import { buy, type Placed } from './orders.js';
import { forTraces, forLogs, needs, restoreCollector, running } from './running.js';
import { eventuallyPasses } from './waiting.js';

describe('The log lines of an order', () => {
  let placed: Placed;

  before(async () => {
    placed = await buy();
  });

  for (const service of serviceNames) {
    it(`carry the trace id of the order in the log of ${service}`, () =>
      eventuallyPasses(async () => {
        const lines = linesOf(service).filter((line) => line['trace_id'] === placed.traceId);
        expect(lines.map((line) => line['msg'])).to.include('call served');
        for (const line of lines)
          expect(line).to.include.all.keys('level', 'ts', 'caller', 'msg', 'service', 'span_id');
      }));
  }

  it('name the order, its customer and its amount', () => {
    const served = linesOf('order-service').find(
      (line) => line['trace_id'] === placed.traceId && line['msg'] === 'call served',
    );
    const { orderId, customerId } = placed.order;
    expect(served).to.include({ order_id: orderId, customer_id: customerId, total_amount: 900 });
  });

  it('contain no payment method', () => {
    for (const service of serviceNames)
      expect(readFileSync(logFileOf(service), 'utf8')).to.not.include('pm_');
  });
});

describe('Loki', () => {
  needs(...forLogs);
  let placed: Placed;

  before(async () => {
    placed = await buy();
  });

  function services(expression: string): Promise<Set<string>> {
    return running('loki')
      .query(expression)
      .then((lines) => new Set(lines.map(({ labels }) => labels['service_name'] ?? '')));
  }

  it('finds lines of every service by a trace id', () =>
    eventuallyPasses(async () => {
      const found = await services(`{service_name=~".+"} | trace_id="${placed.traceId}"`);
      expect(found).to.deep.equal(new Set(serviceNames));
    }));

  it('finds lines by the id of an order', () =>
    eventuallyPasses(async () => {
      const found = await services(`{service_name=~".+"} | json | order_id="${placed.order.orderId}"`);
      expect([...found]).to.include.members(['order-service', 'payment-service']);
    }));

  describe('after a restart of the Collector', () => {
    needs(...forTraces);

    it('has each line once', async () => {
      await eventuallyPasses(async () => expect(await linesIn(placed)).to.deep.equal(writtenFor(placed)));
      await restoreCollector();
      const next = await buy();
      await eventuallyPasses(async () => expect(await linesIn(next)).to.deep.equal(writtenFor(next)));
      expect(await linesIn(placed)).to.deep.equal(writtenFor(placed));
    });

    async function linesIn({ traceId }: Placed): Promise<string[]> {
      const found = await running('loki').query(`{service_name=~".+"} | trace_id="${traceId}"`);
      return found.map(({ text }) => text).toSorted();
    }

    function writtenFor({ traceId }: Placed): string[] {
      const all = serviceNames.flatMap((service) => readFileSync(logFileOf(service), 'utf8').split('\n'));
      return all.filter((line) => line.includes(`"trace_id":"${traceId}"`)).toSorted();
    }
  });
});
