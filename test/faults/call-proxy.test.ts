import { expect } from 'chai';
import { createClient, type RpcClient } from '../../pkg/rpc/index.js';
import { expectReason } from '../support/expect-reason.js';
import { BatchEchoServiceService, batchEchoService } from '../support/rpc/batch-echo-service.js';
import { startTestServer, type TestServer } from '../support/rpc/test-server.js';
import { waitFor } from '../support/wait-for.js';
import { startCallProxy, type CallFault, type CallProxy } from './call-proxy.js';

describe('the proxy of make test-faults', () => {
  let server: TestServer;
  let proxy: CallProxy;
  let client: RpcClient<typeof BatchEchoServiceService>;
  let fault: CallFault;
  let methods: string[];
  let handled: string[];
  let release: () => void;

  beforeEach(async () => {
    fault = {};
    methods = [];
    handled = [];
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const service = batchEchoService(async (text) => {
      handled.push(text);
      if (text === 'slow') await released;
      return { text };
    });
    server = await startTestServer({ services: [service] });
    proxy = await startCallProxy({
      definition: BatchEchoServiceService,
      target: server.address,
      faultOf: (method) => {
        methods.push(method);
        return fault;
      },
    });
    client = createClient(BatchEchoServiceService, {
      name: 'echo',
      target: proxy.address,
      timeoutMs: 10_000,
      retry: false,
      batching: { maxItems: 64 },
    });
  });
  afterEach(async () => {
    client.close();
    proxy.close();
    await server.close();
  });

  const sayAll = (...texts: string[]): Promise<string>[] =>
    texts.map(async (text) => (await client.say({ text })).text);

  it('forwards unary calls and batch calls, and uses the name of the unary method for both', async () => {
    expect(await Promise.all(sayAll('a'))).to.deep.equal(['a']);
    const [a, b] = sayAll('a', 'slow');
    expect(await a).to.equal('a');
    release();
    expect(await b).to.equal('slow');
    expect(methods).to.deep.equal(['Say', 'Say']);
  });

  it('forwards the status of a call', async () => {
    await expectReason(client.say({ text: 'invalid' }), 'VALIDATION_FAILED');
  });

  for (const texts of [['a'], ['a', 'b']])
    it(`drops a request of ${texts.length} items, or the answer to it`, async () => {
      fault = { dropsRequest: true };
      for (const call of sayAll(...texts)) await expectReason(call, 'DEPENDENCY_UNAVAILABLE');
      expect(handled).to.deep.equal([]);
      fault = { dropsResponse: true };
      for (const call of sayAll(...texts)) await expectReason(call, 'DEPENDENCY_UNAVAILABLE');
      expect(handled).to.deep.equal(texts);
    });

  it('drops only a part of the results of a batch that it returns in several messages', async () => {
    fault = { dropsResponse: true };
    const [first, second] = sayAll('a', 'slow');
    const failed = expectReason(second ?? Promise.resolve(), 'DEPENDENCY_UNAVAILABLE');
    await waitFor(() => handled.length === 2, 'handled items');
    setTimeout(() => release(), 50);
    expect(await first).to.equal('a');
    await failed;
  });

  it('sends a batch twice', async () => {
    fault = { repeatAfterMs: 0 };
    expect(await Promise.all(sayAll('a', 'b'))).to.deep.equal(['a', 'b']);
    await waitFor(() => handled.length === 4, 'repeated items');
  });
});
