import { expect } from 'chai';
import { callThatFails } from './trouble.js';
import { forTraces, needs, running } from './running.js';

describe('The trace of a call that fails', () => {
  needs(...forTraces);

  it('has an error in the server span of CreateOrder and in the client span of the call to the catalog service', async () => {
    const traceId = await callThatFails();
    const label = 'span of CreateOrder and of the failed call';
    const trace = await running('jaeger').wholeTrace(traceId, label, ({ spans }) =>
      ['server', 'client'].every((kind) => spans.some((span) => span.kind === kind && span.isError)),
    );
    const server = trace.spans.find(({ kind }) => kind === 'server');
    expect(server?.name).to.equal('grpc.order.v1.OrderService/CreateOrder');
    expect(server?.attributes).to.include({ 'error.type': 'UNAVAILABLE', 'rpc.grpc.status_code': 14 });
    const client = trace.spans.find(({ kind, isError }) => kind === 'client' && isError);
    expect(client?.name).to.equal('grpc.catalog.v1.CatalogService/BatchGetProducts');
  });
});
