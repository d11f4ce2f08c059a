import { expect } from 'chai';
import { callThatFails } from './trouble.js';
import { needs, running } from './verification.js';

describe('The trace of a call that fails', () => {
  needs('traces', 'processes');

  it('is an error of the service that could not answer, and names the status', async () => {
    const traceId = await callThatFails();
    const isWhole = 'CreateOrder and the call that failed';
    const trace = await running('jaeger').wholeTrace(traceId, isWhole, ({ spans }) =>
      ['server', 'client'].every((kind) => spans.some((span) => span.kind === kind && span.isError)),
    );
    const server = trace.spans.find(({ kind }) => kind === 'server');
    expect(server?.name).to.equal('grpc.order.v1.OrderService/CreateOrder');
    expect(server?.attributes).to.include({ 'error.type': 'UNAVAILABLE', 'rpc.grpc.status_code': 14 });
    const client = trace.spans.find(({ kind, isError }) => kind === 'client' && isError);
    expect(client?.name).to.equal('grpc.catalog.v1.CatalogService/BatchGetProducts');
  });
});
